from __future__ import annotations

import pytest

from capture360_local.plant.hall import build_hall
from capture360_local.plant.tags import tag_book


@pytest.mark.parametrize("seed", range(6))
def test_siblings_are_planted_on_purpose(seed: int) -> None:
    book = tag_book(seed)
    names = [tag.name for tag in book.assets]
    assert len(names) == len(set(names))
    known = set(names)
    assert any(name.endswith("A") and f"{name[:-1]}B" in known for name in names)
    assert any("0" in name and name.replace("0", "O", 1) in known for name in names)
    assert any(name.endswith("8") and f"{name[:-1]}B" in known for name in names)
    tails = [name.rpartition("-") for name in names if name.rpartition("-")[2].isdigit()]
    assert any(f"{head}-{int(number) + 1}" in known for head, _, number in tails)
    assert not known & {tag.name for tag in book.ghosts}
    assert all(tag.parent in known for tag in book.assets if tag.parent)


def test_some_plates_have_two_lines() -> None:
    plates = build_hall(7).plates
    two = [plate for plate in plates if len(plate.lines) == 2 and plate.tag]
    assert len(two) >= 5
    assert all("-".join(plate.lines) == plate.tag for plate in two)
