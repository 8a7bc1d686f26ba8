"""Which captures of a site a look lists: all that have not ended, and of the ended ones those that may have changed.

A landing zone keeps what was ever delivered, and listing an ended capture costs a request for each 1,000 of its files.
So it is listed again when the time of its folder is newer than the look before (file systems), and otherwise in turn,
a few at each look: object stores have no such time, and a file that is overwritten in place does not change its folder.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from capture360.errors import RecordsError
from capture360.records import SENSING, Records

ENDED_AT_ONCE = 10
"""Ended captures that a look lists in turn."""
_FIRST_YEAR = 2000
_CLOCKS = timedelta(hours=1)
"""Clocks of file servers may differ by so much from ours."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a look leaves to the next one: when it was, and the ended capture at which the turns go on."""

    at: datetime
    next: str

    def document(self) -> dict[str, str]:
        """As it is kept in the records."""
        return {"at": self.at.isoformat(), "next": self.next}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Turn:
        """ValueError, KeyError or TypeError if it is damaged."""
        at = datetime.fromisoformat(document["at"])
        if at.tzinfo is None or at.year < _FIRST_YEAR or not isinstance(document["next"], str):
            raise ValueError("a time without zone or of no look, or no name")
        return cls(at, document["next"])


def last_turn(records: Records, site: str) -> Turn | None:
    """What the look before left; None where there was none or it is damaged, and then everything is listed."""
    try:
        document = records.store.document(_path(site))
        return None if document is None else Turn.from_document(document)
    except (RecordsError, ValueError, KeyError, TypeError):
        return None


def keep_turn(records: Records, site: str, turn: Turn) -> None:
    """Leave it to the next look."""
    records.store.put(_path(site), json.dumps(turn.document()).encode())


def due(
    names: Sequence[str], ended: Collection[str], changed: Mapping[str, float], last: Turn | None, now: datetime
) -> tuple[frozenset[str], Turn]:
    """Return the captures to list, and what this look leaves to the next.

    `changed` holds, where the store knows it, when entries of a folder last changed, in seconds since 1970.
    """
    resting = sorted(name for name in names if name in ended)
    if last is None:
        return frozenset(names), Turn(now, "")
    in_turn = [*(name for name in resting if name >= last.next), *(name for name in resting if name < last.next)]
    following = next(islice(in_turn, ENDED_AT_ONCE, None), "")
    since = (min(last.at, now) - _CLOCKS).astimezone(UTC).timestamp()
    quiet = {name for name in in_turn[ENDED_AT_ONCE:] if changed.get(name, 0.0) < since}
    return frozenset(name for name in names if name not in quiet), Turn(now, following)


def _path(site: str) -> str:
    return f"{SENSING}/turns/{site}.json"
