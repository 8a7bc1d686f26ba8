"""A tiny sound capture, and the means to spoil it."""

from __future__ import annotations

import csv
import io
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
import yaml

from capture360.checks.check import check_capture
from capture360.checks.validation import Validation
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, Capture, CaptureKey
from capture360.settings.landing import Landing
from capture360.settings.site import Site

COLUMNS = ("station_id", "station_name", "x", "y", "z", "qw", "qx", "qy", "qz", "time_taken")


def manifest(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schema": "capture/1",
        "site_id": "hall-7",
        "capture_id": "2026-04-17",
        "kind": "cubemap",
        "frame": {"name": "site", "up": "z", "unit": "m", "handedness": "right"},
        "rotation": {"kind": "quaternion", "direction": "camera_to_world"},
        "time": {"base": "utc"},
    }
    for path, value in changes.items():
        place, *rest = path.split("__")
        if rest:
            document[place] = {**document.get(place, {}), rest[0]: value}
        else:
            document[place] = value
    return {name: value for name, value in document.items() if value is not None}


def station_row(number: int) -> dict[str, str]:
    """A station 4 m from its neighbours, turned by a little more than the one before."""
    half = np.radians(7 * number) / 2
    return {
        "station_id": f"s-{number:02d}",
        "station_name": f"Station {number}",
        "x": f"{4.0 * number}",
        "y": f"{2.0 + number % 3}",
        "z": "1.5",
        "qw": f"{np.cos(half):.9f}",
        "qx": "0",
        "qy": "0",
        "qz": f"{np.sin(half):.9f}",
        "time_taken": f"2026-04-17T09:{number:02d}:00Z",
    }


def picture(width: int, height: int, seed: int) -> bytes:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 255, (-(-height // 32), -(-width // 32), 3), dtype=np.uint8)
    pixels = np.kron(coarse, np.ones((32, 32, 1), dtype=np.uint8))[:height, :width]
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), 85))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, size: int = 2000) -> bytes:
    """A PNG of exactly `size` bytes that declares any number of pixels."""
    start = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", bytes(size - len(start) - 8 - 12 - 12))
    return b"\x89PNG\r\n\x1a\n" + start + body + png_chunk(b"IEND", b"")


def table(rows: list[dict[str, str]], delimiter: str = ",") -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, names, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


@dataclass
class Delivery:
    """A capture folder in the making. Tests change what they want to spoil, then `check()`."""

    path: Path
    manifest: dict[str, Any] = field(default_factory=manifest)
    stations: list[dict[str, str]] = field(default_factory=lambda: [station_row(number) for number in range(1, 9)])
    faces: list[dict[str, str]] | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    checks: dict[str, Any] = field(default_factory=dict)
    face_size: int = 512
    earlier: list[Capture] = field(default_factory=list)
    frame: str = "site"

    def put_pictures(self) -> None:
        number = 0
        for row in self.stations:
            for face in FACES:
                number += 1
                self.files[f"images/{row['station_id']}/{face}.jpg"] = _face(self.face_size, number)

    def put_panoramas(self, width: int = 2048, height: int = 1024) -> None:
        self.manifest["kind"] = "panorama"
        for number, row in enumerate(self.stations):
            self.files[f"panos/{row['station_id']}.jpg"] = picture(width, height, number)

    def write(self) -> CaptureFolder:
        self.path.mkdir(parents=True, exist_ok=True)
        if self.manifest:
            self.put("capture.yaml", yaml.safe_dump(self.manifest, sort_keys=False).encode())
        if self.stations and "stations.csv" not in self.files:
            self.put("stations.csv", table(self.stations).encode())
        if self.faces is not None:
            self.put("faces.csv", table(self.faces).encode())
        for name, content in self.files.items():
            self.put(name, content)
        return CaptureFolder(str(self.path))

    def put(self, name: str, content: bytes) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def check(self, key: CaptureKey | None = None) -> Validation:
        site = Site.model_validate(
            {
                "id": "hall-7",
                "name": "Hall 7",
                "landing": Landing(url=str(self.path.parent)),
                "space": "captures",
                "frame": self.frame,
                "checks": {"max_quarantine_fraction": 0.5, **self.checks},
            }
        )
        subject = key or CaptureKey("hall-7", "2026-04-17")
        return check_capture(self.write(), site=site, key=subject, earlier=self.earlier)


_PICTURES: dict[tuple[int, int], bytes] = {}


def _face(size: int, number: int) -> bytes:
    if (size, number) not in _PICTURES:
        _PICTURES[size, number] = picture(size, size, number)
    return _PICTURES[size, number]
