"""What an answer to a page decides where several tags are suggested for one plate."""

from __future__ import annotations

import pytest

from capture360.matching.answers import Answer, understood

RIVALS = [frozenset({1}), frozenset({2, 3}), frozenset({4})]


@pytest.mark.parametrize(
    ("choice", "approve", "reject", "approved", "rejected"),
    [
        ("Approve all", "", "", {1, 4}, set()),
        ("Approve all", "", "2", {1, 3, 4}, {2}),
        ("Approve all", "", "2-3", {1, 4}, {2, 3}),
        ("Reject all", "3", "", {3}, {1, 2, 4}),
        ("Decide one by one", "2", "3", {2}, {3}),
    ],
)
def test_one_plate_is_never_approved_for_two_tags_by_one_click(
    choice: str, approve: str, reject: str, approved: set[int], rejected: set[int]
) -> None:
    assert understood(choice, approve, reject, 4, RIVALS) == Answer(frozenset(approved), frozenset(rejected))
