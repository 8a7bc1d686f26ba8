"""When the last sensing of the landing zones began. One that found errors counts as well."""

from __future__ import annotations

from datetime import datetime

from capture360.errors import RecordsError
from capture360.records import SENSING, Records
from capture360.steps.listing_state import last_listing_state, sites_with_state
from capture360.steps.times_ahead import CLOCKS_APART
from capture360.store import json_content
from capture360.time_zones import in_utc

_SENSED = f"{SENSING}/scanned.json"


def note_sensing(records: Records, at: datetime) -> None:
    """Record that a sensing which began at this time has come to its end."""
    records.store.put(_SENSED, json_content({"at": at.isoformat()}))


def last_sensing(records: Records, now: datetime) -> datetime | None:
    """Return when the last complete sensing began; None if there is none, or the time of it cannot be read.

    A time in the future, from a clock that was ahead, is none. Where nothing was recorded, as before the first sensing
    of a newer version, the times of single sites count.
    """
    try:
        document = records.store.document(_SENSED)
        at = in_utc(str(document["at"])) if document else _newest_of_sites(records)
    except (KeyError, ValueError, OverflowError, RecordsError):  # the next sensing replaces what is damaged
        return None
    return at if at is not None and at <= now + CLOCKS_APART else None


def _newest_of_sites(records: Records) -> datetime | None:
    states = [last_listing_state(records, site) for site in sites_with_state(records)]
    return max((state.at for state in states if state is not None), default=None)
