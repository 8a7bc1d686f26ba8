"""Small captures for tests: cube faces of one colour each, tilted poses, a manifest."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from capture360.capture_document import capture_document
from capture360.capture_state import VALIDATE
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, Capture, CaptureKey, CaptureKind, Pose, Station, StationMedia
from capture360.records import Records
from capture360.settings.checks import CheckSettings
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360.steps.batching import batch_count
from capture360.steps.validation_record import CAPTURE

TAKEN = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)
_MANIFEST = """schema: capture/1
site_id: {key.site}
site_name: Hall 7
capture_id: {key.capture}
kind: cubemap
revision: {revision}
frame: {{name: site, up: z, unit: m, handedness: right}}
rotation: {{kind: quaternion, quaternion_order: wxyz, direction: camera_to_world}}
time: {{base: utc}}
"""


@dataclass(frozen=True)
class Drop:
    """A capture that was delivered: what was written, and what a validation would make of it."""

    key: CaptureKey
    folder: Path
    capture: Capture

    def rewrite(self, old: str, new: str, name: str = "stations.csv") -> None:
        """Replace a text that a file of the capture holds."""
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def station_pose(number: int) -> Pose:
    """Somewhere in the hall, leaning differently each time."""
    lean = number % 7
    angles = (0.05 * lean, -0.03 * lean, 0.7 * number)
    w, x, y, z = _quaternion(*angles)
    return Pose((1.5 * number, -2.0 * number, 1.6), (w, x, y, z))


def write_cubemap(
    landing: Path,
    key: CaptureKey,
    stations: int = 2,
    size: int = 64,
    revision: int = 1,
    shade: int = 0,
    collections: Sequence[str] = ("",),
) -> Drop:
    """A sound cubemap capture below `landing/<capture>`; `shade` changes the pictures, `collections` take turns."""
    folder = landing / key.capture
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "capture.yaml").write_text(_MANIFEST.format(key=key, revision=revision))
    lines = ["station_id,station_name,x,y,z,qw,qx,qy,qz,time_taken,collection_id"]
    made, media = [], {}
    for number in range(1, stations + 1):
        name, pose = f"{number:03}", station_pose(number)
        taken = TAKEN + timedelta(minutes=number)
        numbers = ",".join(repr(value) for value in (*pose.position, *pose.rotation))
        part = collections[number % len(collections)]
        lines.append(f"{name},Pump {name},{numbers},{taken:%Y-%m-%dT%H:%M:%SZ},{part}")
        made.append(Station(name, f"Pump {name}", pose, taken, part))
        paths = {face: f"images/{name}/{face}.jpg" for face in FACES}
        media[name] = StationMedia(faces=paths)
        (folder / "images" / name).mkdir(parents=True, exist_ok=True)
        for index, face in enumerate(FACES):
            (folder / paths[face]).write_bytes(jpeg(size, (40 * index + shade, 20 * number, 100)))
    (folder / "stations.csv").write_text("\n".join(lines) + "\n")
    (folder / "_READY").touch()
    capture = Capture(key, CaptureKind.CUBEMAP, "Hall 7", key.capture, tuple(made), media, revision)
    return Drop(key, folder, capture)


def jpeg(size: int, colour: tuple[int, int, int]) -> bytes:
    """A square picture that is not quite of one colour, so that its file is not suspiciously small."""
    picture = Image.new("RGB", (size, size), colour)
    for x in range(0, size, 2):
        for y in range(0, size, 2):
            picture.putpixel((x, y), ((7 * x + 13 * y) % 256, colour[1], (x * y) % 256))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=90)
    return content.getvalue()


def small_site(landing: Path, **changes: object) -> Site:
    """A site whose thresholds suit small pictures."""
    values: dict[str, object] = {
        "id": "hall-7",
        "name": "Hall 7",
        "landing": Landing(url=str(landing)),
        "space": "captures360",
        "checks": CheckSettings(min_face_resolution=16, min_file_bytes=100),
    }
    return Site.model_validate({**values, **changes})


def record_as_validated(records: Records, drop: Drop, site: Site) -> str:
    """What the validation of a sound capture records, without the minutes of validating; returns the fingerprint."""
    seen = fingerprint(CaptureFolder(str(drop.folder)), site.landing.ready_markers)
    records.put(drop.key, seen, CAPTURE, capture_document(drop.capture), run="test")
    stations = len(drop.capture.stations)
    body = {
        "verdict": "accepted", "route": "faces", "batches": batch_count(stations), "stations": stations,
        "accepted": stations, "quarantined": {}, "findings": [],
    }  # fmt: skip
    records.put(drop.key, seen, VALIDATE, body, run="test")
    return seen


def reject_again(records: Records, key: CaptureKey) -> None:
    """What a validation with stricter check settings records of the newest delivery, which was accepted before."""
    state = records.load(key)
    assert state is not None
    verdict = records.get(key, state.fingerprint, VALIDATE)
    assert verdict is not None
    records.put(
        key, state.fingerprint, VALIDATE, {**verdict.body, "verdict": "rejected", "headline": "no"}, run="later"
    )


def _quaternion(roll: float, pitch: float, yaw: float) -> tuple[float, float, float, float]:
    cr, sr, cp, sp, cy, sy = (f(a / 2) for a in (roll, pitch, yaw) for f in (math.cos, math.sin))
    return (
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    )
