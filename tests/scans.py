"""Small E57 captures for tests: panoramas of a few pixels with tilted poses, loose or in zip archives."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageDraw, ImageFont

from capture360.e57.images import ScannerPose
from capture360.model import CaptureKey
from captures import TAKEN, station_pose
from e57_writer import E57Writer


@dataclass(frozen=True)
class ScanDrop:
    """A delivery of scans."""

    key: CaptureKey
    folder: Path


def scan(
    spheres: Sequence[int] = (1, 2, 3), shade: int = 40, width: int = 256, plate: str | None = None, timed: bool = True
) -> bytes:
    """An E57 file with a panorama for each number; `shade` changes the pictures, `plate` is written in their middle.

    Unless `timed`, no image says when it was taken.
    """
    picture = np.full((width // 2, width, 3), shade, np.uint8)
    picture[:, 3 * width // 8 : 5 * width // 8] = (200, 40, 40)
    if plate is not None:
        drawn = Image.fromarray(picture)
        middle, height = (width // 2, width // 4), width // 24
        draw = ImageDraw.Draw(drawn)
        (x, y), half = middle, 3 * height
        draw.rectangle([x - half, y - height, x + half, y + height], "white")
        draw.text(middle, plate, "black", ImageFont.load_default(height), anchor="mm")
        picture = np.array(drawn)
    stream = io.BytesIO()
    with closing(E57Writer(stream)) as writer:
        for number in spheres:
            pose = station_pose(number)
            scanner = ScannerPose(pose.rotation, pose.position)
            taken = TAKEN + timedelta(minutes=number) if timed else None
            picture[0, 0] = number
            content = simplejpeg.encode_jpeg(picture, quality=95)
            writer.add_spherical(content, name=f"Stop {number}", pose=scanner, acquired_at=taken)
    return stream.getvalue()


def write_scans(
    landing: Path,
    capture: str,
    files: Mapping[str, bytes] | None = None,
    *,
    revision: int | None = None,
    manifest: str | None = None,
) -> ScanDrop:
    """A capture of E57 files below `landing/<capture>`, marked ready; with a manifest if a revision is given."""
    key = CaptureKey("hall-7", capture)
    folder = landing / capture
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (files or {"scan.e57": scan()}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if revision is not None:
        text = f"schema: capture/1\nsite_id: hall-7\ncapture_id: {capture}\nkind: e57\nrevision: {revision}\n"
        (folder / "capture.yaml").write_text(manifest or text)
    (folder / "_READY").touch()
    return ScanDrop(key, folder)


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()
