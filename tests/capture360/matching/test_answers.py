"""What an answer to a review decides: about the rest, and where several tags are in question for one plate."""

from __future__ import annotations

import pytest

from capture360.matching.answers import Answer, fields_of, understood

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
    assert decided_by(understood(choice, approve, reject, TAGS, TIES)) == (approved, rejected)


def decided_by(answer: Answer) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """What is approved and rejected by an answer that was understood as a whole."""
    assert answer.faults == ()
    return set(answer.approved), set(answer.rejected)


def test_what_was_decided_one_by_one_is_not_of_the_rest_even_if_a_tag_of_it_is_named() -> None:
    def of(choice: str, approve: str = "", reject: str = "") -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        return decided_by(understood(choice, approve, reject, TAGS, TIES, decided={1, 2, 4}))

    assert of("Approve the rest") == ({(3, 0)}, set())
    assert of("Reject the rest", "1") == ({(1, 0)}, {(3, 0)})
    assert of("Approve the rest", reject="2b") == ({(3, 0)}, {(2, 1)})
    assert of("Reject the rest", reject="2a") == (set(), {(2, 0), (3, 0)})


@pytest.mark.parametrize(
    ("approve", "reject", "said"),
    [
        ("1b", "", '"1b" in approve is no tag of the review: number 1 has 1'),
        ("2b", "2b", "2b cannot be approved and rejected"),
        ("2-3b", "", '"2-3b" in approve is no number'),
    ],
)
def test_a_letter_that_is_not_on_the_page_is_refused(approve: str, reject: str, said: str) -> None:
    found = understood("Leave the rest", approve, reject, TAGS, TIES)
    assert [said in fault for fault in found.faults] == [True]
    assert (found.approved, found.rejected, found.kept) == (frozenset(), frozenset(), ("", ""))


def test_of_a_mistyped_answer_the_valid_numbers_are_kept_and_the_rest_is_left() -> None:
    found = understood("Approve the rest", "1, 99, x", "2b; 4, 3-7, 1", TAGS, TIES)
    assert found.faults == (
        '"99" in approve is not in the review, which shows 1 to 4.',
        '"x" in approve is no number: write them as 1, 3b, 5-8.',
        '"3-7" in reject is not in the review, which shows 1 to 4.',
        "1 cannot be approved and rejected at once.",
    )
    assert (found.approved, found.rejected) == (frozenset(), {(2, 1), (4, 0)})
    assert found.kept == ("", "2b, 4")
    corrected = understood("Approve the rest", "1", found.kept[1], TAGS, TIES)
    assert decided_by(corrected) == ({(1, 0), (2, 0), (3, 0)}, {(2, 1), (4, 0)})


def test_an_input_is_repeated_on_one_line_and_not_as_a_whole() -> None:
    (fault,) = understood("Leave the rest", f"a\nb{'c' * 1000}", "", TAGS).faults
    assert fault.startswith('"a\\nb')
    assert len(fault) < 120


@pytest.mark.parametrize(
    ("given", "fields", "faults"),
    [
        ({}, ("1", ""), []),
        ({"approve": None, "reject": 3}, ("", "3"), []),
        ({"approve": ""}, ("", ""), []),
        ({"approve": ["2"]}, ("1", ""), ["approve must be a text such as 1, 3b, 5-8."]),
        ({"reject": True}, ("1", ""), ["reject must be a text such as 1, 3b, 5-8."]),
        ({"aprove": "2"}, ("1", ""), ['"aprove" is no field of the form. Use approve and reject.']),
    ],
)
def test_a_field_that_is_not_given_stays_as_it_was(
    given: dict[str, object], fields: tuple[str, str], faults: list[str]
) -> None:
    found, said = fields_of(given, {"approve": "1", "reject": ""})
    assert ((found["approve"], found["reject"]), said) == (fields, faults)
