"""Reconstruction of a delivery from the old CDF project: the canonical tables, and the six faces of each image."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from capture360.cdf.images.files import side_by_side
from capture360.cdf.ports import Image360Store
from capture360.cdf.registry import mode_of
from capture360.errors import BadInputError, CdfError
from capture360.model import FACES, Capture, FaceRef, PublishedImage, Station
from capture360.pictures.jpeg import read_header
from capture360.readers.manifest import MANIFEST
from capture360.steps.context import StepContext
from capture360.steps.progress import Progress
from capture360.store import TEMPORARY, DocumentStore

COMPLETE = ".complete"
"""Marks a complete folder; not part of the delivery."""


def whole_images(capture: Capture, images: Mapping[str, PublishedImage]) -> list[str]:
    """Return the stations whose image, by station, has all six faces."""
    return [each.id for each in capture.stations if each.id in images and len(images[each.id].faces) == len(FACES)]


def deliver_faces(ctx: StepContext, capture: Capture, images: Mapping[str, PublishedImage], folder: Path) -> None:
    """Write a published capture as a cubemap delivery to `folder`, with the poses that the old project shows.

    A complete folder is kept, an incomplete one is completed. The fingerprint is always the same: all files have the
    time of the capture, and existing files are complete. A station with a face that cannot be downloaded or read
    is left out, with a line in the log. BadInputError if no image has all faces.
    """
    whole = set(whole_images(capture, images))
    stations = [each for each in capture.stations if each.id in whole]
    if not stations:
        raise BadInputError(
            f"{capture.key}: neither the landing zone nor the old project holds all six faces of any of its stations."
        )
    store = DocumentStore(str(folder))
    if store.exists(COMPLETE):
        return
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    progress = Progress(ctx.log)
    rows: list[tuple[str, ...]] = []
    readable: list[Station] = []
    for number, station in enumerate(stations, 1):
        refs = [images[station.id].faces[face] for face in FACES]
        try:
            rows += side_by_side(_Download(model, store, station).fetch, refs)
        except (BadInputError, CdfError) as error:
            ctx.log(f"{capture.key}: station {station.id} is left out: {error.message}")
        else:
            readable.append(station)
        progress(number, len(stations), "stations downloaded")
    if not readable:
        raise BadInputError(
            f"{capture.key}: no face of its stations can be read in the old project; the log names why."
        )
    store.put("faces.csv", _table(("station_id", "face", "file", "sha256"), rows))
    table = (_row(station, images[station.id].pose) for station in readable)
    store.put("stations.csv", _table(_STATION, table))
    store.put(MANIFEST, yaml.safe_dump(_manifest(ctx, capture, len(readable)), sort_keys=False).encode())
    for leftover in folder.rglob(TEMPORARY):
        leftover.unlink(missing_ok=True)  # of a process that was killed as it wrote
    taken = min(station.taken_at for station in stations).timestamp()
    for file in folder.rglob("*"):
        os.utime(file, (taken, taken))
    store.put(COMPLETE, b"")


_STATION = ("station_id", "station_name", "x", "y", "z", "qw", "qx", "qy", "qz", "time_taken", "collection_id")


class _Download:
    """The faces of one station."""

    def __init__(self, model: Image360Store, store: DocumentStore, station: Station) -> None:
        self._model = model
        self._store = store
        self._station = station.id

    def fetch(self, ref: FaceRef) -> tuple[str, ...]:
        """Return the row of the faces table; the file is downloaded unless it is there."""
        stem = f"images/{self._station}/{ref.face}"
        for extension in ("jpg", "png"):
            if (content := self._store.read(f"{stem}.{extension}")) is not None:
                break
        else:
            content = self._model.face_content(ref)
            extension = "png" if read_header(content, ref.external_id).mime_type == "image/png" else "jpg"
            self._store.put(f"{stem}.{extension}", content)
        return self._station, ref.face, f"{stem}.{extension}", hashlib.sha256(content).hexdigest()


def _row(station: Station, pose: Any) -> tuple[str, ...]:
    numbers = (repr(value) for value in (*pose.position, *pose.rotation))
    return station.id, station.name, *numbers, station.taken_at.isoformat(), station.collection


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _manifest(ctx: StepContext, capture: Capture, stations: int) -> dict[str, Any]:
    known = {
        "schema": "capture/1",
        "site_id": capture.key.site,
        "site_name": capture.site_name,
        "capture_id": capture.key.capture,
        "collection_label": capture.label,
        "kind": "cubemap",
        "frame": {"name": ctx.site.frame, "up": "z", "unit": "m", "handedness": "right"},
        "rotation": {"kind": "quaternion", "quaternion_order": "wxyz", "direction": "camera_to_world"},
        "time": {"base": "utc"},
        "expected_stations": stations,
        "revision": capture.revision,
        "supersedes": list(capture.supersedes),
        "history": capture.history,
    }
    if capture.camera_height is not None:
        known["camera_height"] = capture.camera_height
    if ctx.site.checks.privacy == "blurred":
        known["privacy"] = "blurred"  # the old project took no others
    return known
