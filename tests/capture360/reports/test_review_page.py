"""The table that people decide on: differences marked, and nothing from outside that means anything."""

from __future__ import annotations

import pytest

from capture360.model import Asset, Detection, Match
from capture360.reports.review import differences, review_page

BOX = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))


@pytest.mark.parametrize(
    ("read", "tag", "shown"),
    [
        ("21-PT-1019A", "21-PT-1019A", "`21-PT-1019A`"),
        ("21-pt-1019a", "21-PT-1019A", "`21-PT-1019A`"),
        ("21-PT\n1019A", "21-PT 1019A", "`21-PT 1019A`"),
        ("21-PT-1O19A", "21-PT-1019A", "`21-PT-1`**`0`**`19A`"),
        ("21-PT-1019B", "21-PT-1019A", "`21-PT-1019`**`A`**"),
        ("21-PT-1019", "21-PT-1019A", "`21-PT-1019`**`A`**"),
        ("21-PT-10119", "21-PT-1019", "`21-PT-101`**`·`**`9`"),
        ("STRASSE", "straße", None),
    ],
)
def test_what_differs_is_bold(read: str, tag: str, shown: str | None) -> None:
    marked = differences(read, tag)
    assert marked.replace("**", "").replace("`", "").replace("·", "") == tag
    if shown is not None:
        assert marked == shown


def test_a_row_has_the_number_the_picture_the_text_and_all_candidates() -> None:
    pump, spare = Asset("1", "Pump A", ("P-101A", "PUMP-A")), Asset("2", "P-101B", ("P-101B",))
    match = Match(
        Detection("image-1", "left", "P-1O1A", 0.8, BOX), pump, 0.84, "suggested", "one character differs",
        ((pump, 0.84), (spare, 0.08)),
    )  # fmt: skip
    row = review_page([match], lambda detection: f"/pictures/{detection.image}.jpg").splitlines()[-1]
    assert row == (
        "| **1** | ![plate 1](/pictures/image-1.jpg) | `P-1O1A` | `P-1`**`0`**`1A` of `Pump A` 84% "
        "| 1b `P-1`**`0`**`1`**`B`** 8% | `one character differs` |"
    )


def test_a_text_from_outside_can_write_neither_markdown_nor_a_template() -> None:
    evil = "a|b ``` ` [x](http://evil) <img src=x> {{ 1 }}\n# head"
    asset = Asset("1", evil, (evil,))
    match = Match(Detection("i", "left", evil, 0.8, BOX), asset, 0.6, "suggested", evil, ((asset, 0.6),))
    *_, divider, row = review_page([match], lambda _: None).splitlines()
    assert row.replace("\\|", "").count("|") == divider.count("|")
    for cell in row.replace("\\|", "/").split("|")[3:5]:
        assert cell.strip().startswith("````")
        assert cell.count("````") == 2


def test_tags_that_are_equally_likely_are_explained_where_there_are_some() -> None:
    valve, rival, pump = (Asset(str(n), name, (name,)) for n, name in enumerate(("XV-205", "XV-2O5", "P-101A")))
    one, other = (Detection("image-1", "left", text, 0.8, BOX) for text in ("XV-2O5", "P-1O1A"))
    tie = Match(one, valve, 0.5, "suggested", "", ((valve, 0.5), (rival, 0.5)))
    clear = Match(other, pump, 0.9, "suggested", "", ((pump, 0.9), (valve, 0.1)))
    page = review_page([tie, clear], lambda _: None)
    assert "different tags for one plate" in page
    assert "*or* 1b `XV-2`**`O`**`5` 50%" in page or "*or* 1b `XV-2O5` 50%" in page
    assert "different tags for one plate" not in review_page([clear], lambda _: None)
