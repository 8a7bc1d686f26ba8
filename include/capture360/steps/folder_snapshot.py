"""The state in which sensing last saw a capture's folder, as a note beside its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from capture360.errors import RecordsError
from capture360.model import CaptureKey
from capture360.records import LOOK, Records

EMPTY = "files: the folder is empty"


@dataclass(frozen=True, slots=True)
class FolderSnapshot:
    """The fingerprint of a folder, and since when it is unchanged.

    `complete` is the last delivery that was complete, empty if none was, and `marker` when the ready file was written
    that it was found with. `waiting` is what the folder waits for, empty if nothing.
    """

    fingerprint: str
    since: datetime
    complete: str = ""
    marker: float = 0.0
    waiting: str = ""

    def document(self) -> dict[str, Any]:
        """Return the snapshot as JSON values."""
        return {**asdict(self), "since": self.since.isoformat()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> FolderSnapshot:
        """Build a snapshot from its `document`; ValueError, TypeError or OverflowError if it is malformed."""
        since = datetime.fromisoformat(document["since"])
        if since.tzinfo is None:
            raise ValueError(f"{since} has no zone")
        since = since.astimezone(UTC)
        complete, waiting = (str(document.get(name, "")) for name in ("complete", "waiting"))
        return cls(str(document["fingerprint"]), since, complete, float(document.get("marker", 0.0)), waiting)


def last_snapshot(records: Records, key: CaptureKey) -> FolderSnapshot | None:
    """Return the last snapshot of a capture's folder; None if there is none.

    None as well if the note is damaged, which only restarts the quiet period.
    """
    try:
        note = records.note(key, LOOK)
        return FolderSnapshot.from_document(note) if note else None
    except (RecordsError, ValueError, TypeError, OverflowError):
        return None
