"""Who does a thing that one process alone may do: whoever creates its document first, until that is removed."""

from __future__ import annotations

from datetime import datetime, timedelta

from capture360.records import Records

ABANDONED = timedelta(minutes=10)
"""A claim that is older is one of a process that was killed."""


def claim(records: Records, path: str, now: datetime) -> bool:
    """Create the claim; False if another process has it."""
    content = now.isoformat().encode()
    if records.store.create(path, content):
        return True
    if not _is_abandoned(records, path, now):
        return False
    records.store.put(path, content)
    return True


def give_up(records: Records, path: str) -> None:
    """Remove the claim once the thing is done."""
    records.store.remove(path)


def _is_abandoned(records: Records, path: str, now: datetime) -> bool:
    try:
        return now - datetime.fromisoformat((records.store.read(path) or b"").decode()) >= ABANDONED
    except (ValueError, TypeError):
        return True
