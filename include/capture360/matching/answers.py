"""Parsing of an answer to a whole review by numbers of its plates: the approved and the rejected tags.

Several tags of a plate are distinguished by letters: 3a or 3 is the first tag of plate 3, 3b the second one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from capture360.text import printable

Choice = Literal["Approve the rest", "Reject the rest", "Leave the rest"]
"""At most four, since Airflow shows a list instead of buttons for more."""
CHOICES: tuple[Choice, ...] = get_args(Choice)
APPROVE, REJECT, LEAVE = CHOICES
FIELDS = ("approve", "reject")
"""Fields of the form."""
_PART = re.compile(r"(\d{1,6})(?:\s*-\s*(\d{1,6})|([a-z]))?\Z", re.IGNORECASE | re.ASCII)
_EXAMPLE = "1, 3b, 5-8"
_ECHOED = 40
"""Characters of an input that a sentence about it repeats."""

_Part = tuple[int, int | None]
"""Number of a plate, and the index of its tag if a letter names it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Tags as (number of the plate from 1, index of the tag from 0); plates in neither set stay open.

    `faults` are sentences about the parts that were not understood; the others are decided, and the rest is left.
    `kept` are the valid parts of the fields `approve` and `reject`, to be completed.
    """

    approved: frozenset[tuple[int, int]]
    rejected: frozenset[tuple[int, int]]
    faults: tuple[str, ...] = ()
    kept: tuple[str, str] = ("", "")


def fields_of(given: Mapping[str, object], before: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the texts of the form's fields, and sentences about those that are none.

    A field that is not given is as `before`.
    """
    faults = [f"{_quoted(name)} is no field of the form. Use approve and reject." for name in given.keys() - {*FIELDS}]
    texts = {}
    for name in FIELDS:
        value = given.get(name, before.get(name))
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            faults.append(f"{name} must be a text such as {_EXAMPLE}.")
            value = before.get(name)
        texts[name] = value or ""
    return texts, sorted(faults)


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
    settle and that are not among those `decided` one by one. Numbers in `ties` are plates whose tags are equally
    likely: approving the rest leaves them open, unless all their tags but one are rejected; rejecting such a number
    rejects all its tags, and rejecting any other number its first tag. Approving a tag rejects those in a tie with it.

    Numbers that are malformed, not in the review, or approved and rejected at once are faults.
    """
    offered = {
        number: frozenset((number, tag) for tag in range(count if number in ties else min(count, 1)))
        for number, count in enumerate(tags, 1)
    }
    faults = [] if choice in CHOICES else [f"{_quoted(choice)} is none of: {', '.join(CHOICES)}."]
    to_approve, to_reject = (
        _parts(text, field, tags, faults) for text, field in zip((approve, reject), FIELDS, strict=True)
    )
    if both := _tags(to_approve, {}) & _tags(to_reject, offered):
        faults.append(f"{_listed(both)} cannot be approved and rejected at once.")
        to_approve, to_reject = (
            [part for part in parts if not _tags([part], meaning) & both]
            for parts, meaning in ((to_approve, {}), (to_reject, offered))
        )
    approved, rejected = _tags(to_approve, {}), _tags(to_reject, offered)
    settled = {number for number, _ in approved}.union(decided)
    refused = rejected.union(
        *(some - approved for some in map(offered.__getitem__, {number for number, _ in approved}))
    )
    kept = (_text(to_approve), _text(to_reject))
    if faults:
        return Answer(approved, refused, tuple(faults), kept)
    rest = [some - refused for number, some in offered.items() if number not in settled]
    if choice == APPROVE:
        return Answer(approved.union(*(some for some in rest if len(some) == 1)), refused, kept=kept)
    return Answer(approved, refused.union(*rest) if choice == REJECT else refused, kept=kept)


def letter(place: int) -> str:
    """Return the letter of a plate's tag by its index."""
    return chr(ord("a") + place)


def _tags(parts: Iterable[_Part], offered: Mapping[int, frozenset[tuple[int, int]]]) -> frozenset[tuple[int, int]]:
    """Return the tags that parts of a list name; a number without a letter names those `offered`, or the first one."""
    found: set[tuple[int, int]] = set()
    for number, place in parts:
        first = frozenset({(number, 0)})
        found.update(offered.get(number, first) if place is None else {(number, place)})
    return frozenset(found)


def _parts(text: str, field: str, tags: Sequence[int], faults: list[str]) -> list[_Part]:
    """Parse a list; add a sentence to `faults` about each part that is wrong."""
    found: list[_Part] = []
    for part in filter(None, (part.strip() for part in re.split(r"[,;]", text))):
        matched = _PART.match(part)
        named = f"{_quoted(part)} in {field}"
        if matched is None:
            faults.append(f"{named} is no number: write them as {_EXAMPLE}.")
            continue
        first, last = int(matched[1]), int(matched[2] or matched[1])
        if not 1 <= first <= last <= len(tags):
            faults.append(f"{named} is not in the review, which shows 1 to {len(tags)}.")
            continue
        place = ord(matched[3].lower()) - ord("a") if matched[3] else None
        if place is not None and place >= tags[first - 1]:
            faults.append(f"{named} is no tag of the review: number {first} has {tags[first - 1]}.")
            continue
        found.extend((number, place) for number in range(first, last + 1))
    return found


def _quoted(text: object) -> str:
    return f'"{printable(str(text), _ECHOED)}"'


def _text(parts: Iterable[_Part]) -> str:
    return ", ".join(dict.fromkeys(_label(number, place) for number, place in parts))


def _listed(tags: frozenset[tuple[int, int]]) -> str:
    return ", ".join(_label(number, place or None) for number, place in sorted(tags))


def _label(number: int, place: int | None) -> str:
    return str(number) if place is None else f"{number}{letter(place)}"
