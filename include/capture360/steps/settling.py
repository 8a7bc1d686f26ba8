"""Decide whether a delivery is complete: by a marker, by a count in two snapshots, or by a quiet period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.landing.ready import delivered_files, ready_files
from capture360.readers.manifest import MANIFEST
from capture360.readers.manifest_file import load_document
from capture360.readers.problem import Unreadable
from capture360.settings.landing import Landing

_IMAGES = (".jpg", ".jpeg", ".png")
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class FolderSnapshot:
    """The fingerprint of a folder, and since when it is unchanged."""

    fingerprint: str
    since: datetime

    def document(self) -> dict[str, str]:
        """Return the snapshot as JSON values."""
        return {"fingerprint": self.fingerprint, "since": self.since.isoformat()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> FolderSnapshot:
        """Build a snapshot from its `document`; ValueError or TypeError if it is malformed."""
        since = datetime.fromisoformat(document["since"])
        if since.tzinfo is None:
            raise ValueError(f"{since} has no zone")
        return cls(str(document["fingerprint"]), since)


@dataclass(frozen=True, slots=True)
class Settling:
    """The current snapshot, and why the delivery is incomplete; `waiting_for` is None once it is complete."""

    snapshot: FolderSnapshot
    waiting_for: str | None


def settling(folder: CaptureFolder, last: FolderSnapshot | None, landing: Landing, now: datetime) -> Settling:
    """Decide whether a delivery is complete, given its last snapshot.

    A marker counts at once, unless it states more files than exist. A count in `capture.yaml` counts once two snapshots
    are equal. In any case a folder that is unchanged for `landing.quiet_period` is complete; its checks then report
    what is missing.
    """
    seen = fingerprint(folder, landing.ready_markers)
    unchanged = last is not None and last.fingerprint == seen
    snapshot = FolderSnapshot(seen, min(last.since, now) if last is not None and unchanged else now)
    ready = next(ready_files(folder, landing.ready_markers), None)
    files = delivered_files(folder, landing.ready_markers)
    if files == 0:
        return Settling(snapshot, "files: the folder is empty")
    if unchanged and now - snapshot.since >= landing.quiet_period:
        return Settling(snapshot, None)
    if ready is not None:
        if ready.files is None or files >= ready.files:
            return Settling(snapshot, None)
        return Settling(snapshot, f"files: {files} of the {ready.files} that {ready.name} promises are there")
    expected = _promised_images(folder)
    if expected is None:
        minutes = landing.quiet_period.total_seconds() / 60
        marker = f"no {landing.ready_markers[0]} and " if landing.ready_markers else ""
        return Settling(snapshot, f"quiet: {marker}less than {minutes:g} minutes unchanged")
    images = sum(entry.path.lower().endswith(_IMAGES) for entry in folder.files)
    if images < expected:
        return Settling(snapshot, f"images: {images} of the {expected} that {MANIFEST} promises are there")
    return Settling(snapshot, None if unchanged else "a second look: all images are there, but may still be growing")


def _promised_images(folder: CaptureFolder) -> int | None:
    """Return the number of image files that the manifest states; None if it states none or is unreadable."""
    try:
        document = load_document(folder)
    except (OSError, Unreadable):
        return None
    stations = str(document.get("expected_stations", ""))
    each = {"cubemap": 6, "panorama": 1, "equirectangular": 1}.get(str(document.get("kind")))
    return int(stations) * each if each and stations.isdecimal() and len(stations) < _DIGITS else None
