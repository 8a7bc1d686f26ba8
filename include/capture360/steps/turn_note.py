"""Note of the run that waits with a capture for its turn to extract into a shared space.

Such a run does not hold the capture: what is shown of it can be contextualized, reviewed and retracted meanwhile. The
note keeps other runs from ingesting it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from capture360.errors import LeaseHeldError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import lease

_NOTE = "waits_for_turn"


def wait_for_turn(records: Records, key: CaptureKey, run: str) -> None:
    """Note that this run waits for its turn with the capture, and release the capture."""
    if (records.note(key, _NOTE) or {}).get("run") != run:
        records.put_note(key, _NOTE, {"run": run, "since": datetime.now(UTC).isoformat()})
    lease.release(records, key, run)


def end_waiting(records: Records, key: CaptureKey, run: str) -> None:
    """Remove the note that this run waits for its turn, if there is one."""
    if (records.note(key, _NOTE) or {}).get("run") == run:
        records.remove_note(key, _NOTE)


def is_waiting(records: Records, key: CaptureKey) -> bool:
    """Return whether a run is noted that waits for its turn; it may have ended."""
    return records.note(key, _NOTE) is not None


def waiting_run(records: Records, key: CaptureKey, is_finished: Callable[[str], bool]) -> str | None:
    """Return the unfinished run that waits for its turn with the capture; None if none does.

    The note of a finished run is removed.
    """
    waiting = (records.note(key, _NOTE) or {}).get("run")
    if waiting is None:
        return None
    if is_finished(waiting):
        end_waiting(records, key, waiting)
        return None
    return str(waiting)


def waiting_since(records: Records, key: CaptureKey) -> datetime | None:
    """Return when the run that waits for its turn with the capture began to wait; None if none does."""
    since = (records.note(key, _NOTE) or {}).get("since")
    return datetime.fromisoformat(since).astimezone(UTC) if since else None


def refuse_waiting(records: Records, key: CaptureKey, run: str, is_finished: Callable[[str], bool]) -> None:
    """Raise LeaseHeldError if another run waits for its turn with the capture, which `run` then does not hold.

    Asked before the lease is taken, so that the refused run leaves none, and after that, since another may have begun
    to wait.
    """
    waiting = waiting_run(records, key, is_finished)
    if waiting is not None and waiting != run:
        lease.release(records, key, run)
        raise LeaseHeldError(key, waiting)
