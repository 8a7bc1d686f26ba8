"""Is a delivery complete? A marker says so, or a count is reached on two looks, or all has been quiet long enough."""

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
class Look:
    """What one look at a folder saw, and since when it has looked like that."""

    fingerprint: str
    since: datetime

    def document(self) -> dict[str, str]:
        return {"fingerprint": self.fingerprint, "since": self.since.isoformat()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Look:
        """The look that `document` printed; ValueError or TypeError if it did not."""
        since = datetime.fromisoformat(document["since"])
        if since.tzinfo is None:
            raise ValueError(f"{since} has no zone")
        return cls(str(document["fingerprint"]), since)


@dataclass(frozen=True, slots=True)
class Settling:
    """This look, and why the delivery is not complete yet; `waiting_for` is None when it is."""

    look: Look
    waiting_for: str | None


def settling(folder: CaptureFolder, last: Look | None, landing: Landing, now: datetime) -> Settling:
    """Whether a delivery is complete, given the last look at it.

    A marker counts at once, unless it promises more files than there are. A count that `capture.yaml` promises counts
    when two looks saw the same. Whatever is promised, a folder that stayed the same for `landing.quiet_period` counts
    too: its checks can then say what is missing.
    """
    seen = fingerprint(folder, landing.ready_markers)
    unchanged = last is not None and last.fingerprint == seen
    look = Look(seen, min(last.since, now) if last is not None and unchanged else now)
    ready = next(ready_files(folder, landing.ready_markers), None)
    files = delivered_files(folder, landing.ready_markers)
    if files == 0:
        return Settling(look, "files: the folder is empty")
    if unchanged and now - look.since >= landing.quiet_period:
        return Settling(look, None)
    if ready is not None:
        if ready.files is None or files >= ready.files:
            return Settling(look, None)
        return Settling(look, f"files: {files} of the {ready.files} that {ready.name} promises are there")
    expected = _promised_images(folder)
    if expected is None:
        minutes = landing.quiet_period.total_seconds() / 60
        marker = f"no {landing.ready_markers[0]} and " if landing.ready_markers else ""
        return Settling(look, f"quiet: {marker}less than {minutes:g} minutes unchanged")
    images = sum(entry.path.lower().endswith(_IMAGES) for entry in folder.files)
    if images < expected:
        return Settling(look, f"images: {images} of the {expected} that {MANIFEST} promises are there")
    return Settling(look, None if unchanged else "a second look: all images are there, but may still be growing")


def _promised_images(folder: CaptureFolder) -> int | None:
    """How many image files the manifest promises; None if it promises nothing, or cannot be read (yet)."""
    try:
        document = load_document(folder)
    except (OSError, Unreadable):
        return None
    stations = str(document.get("expected_stations", ""))
    each = {"cubemap": 6, "panorama": 1, "equirectangular": 1}.get(str(document.get("kind")))
    return int(stations) * each if each and stations.isdecimal() and len(stations) < _DIGITS else None
