"""Times in the future, of clocks that were ahead: each counts as the moment at which captures_watch sees it first.

Otherwise a deadline would not run out before that time has come, which may be in years.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from capture360.errors import RecordsError
from capture360.records import SENSING, Records
from capture360.store import json_content
from capture360.text import digest_of
from capture360.time_zones import in_utc

CLOCKS_APART = timedelta(minutes=5)
"""How far clocks of workers may differ; a time that is not further ahead is none in the future."""
_AHEAD = f"{SENSING}/ahead.json"


class TimesAhead:
    """The times in the future that a look meets, with when one met each of them first."""

    def __init__(self, records: Records, now: datetime) -> None:
        self._records, self._now = records, now
        self._known = _first_seen(records)
        self._met: dict[str, datetime] = {}

    def since(self, at: datetime, *of: str) -> datetime:
        """Return a time of what `of` names, or when a look first met it in the future."""
        name = digest_of([*of, at.isoformat()])
        if name not in self._known and at <= self._now:
            return at
        self._met[name] = min(self._known.get(name, self._now), self._now)
        return self._met[name]

    def keep(self, *, whole: bool) -> None:
        """Keep what this look met; also what earlier ones met, unless it was a `whole` look."""
        kept = self._met if whole else {**self._known, **self._met}
        if kept != self._known:
            values = {name: first.isoformat() for name, first in kept.items()}
            self._records.store.put(_AHEAD, json_content(values))


def _first_seen(records: Records) -> dict[str, datetime]:
    """Return when times in the future were met first; a damaged document only starts their deadlines anew."""
    try:
        values = records.store.document(_AHEAD)
        return {name: in_utc(first) for name, first in values.items()} if values else {}
    except (RecordsError, ValueError, TypeError, OverflowError):
        return {}
