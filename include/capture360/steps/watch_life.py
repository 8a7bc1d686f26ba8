"""Whether captures_watch runs: each look leaves its time, and without it alerts are sent at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from capture360.records import SENSING, Records

_LOOKED = f"{SENSING}/watched.json"
LONGEST_BETWEEN = timedelta(minutes=15)
"""After this time without a look captures_watch counts as not running."""


@dataclass(frozen=True, slots=True)
class Life:
    """When captures_watch looked last, and since when it looks without a gap.

    `queued` says since when runs of a DAG wait while none of it is running.
    """

    at: datetime
    since: datetime
    queued: Mapping[str, datetime] = field(default_factory=dict)


def life(records: Records, now: datetime) -> Life | None:
    """Return the last look; None if there was none lately. A time in the future, of a clock that was ahead, is none."""
    try:
        values = json.loads(records.store.read(_LOOKED) or b"{}")
        at, since = (datetime.fromisoformat(values[name]).astimezone(UTC) for name in ("at", "since"))
        queued = {str(dag): datetime.fromisoformat(text).astimezone(UTC) for dag, text in values["queued"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return Life(at, since, queued) if timedelta(0) <= now - at < LONGEST_BETWEEN else None


def is_watched(records: Records, now: datetime) -> bool:
    """Return whether captures_watch has looked lately."""
    return life(records, now) is not None


def looked(records: Records, now: datetime, queued: Mapping[str, datetime] | None = None) -> None:
    """Keep the time of a look, and what waited in queues then."""
    before = life(records, now)
    values = {
        "at": now.isoformat(),
        "since": (before.since if before else now).isoformat(),
        "queued": {dag: since.isoformat() for dag, since in (queued or {}).items()},
    }
    records.store.put(_LOOKED, json.dumps(values).encode())
