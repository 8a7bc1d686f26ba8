"""A reviewer's answer about a page of numbered suggestions: which of them are approved, and which rejected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from capture360.errors import ReviewAnswerError

Choice = Literal["Approve all", "Reject all", "Decide one by one", "Leave as they are"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
LEAVE: Choice = "Leave as they are"
_PART = re.compile(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """Numbers of a page's suggestions, from 1; those in neither are left as they are."""

    approved: frozenset[int]
    rejected: frozenset[int]


def understood(choice: str, approve: str, reject: str, shown: int, rivals: Iterable[frozenset[int]] = ()) -> Answer:
    """The answer to a page that shows suggestions 1 to `shown`.

    `approve` and `reject` are lists such as "1, 3, 5-8": what is decided one by one, or what is excepted from
    approving or rejecting all. `rivals` are numbers that suggest different tags for one plate: approving all approves
    none of them, unless all but one are rejected.

    ReviewAnswerError if numbers are not understood, not on the page, or contradict the choice.
    """
    approved, rejected = _numbers(approve, "approve", shown), _numbers(reject, "reject", shown)
    everything = frozenset(range(1, shown + 1))
    if both := approved & rejected:
        raise ReviewAnswerError(f"{_listed(both)} cannot be approved and rejected at once. {_UNCHANGED}")
    if choice == "Approve all" and not approved:
        open_rivals = [left for group in rivals if len(left := group - rejected) > 1]
        return Answer(everything.difference(rejected, *open_rivals), rejected)
    if choice == "Reject all" and not rejected:
        return Answer(approved, everything - approved)
    if choice == "Decide one by one" and (approved or rejected):
        return Answer(approved, rejected)
    if choice == LEAVE and not approved | rejected:
        return Answer(frozenset(), frozenset())
    if choice not in CHOICES:
        raise ReviewAnswerError(f'"{choice}" is none of: {", ".join(CHOICES)}. {_UNCHANGED}')
    if choice == "Decide one by one":
        raise ReviewAnswerError(f'"{choice}" needs numbers to approve or to reject. {_UNCHANGED}')
    raise ReviewAnswerError(f'"{choice}" does not go with the numbers {_listed(approved | rejected)}. {_UNCHANGED}')


_UNCHANGED = "Nothing was changed."


def _numbers(text: str, field: str, shown: int) -> frozenset[int]:
    found: set[int] = set()
    for part in filter(None, (part.strip() for part in re.split(r"[,;]", text))):
        matched = _PART.match(part)
        if matched is None:
            raise ReviewAnswerError(f'"{part}" in {field} is no number: write them as 1, 3, 5-8. {_UNCHANGED}')
        first, last = int(matched[1]), int(matched[2] or matched[1])
        if not 1 <= first <= last <= shown:
            raise ReviewAnswerError(f'"{part}" in {field} is not on the page, which shows 1 to {shown}. {_UNCHANGED}')
        found.update(range(first, last + 1))
    return frozenset(found)


def _listed(numbers: frozenset[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers))
