"""The mark of the process that watches the landing zones: it is alive, or what keeps it from listing them.

sensing/watcher.json    put at most every BETWEEN, or when trouble begins or ends
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from capture360.errors import RecordsError
from capture360.records import SENSING, Records
from capture360.text import printable, without_secrets
from capture360.time_zones import in_utc

_MARK = f"{SENSING}/watcher.json"
_LONGEST_TEXT = 1000
BETWEEN = timedelta(minutes=3)
_FRESH = 3 * BETWEEN


@dataclass(frozen=True, slots=True)
class Mark:
    """When the watcher last gave a sign of life, and why it cannot list the landing zones, empty if it can."""

    at: datetime
    trouble: str = ""

    def is_well(self, now: datetime) -> bool:
        """Return whether it lists the landing zones. A time in the future, of a clock ahead, counts as now."""
        return not self.trouble and now - self.at <= _FRESH


def put_mark(records: Records, mark: Mark) -> None:
    """Leave a sign of life in place of the one before."""
    trouble = printable(without_secrets(mark.trouble), _LONGEST_TEXT)
    records.store.put(_MARK, json.dumps({"at": mark.at.isoformat(), "trouble": trouble}).encode())


def last_mark(records: Records) -> Mark | None:
    """Return the last sign of life; None if there is none, or it is damaged."""
    try:
        values = json.loads(records.store.read(_MARK) or b"{}")
        return Mark(in_utc(values["at"]), str(values["trouble"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, RecordsError):
        return None
