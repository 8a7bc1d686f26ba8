"""Mutual exclusion between processes: the one that creates a document holds the claim until it is removed."""

from __future__ import annotations

from datetime import datetime, timedelta

from capture360.records import Records

ABANDONED = timedelta(minutes=10)
"""Age from which a claim counts as left behind by a killed process."""


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
    """Remove the claim."""
    records.store.remove(path)


def _is_abandoned(records: Records, path: str, now: datetime) -> bool:
    try:
        age = now - datetime.fromisoformat((records.store.read(path) or b"").decode())
    except (ValueError, TypeError):
        return True
    return abs(age) >= ABANDONED  # a claim of a clock that was far ahead would never end
