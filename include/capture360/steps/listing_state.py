"""Selection of a site's captures that a sensing lists: all before their end, and ended ones that may have changed.

A landing zone keeps every delivery, and listing an ended capture takes a request for each 1,000 of its files. So it is
listed again if its folder's time is newer than the previous sensing (file systems), and otherwise in turn, a few at
each sensing: object stores have no such time, and overwriting a file does not change that of its folder.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from capture360.errors import RecordsError, StoreUnavailableError
from capture360.records import SENSING, Records

ENDED_AT_ONCE = 10
"""Ended captures that a sensing lists in turn."""
_FOLDER = f"{SENSING}/turns"
_FIRST_YEAR = 2000
_CLOCKS = timedelta(hours=1)
"""Tolerance for clocks of file servers."""


@dataclass(frozen=True, slots=True)
class ListingState:
    """State from one sensing to the next: its time, and the ended capture at which the turns continue.

    `archived` is where they continue among captures whose files were taken away.
    """

    at: datetime
    next: str
    archived: str = ""

    def document(self) -> dict[str, str]:
        """Return the state as it is kept in the records."""
        return {"at": self.at.isoformat(), "next": self.next, "archived": self.archived}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ListingState:
        """Build the state from its `document`; ValueError, KeyError, TypeError or OverflowError if damaged."""
        at = datetime.fromisoformat(document["at"])
        at.astimezone(UTC)  # raises beyond the years of the calendar
        names = document["next"], document.get("archived", "")
        if at.tzinfo is None or at.year < _FIRST_YEAR or not all(isinstance(name, str) for name in names):
            raise ValueError("a time without zone or of no look, or no name")
        return cls(at, *names)


def last_listing_state(records: Records, site: str) -> ListingState | None:
    """Return the state of the previous sensing; None if it cannot be read, so that everything is listed."""
    try:
        document = records.store.document(_path(site))
        return None if document is None else ListingState.from_document(document)
    except (RecordsError, StoreUnavailableError, ValueError, KeyError, TypeError, OverflowError):
        return None


def sites_with_state(records: Records) -> Sequence[str]:
    """Return the sites with a state that sensing has kept."""
    return [name.removesuffix(".json") for name in records.store.names(_FOLDER)]


def keep_listing_state(records: Records, site: str, state: ListingState) -> None:
    """Keep the state for the next sensing."""
    records.store.put(_path(site), json.dumps(state.document()).encode())


def due(
    names: Sequence[str], ended: Collection[str], changed: Mapping[str, float], last: ListingState | None, now: datetime
) -> tuple[frozenset[str], ListingState]:
    """Return the captures to list, and the state for the next sensing.

    `changed` holds the time of the last change of a folder, in seconds since 1970, where the store knows it.
    """
    resting = [name for name in names if name in ended]
    if last is None:
        return frozenset(names), ListingState(now, "")
    chosen, following = in_turn(resting, last.next, ENDED_AT_ONCE)
    since = (min(last.at, now) - _CLOCKS).astimezone(UTC).timestamp()
    quiet = {name for name in resting if name not in chosen and changed.get(name, 0.0) < since}
    return frozenset(name for name in names if name not in quiet), ListingState(now, following)


def in_turn(names: Iterable[str], begin: str, most: int) -> tuple[Sequence[str], str]:
    """Return at most so many of the names from `begin` on and around, and the name at which to begin next time."""
    every = sorted(names)
    around = [*(name for name in every if name >= begin), *(name for name in every if name < begin)]
    return around[:most], next(islice(around, most, None), "")


def _path(site: str) -> str:
    return f"{_FOLDER}/{site}.json"
