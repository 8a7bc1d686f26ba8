"""What an answer to a review decides: about the rest, and where several tags are in question for one plate."""

from __future__ import annotations

import pytest

from capture360.errors import ReviewAnswerError
from capture360.matching.answers import Answer, understood

TAGS = [1, 2, 3, 1]
"""Plate 2 is one of two tags that are equally likely; plate 3 has a suggestion and two others that are not."""
TIES = {2}


@pytest.mark.parametrize(
    ("choice", "approve", "reject", "approved", "rejected"),
    [
        ("Approve the rest", "", "", {(1, 0), (3, 0), (4, 0)}, set()),
        ("Approve the rest", "", "2b", {(1, 0), (2, 0), (3, 0), (4, 0)}, {(2, 1)}),
        ("Approve the rest", "", "2-3", {(1, 0), (4, 0)}, {(2, 0), (2, 1), (3, 0)}),
        ("Reject the rest", "", "", set(), {(1, 0), (2, 0), (2, 1), (3, 0), (4, 0)}),
        ("Reject the rest", "2b", "", {(2, 1)}, {(1, 0), (2, 0), (3, 0), (4, 0)}),
        ("Approve the rest", "2b", "1", {(2, 1), (3, 0), (4, 0)}, {(1, 0), (2, 0)}),
        ("Leave the rest", "", "", set(), set()),
        ("Leave the rest", "2", "", {(2, 0)}, {(2, 1)}),
        ("Leave the rest", "2a, 2B", "", {(2, 0), (2, 1)}, set()),
        ("Leave the rest", "3c", "1", {(3, 2)}, {(3, 0), (1, 0)}),
        ("Leave the rest", "", "2", set(), {(2, 0), (2, 1)}),
    ],
)
def test_one_plate_is_never_approved_for_two_tags_by_one_click(
    choice: str, approve: str, reject: str, approved: set[tuple[int, int]], rejected: set[tuple[int, int]]
) -> None:
    assert understood(choice, approve, reject, TAGS, TIES) == Answer(frozenset(approved), frozenset(rejected))


def test_what_was_decided_one_by_one_is_not_of_the_rest_unless_it_is_named() -> None:
    def of(choice: str, approve: str = "", reject: str = "") -> Answer:
        return understood(choice, approve, reject, TAGS, TIES, decided={1, 2, 4})

    assert of("Approve the rest") == Answer(frozenset({(3, 0)}), frozenset())
    assert of("Reject the rest", "1") == Answer(frozenset({(1, 0)}), frozenset({(3, 0)}))
    assert of("Approve the rest", reject="2b") == Answer(frozenset({(2, 0), (3, 0)}), frozenset({(2, 1)}))


@pytest.mark.parametrize(
    ("approve", "reject", "said"),
    [
        ("1b", "", '"1b" in approve is no tag of the review: number 1 has 1'),
        ("2b", "2b", "2b cannot be approved and rejected"),
        ("2-3b", "", '"2-3b" in approve is no number'),
    ],
)
def test_a_letter_that_is_not_on_the_page_is_refused(approve: str, reject: str, said: str) -> None:
    with pytest.raises(ReviewAnswerError, match=said):
        understood("Leave the rest", approve, reject, TAGS, TIES)
