"""The question about a plate in words, and what its candidates answer."""

from __future__ import annotations

import pytest

from capture360.reports.review_questions import character_name, characters, question_about


@pytest.mark.parametrize(
    ("read", "tags", "asked", "labels"),
    [
        ("JB-6O2", ["JB-602", "JB-6O2"], "Digit 0 or letter O?", ("digit 0", "letter O")),
        ("JB-370B", ["JB-370B", "JB-3708"], "Letter B or digit 8?", ("letter B", "digit 8")),
        ("Kl-100", ["Kl-100", "KI-100", "K1-100"], "Small letter l, letter I or digit 1?",
         ("small letter l", "letter I", "digit 1")),
        ("21 PT", ["21-PT", "21_PT"], "Hyphen or underscore?", ("hyphen", "underscore")),
        ("PT-2OO1", ["PT-2001A"], "Is this the tag on the plate?", ("this tag",)),
        ("44-TT\n1766", ["44-TT-1766"], "Is this the whole tag on the plate?", ("the whole tag",)),
        ("PT-2O01", ["PT-2001"], "Read as letter O: is it digit 0?", ("digit 0",)),
        ("PT-2001", ["PT-2001"], "Is this the whole tag on the plate?", ("the whole tag",)),
        ("PT-20", ["PT-201", "PT-202A"], "Which of these tags is on the plate?", ("", "")),
        ("PT-20", ["PT-20", "PT-20"], "Which of these tags is on the plate?", ("", "")),
    ],
)  # fmt: skip
def test_the_question_names_the_characters_that_decide(
    read: str, tags: list[str], asked: str, labels: tuple[str, ...]
) -> None:
    question = question_about(read, tags)
    assert (question.text, question.labels) == (asked, labels)


def test_a_sign_is_named_by_unicode() -> None:
    assert character_name("+") == "plus sign"
    assert character_name("\N{CYRILLIC CAPITAL LETTER O}") == "letter \N{CYRILLIC CAPITAL LETTER O}"


def test_what_differs_is_marked_by_kind() -> None:
    marked = [(each.text, each.kind) for each in characters("JB-602", ["JB-6O2"]) if each.marked]
    assert marked == [("0", "digit")]
