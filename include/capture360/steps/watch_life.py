"""The last look of captures_watch: its time and findings. Without a recent one alerts are sent at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from capture360.errors import RecordsError
from capture360.records import SENSING, Records
from capture360.time_zones import in_utc

_LOOKED = f"{SENSING}/watched.json"
LONGEST_BETWEEN = timedelta(minutes=15)
"""After this time without a look captures_watch counts as not running."""
_MOST = 50
_LONGEST_TEXT = 1000
_OF_PEOPLE = frozenset({"surveyor", "reviewers"})
"""People that a capture waits for while everything works."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding about a subject: what is wrong, how to fix it, and who can."""

    kind: str
    subject: str
    what: str
    fix: str
    who: str

    @property
    def waits_for_people(self) -> bool:
        """Whether a capture waits for people while everything works."""
        return self.who in _OF_PEOPLE


@dataclass(frozen=True, slots=True)
class Life:
    """Time of the last look of captures_watch, and since when it looks without a gap.

    `queued` says since when runs of a DAG wait while none of it is running, `unread` since when a part of what Airflow
    reports cannot be read, or the watcher of the landing zones is silent, and `viewer_at` when there was a connection
    that may read all of it. `found` are the first findings that stand; of the others `more` are problems, and with
    `more_waiting` captures wait for people.
    """

    at: datetime
    since: datetime
    queued: Mapping[str, datetime] = field(default_factory=dict)
    found: tuple[Found, ...] = ()
    more: int = 0
    more_waiting: int = 0
    unread: Mapping[str, datetime] = field(default_factory=dict)
    viewer_at: datetime | None = None


def last_look(records: Records, now: datetime) -> Life | None:
    """Return the last look, however old; None if there was none. A time in the future, of a clock ahead, is none."""
    try:
        values = json.loads(records.store.read(_LOOKED) or b"{}")
        at, since = (in_utc(values[name]) for name in ("at", "since"))
        queued, unread = (
            {str(what): in_utc(text) for what, text in values[name].items()} for name in ("queued", "unread")
        )
        viewer_at = in_utc(values["viewer_at"]) if values["viewer_at"] else None
        found = tuple(Found(**{name: str(text) for name, text in each.items()}) for each in values["found"])
        more, more_waiting = int(values["more"]), int(values["more_waiting"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, RecordsError):
        return None
    return Life(at, since, queued, found, more, more_waiting, unread, viewer_at) if now >= at else None


def life(records: Records, now: datetime) -> Life | None:
    """Return the last look; None if there was none lately."""
    last = last_look(records, now)
    return last if last is not None and now - last.at < LONGEST_BETWEEN else None


def is_watched(records: Records, now: datetime) -> bool:
    """Return whether captures_watch has looked lately."""
    return life(records, now) is not None


def looked(
    records: Records,
    now: datetime,
    queued: Mapping[str, datetime] | None = None,
    found: Sequence[Found] = (),
    unread: Mapping[str, datetime] | None = None,
    viewer_at: datetime | None = None,
) -> None:
    """Record a look as `Life` has it: its time, and what stands, problems before what waits for people."""
    before = life(records, now)
    ordered = sorted(found, key=lambda each: each.waits_for_people)
    kept = [{name: text[:_LONGEST_TEXT] for name, text in asdict(each).items()} for each in ordered[:_MOST]]
    left_out = ordered[_MOST:]
    waiting = sum(each.waits_for_people for each in left_out)
    values = {
        "at": now.isoformat(),
        "since": (before.since if before else now).isoformat(),
        "queued": {dag: since.isoformat() for dag, since in (queued or {}).items()},
        "found": kept,
        "more": len(left_out) - waiting,
        "more_waiting": waiting,
        "unread": {part: since.isoformat() for part, since in (unread or {}).items()},
        "viewer_at": viewer_at and viewer_at.isoformat(),
    }
    records.store.put(_LOOKED, json.dumps(values).encode())
