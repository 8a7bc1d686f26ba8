"""Whether captures_watch runs: each look leaves its time, and without it alerts are sent at once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from capture360.records import SENSING, Records

_LOOKED = f"{SENSING}/watched.json"
LONGEST_BETWEEN = timedelta(minutes=15)
"""After this time without a look captures_watch counts as not running."""


def looked(records: Records, now: datetime) -> None:
    """Keep the time of a look."""
    records.store.put(_LOOKED, json.dumps({"at": now.isoformat()}).encode())


def is_watched(records: Records, now: datetime) -> bool:
    """Return whether captures_watch has looked lately. A time in the future, of a clock that was ahead, is none."""
    try:
        at = datetime.fromisoformat(json.loads(records.store.read(_LOOKED) or b"{}")["at"])
        return timedelta(0) <= now - at < LONGEST_BETWEEN
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
