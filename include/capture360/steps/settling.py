"""Decide whether a delivery is complete: by a marker, by a count in two snapshots, or by a quiet period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder, is_unfinished
from capture360.landing.ready import ReadyFile, delivered_files, ready_files
from capture360.readers.manifest import MANIFEST
from capture360.readers.manifest_file import load_document
from capture360.readers.problem import Unreadable
from capture360.settings.landing import Landing
from capture360.steps.folder_snapshot import EMPTY, FolderSnapshot

_IMAGES = (".jpg", ".jpeg", ".png")
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Settling:
    """The current snapshot, and why the delivery is incomplete; `waiting_for` is None once it is complete."""

    snapshot: FolderSnapshot
    waiting_for: str | None


def settling(folder: CaptureFolder, last: FolderSnapshot | None, landing: Landing, now: datetime) -> Settling:
    """Decide whether a delivery is complete, given its last snapshot.

    A marker counts at once, unless it states more files than exist. A count in `capture.yaml` counts once two snapshots
    are equal. Neither counts while a file is being copied. Once a delivery was complete, its marker and its pictures
    are still there while the next one arrives: then only a marker counts that was written anew, after all other files.

    In any case a folder that is unchanged for `landing.quiet_period` is complete; its checks then report what is
    missing.
    """
    seen = fingerprint(folder, landing.ready_markers)
    unchanged = last is not None and last.fingerprint == seen
    before = last or FolderSnapshot(seen, now)
    since = min(before.since, now) if unchanged else now
    markers = list(ready_files(folder, landing.ready_markers))
    is_quiet = unchanged and now - since >= landing.quiet_period
    files = delivered_files(folder, landing.ready_markers)
    waiting = EMPTY if files == 0 else None
    if waiting is None and not is_quiet:
        waiting = _waiting_for(folder, before, seen, markers, landing, unchanged=unchanged)
    complete, marker = before.complete, before.marker
    if waiting is None:
        complete, marker = seen, max((each.written for each in markers), default=0.0)
    return Settling(FolderSnapshot(seen, since, complete, marker, waiting or ""), waiting)


def _waiting_for(
    folder: CaptureFolder,
    before: FolderSnapshot,
    seen: str,
    markers: Sequence[ReadyFile],
    landing: Landing,
    *,
    unchanged: bool,
) -> str | None:
    """Return what a folder waits for that may still be changing; None if its files say that it is complete."""
    less = f"less than {landing.quiet_period.total_seconds() / 60:g} minutes unchanged"
    copies = (each.path for each in folder.left_out if is_unfinished(each.path))
    if copied := next((each for each in copies if each not in landing.ready_markers), None):
        return f"quiet: {copied} is being copied, or is what is left of a copy, and {less}"
    is_later = before.complete not in ("", seen)
    newest = max((each.written for each in folder.files if each.path not in landing.ready_markers), default=0.0)
    fresh = [each for each in markers if not is_later or (each.written > before.marker and each.written >= newest)]
    if fresh:
        ready, files = fresh[0], delivered_files(folder, landing.ready_markers)
        if ready.unclear:
            return f"quiet: {ready.name} states a number of files that is none, and {less}"
        if ready.files is None or files >= ready.files:
            return None
        return f"files: {files} of the {ready.files} that {ready.name} promises are there"
    if markers:
        return (
            f"quiet: {markers[0].name} is older than these files, and {less}. Remove it and write it again once all "
            "are there, and nobody waits"
        )
    expected = None if is_later else _promised_images(folder)
    if expected is None:
        return f"quiet: {f'no {landing.ready_markers[0]} and ' if landing.ready_markers else ''}{less}"
    images = sum(entry.path.lower().endswith(_IMAGES) for entry in folder.files)
    if images < expected:
        return f"images: {images} of the {expected} that {MANIFEST} promises are there"
    return None if unchanged else "a second look: all images are there, but may still be growing"


def _promised_images(folder: CaptureFolder) -> int | None:
    """Return the number of image files that the manifest states; None if it states none or is unreadable."""
    try:
        document = load_document(folder)
    except (OSError, Unreadable):
        return None
    stations = str(document.get("expected_stations", ""))
    each = {"cubemap": 6, "panorama": 1, "equirectangular": 1}.get(str(document.get("kind")).casefold())
    return int(stations) * each if each and stations.isdecimal() and len(stations) < _DIGITS else None
