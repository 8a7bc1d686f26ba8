"""Parsing of an answer to a whole review by numbers of its plates: the approved and the rejected tags.

Several tags of a plate are distinguished by letters: 3a or 3 is the first tag of plate 3, 3b the second one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from capture360.errors import ReviewAnswerError

Choice = Literal["Approve the rest", "Reject the rest", "Leave the rest"]
"""At most four, since Airflow shows a list instead of buttons for more."""
CHOICES: tuple[Choice, ...] = get_args(Choice)
APPROVE, REJECT, LEAVE = CHOICES
_PART = re.compile(r"(\d{1,6})(?:\s*-\s*(\d{1,6})|([a-z]))?\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """Tags as (number of the plate from 1, index of the tag from 0); plates in neither set stay open."""

    approved: frozenset[tuple[int, int]]
    rejected: frozenset[tuple[int, int]]


def understood(
    choice: str,
    approve: str,
    reject: str,
    tags: Sequence[int],
    ties: Collection[int] = frozenset(),
    decided: Collection[int] = frozenset(),
) -> Answer:
    """Parse the answer to a review; `tags` is the number of tags of each plate.

    `approve` and `reject` are lists such as "1, 3b, 5-8". `choice` is about the rest: plates that these lists do not
    name and that are not among those `decided` one by one. Numbers in `ties` are plates whose tags are equally likely:
    approving the rest leaves them open, unless all their tags but one are rejected; rejecting such a number rejects all
    its tags, and rejecting any other number its first tag. Approving a tag rejects those in a tie with it.

    ReviewAnswerError if numbers are malformed or not in the review, or if a tag is approved and rejected.
    """
    if choice not in CHOICES:
        raise ReviewAnswerError(f'"{choice}" is none of: {", ".join(CHOICES)}. {_UNCHANGED}')
    offered = {
        number: frozenset((number, tag) for tag in range(count if number in ties else min(count, 1)))
        for number, count in enumerate(tags, 1)
    }
    approved, rejected = _chosen(approve, "approve", tags), _rejected(reject, tags, offered)
    if both := approved & rejected:
        raise ReviewAnswerError(f"{_listed(both)} cannot be approved and rejected at once. {_UNCHANGED}")
    settled = {number for number, _ in approved}
    settled.update(set(decided) - {number for number, _ in rejected})
    refused = rejected.union(
        *(some - approved for some in map(offered.__getitem__, {number for number, _ in approved}))
    )
    rest = [some - refused for number, some in offered.items() if number not in settled]
    if choice == APPROVE:
        return Answer(approved.union(*(some for some in rest if len(some) == 1)), refused)
    return Answer(approved, refused.union(*rest) if choice == REJECT else refused)


_UNCHANGED = "Nothing was changed."


def letter(place: int) -> str:
    """Return the letter of a plate's tag by its index."""
    return chr(ord("a") + place)


def _chosen(text: str, field: str, tags: Sequence[int]) -> frozenset[tuple[int, int]]:
    """Parse a list of tags; a number without a letter names the first one."""
    return frozenset((number, place or 0) for number, place in _parts(text, field, tags))


def _rejected(
    text: str, tags: Sequence[int], offered: dict[int, frozenset[tuple[int, int]]]
) -> frozenset[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for number, place in _parts(text, "reject", tags):
        found.update(offered[number] if place is None else {(number, place)})
    return frozenset(found)


def _parts(text: str, field: str, tags: Sequence[int]) -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    for part in filter(None, (part.strip() for part in re.split(r"[,;]", text))):
        matched = _PART.match(part)
        if matched is None:
            raise ReviewAnswerError(f'"{part}" in {field} is no number: write them as 1, 3b, 5-8. {_UNCHANGED}')
        first, last = int(matched[1]), int(matched[2] or matched[1])
        if not 1 <= first <= last <= len(tags):
            raise ReviewAnswerError(
                f'"{part}" in {field} is not in the review, which shows 1 to {len(tags)}. {_UNCHANGED}'
            )
        place = ord(matched[3].lower()) - ord("a") if matched[3] else None
        if place is not None and place >= tags[first - 1]:
            raise ReviewAnswerError(
                f'"{part}" in {field} is no tag of the review: number {first} has {tags[first - 1]}. {_UNCHANGED}'
            )
        found.extend((number, place) for number in range(first, last + 1))
    return found


def _listed(tags: frozenset[tuple[int, int]]) -> str:
    return ", ".join(f"{number}{letter(place) if place else ''}" for number, place in sorted(tags))
