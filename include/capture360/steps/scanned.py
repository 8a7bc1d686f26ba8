"""When the last scan of the landing zones began. A scan that found errors is one as well."""

from __future__ import annotations

from datetime import datetime

from capture360.errors import RecordsError
from capture360.records import SENSING, Records
from capture360.steps.times_ahead import CLOCKS_APART
from capture360.steps.turns import last_turn, turned_sites
from capture360.store import json_content
from capture360.time_zones import in_utc

_SCANNED = f"{SENSING}/scanned.json"


def scanned(records: Records, at: datetime) -> None:
    """Record that a scan which began at this time has come to its end."""
    records.store.put(_SCANNED, json_content({"at": at.isoformat()}))


def last_scan(records: Records, now: datetime) -> datetime | None:
    """Return when the last complete scan began; None if there is none, or the time of it cannot be read.

    A time in the future, from a clock that was ahead, is none. Where nothing was recorded, as before the first scan of
    a newer version, the scans of single sites count.
    """
    try:
        document = records.store.document(_SCANNED)
        at = in_utc(str(document["at"])) if document else _last_turn(records)
    except (KeyError, ValueError, OverflowError, RecordsError):  # the next scan replaces what is damaged
        return None
    return at if at is not None and at <= now + CLOCKS_APART else None


def _last_turn(records: Records) -> datetime | None:
    turns = [last_turn(records, site) for site in turned_sites(records)]
    return max((turn.at for turn in turns if turn is not None), default=None)
