"""Writer of E57 files with pictures and no points, after ASTM E2807 and independent of the product.

Pages of 1,020 bytes and their CRC-32C (big-endian; all else is little-endian); a picture is a blob section; the XML
lies at the end and the header, which says where, at the start. Offsets count the checksums, lengths do not.
A spherical image's frame is that of `camera.Panorama`. A pinhole camera looks along -Z, with +X to the right of the
picture and +Y to its top. Times are seconds since the start of GPS time, 18 of them leap seconds (since 2017).
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

import google_crc32c
import numpy as np

from capture360_local.plant.camera import EYES
from capture360_local.plant.rotation import Floats, quaternion_of

PAGE = 1024
_PAYLOAD = 1020
_HEADER = struct.Struct("<8sIIQQQQ")
_NAMESPACE = "http://www.astm.org/COMMIT/E57/2010-e57-v1.0"
_GPS_START = datetime(1980, 1, 6, tzinfo=UTC)
_LEAP_SECONDS = 18
_FOCAL_LENGTH = 0.01
_IDS = uuid.UUID("0b9d0f5e-3f0d-5d7c-9c39-5f0a5d2f7e57")


@dataclass(frozen=True)
class ScanImage:
    """A picture of the file. `quaternion` turns its own frame into the site's; `size` is (width, height)."""

    name: str
    kind: Literal["spherical", "pinhole", "visualReference"]
    jpeg: bytes
    size: tuple[int, int]
    position: Floats
    quaternion: Floats
    taken_at: datetime


def face_in_cube(face: str) -> Floats:
    """Matrix (3, 3) from the frame of a pinhole camera that takes a face to the frame of the cube."""
    eye = EYES[face]
    return np.stack([eye.right, eye.up, -eye.forward], axis=1)


def turned_left(camera: Floats) -> Floats:
    """Return the camera whose picture is the given one's rotated by a quarter to the left, as by `numpy.rot90`."""
    right, up, back = camera.T
    return np.stack([-up, right, back], axis=1)


def camera_quaternion(rotation: Floats, camera: Floats) -> Floats:
    """Return the quaternion of a pinhole camera within a cube that is turned by `rotation`."""
    return quaternion_of(rotation @ camera)


def write_scan(path: Path, name: str, images: list[ScanImage]) -> None:
    """Write the file; the same images give the same bytes."""
    logical = bytearray(_HEADER.size)
    entries = []
    for number, image in enumerate(images):
        offset = _aligned(logical)
        padding = bytes(-len(image.jpeg) % 4)
        logical += struct.pack("<B7xQ", 0, 16 + len(image.jpeg) + len(padding)) + image.jpeg + padding
        entries.append(_entry(f"{name} {number}", image, offset))
    offset = _aligned(logical)
    document = _document(name, entries).encode()
    logical += document
    logical += bytes(-len(logical) % _PAYLOAD)
    length = len(logical) // _PAYLOAD * PAGE
    _HEADER.pack_into(logical, 0, b"ASTM-E57", 1, 0, length, offset, len(document), PAGE)
    with path.open("wb") as stream:
        for start in range(0, len(logical), _PAYLOAD):
            payload = bytes(logical[start : start + _PAYLOAD])
            stream.write(payload + struct.pack(">I", google_crc32c.value(payload)))


def _aligned(logical: bytearray) -> int:
    """Pad to four bytes; return the physical offset of the next section."""
    logical += bytes(-len(logical) % 4)
    page, inside = divmod(len(logical), _PAYLOAD)
    return page * PAGE + inside


def _document(name: str, entries: list[str]) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<e57Root type="Structure" xmlns="{_NAMESPACE}">\n'
        '<formatName type="String">ASTM E57 3D Imaging Data File</formatName>\n'
        f'<guid type="String">{_guid(name)}</guid>\n'
        '<versionMajor type="Integer">1</versionMajor>\n<versionMinor type="Integer"/>\n'
        '<e57LibraryVersion type="String">capture360 plant</e57LibraryVersion>\n'
        '<coordinateMetadata type="String"/>\n'
        '<data3D type="Vector" allowHeterogeneousChildren="1"/>\n'
        f'<images2D type="Vector" allowHeterogeneousChildren="1">\n{"".join(entries)}</images2D>\n</e57Root>\n'
    )


def _entry(id: str, image: ScanImage, offset: int) -> str:
    width, height = image.size
    if image.kind == "spherical":
        numbers = {"pixelWidth": 2 * np.pi / width, "pixelHeight": np.pi / height}
    elif image.kind == "pinhole":
        pixel = 2 * _FOCAL_LENGTH / width
        numbers = {
            "focalLength": _FOCAL_LENGTH, "pixelWidth": pixel, "pixelHeight": pixel,
            "principalPointX": width / 2, "principalPointY": height / 2,
        }  # fmt: skip
    else:
        numbers = {}
    seconds = (image.taken_at - _GPS_START).total_seconds() + _LEAP_SECONDS
    pose = "" if image.kind == "visualReference" else _pose(image)
    return (
        f'<vectorChild type="Structure">\n<guid type="String">{_guid(id)}</guid>\n'
        f'<name type="String">{escape(image.name)}</name>\n'
        '<sensorVendor type="String">Plant</sensorVendor>\n'
        f'<acquisitionDateTime type="Structure">{_float("dateTimeValue", seconds)}'
        '<isAtomicClockReferenced type="Integer"/></acquisitionDateTime>\n'
        f"{pose}"
        f'<{image.kind}Representation type="Structure">\n'
        f'<jpegImage type="Blob" fileOffset="{offset}" length="{len(image.jpeg)}"/>\n'
        f'<imageWidth type="Integer">{width}</imageWidth><imageHeight type="Integer">{height}</imageHeight>\n'
        f"{''.join(_float(key, value) for key, value in numbers.items())}\n"
        f"</{image.kind}Representation>\n</vectorChild>\n"
    )


def _pose(image: ScanImage) -> str:
    rotation = "".join(_float(name, value) for name, value in zip("wxyz", image.quaternion, strict=True))
    translation = "".join(_float(name, value) for name, value in zip("xyz", image.position, strict=True))
    return (
        f'<pose type="Structure"><rotation type="Structure">{rotation}</rotation>'
        f'<translation type="Structure">{translation}</translation></pose>\n'
    )


def _float(name: str, value: float) -> str:
    return f'<{name} type="Float">{float(value)!r}</{name}>'


def _guid(name: str) -> str:
    return f"{{{str(uuid.uuid5(_IDS, name)).upper()}}}"
