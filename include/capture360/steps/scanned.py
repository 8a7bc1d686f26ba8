"""When the last scan of the landing zones began. A scan that found errors is one as well."""

from __future__ import annotations

from datetime import datetime

from capture360.errors import RecordsError
from capture360.records import SENSING, Records
from capture360.steps.times_ahead import CLOCKS_APART
from capture360.store import json_content
from capture360.time_zones import in_utc

_SCANNED = f"{SENSING}/scanned.json"


def scanned(records: Records, at: datetime) -> None:
    """Record that a scan which began at this time has come to its end."""
    records.store.put(_SCANNED, json_content({"at": at.isoformat()}))


def last_scan(records: Records, now: datetime) -> datetime | None:
    """Return when the last complete scan began; None if there is none, or the time of it cannot be read.

    A time in the future, from a clock that was ahead, is none.
    """
    try:
        document = records.store.document(_SCANNED)
        at = in_utc(str(document["at"])) if document else None
    except (KeyError, ValueError, OverflowError, RecordsError):  # the next scan replaces what is damaged
        return None
    return at if at is not None and at <= now + CLOCKS_APART else None
