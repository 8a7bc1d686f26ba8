"""Write E57 files with pictures and no points: samples for tests and benchmarks."""

from __future__ import annotations

import io
import math
import struct
import uuid
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import IO, Self
from xml.etree import ElementTree

import numpy as np

from capture360.e57.checksums import PAGE, PAYLOAD, page_checksums
from capture360.e57.contents import NAMESPACE
from capture360.e57.gps_time import EPOCH, LEAP_SECONDS
from capture360.e57.images import RepresentationKind, ScannerPose
from capture360.e57.pages import SIGNATURE
from capture360.pictures.jpeg import read_header

_HEADER = struct.Struct("<8sIIQQQQ")
_ALIGNMENT = 4
_FOCAL_LENGTH = 0.01
_GUIDS = uuid.UUID("6e9f1e0a-6a0b-5c1e-9b1d-3f60a1c0e570")


class E57Writer:
    """Writer that streams pictures into a new file; header and XML are written on `close`.

    The same calls give the same bytes: guids are derived from names unless given. `stream` must be seekable.
    """

    def __init__(
        self,
        stream: IO[bytes],
        *,
        name: str = "sample",
        created_at: datetime | None = None,
        coordinate_system: str = "",
    ) -> None:
        self._pages = _PagedWriter(stream)
        self._root = ElementTree.Element("e57Root", {"type": "Structure", "xmlns": NAMESPACE})
        _text(self._root, "formatName", "ASTM E57 3D Imaging Data File")
        _text(self._root, "guid", _guid("file", name))
        _integer(self._root, "versionMajor", 1)
        _integer(self._root, "versionMinor", 0)
        _text(self._root, "e57LibraryVersion", "capture360")
        _text(self._root, "coordinateMetadata", coordinate_system)
        if created_at:
            _time(self._root, "creationDateTime", created_at)
        vector = {"type": "Vector", "allowHeterogeneousChildren": "1"}
        ElementTree.SubElement(self._root, "data3D", vector)
        self._images = ElementTree.SubElement(self._root, "images2D", vector)

    def add_spherical(
        self,
        picture: bytes,
        *,
        name: str,
        pose: ScannerPose | None,
        acquired_at: datetime | None = None,
        guid: str | None = None,
    ) -> None:
        """Add a full panorama, encoded as JPEG or PNG."""
        header = read_header(picture, name)
        angles = {"pixelWidth": 2 * math.pi / header.width, "pixelHeight": math.pi / header.height}
        self.add_image("spherical", picture, name=name, pose=pose, numbers=angles, acquired_at=acquired_at, guid=guid)

    def add_pinhole(
        self,
        picture: bytes,
        *,
        name: str,
        pose: ScannerPose | None,
        field_of_view: float = math.pi / 2,
        acquired_at: datetime | None = None,
        guid: str | None = None,
    ) -> None:
        """Add a pinhole picture with the principal point in its middle; `field_of_view` is horizontal, in radians."""
        header = read_header(picture, name)
        pixel = 2 * _FOCAL_LENGTH * math.tan(field_of_view / 2) / header.width
        numbers = {
            "focalLength": _FOCAL_LENGTH,
            "pixelWidth": pixel,
            "pixelHeight": pixel,
            "principalPointX": header.width / 2,
            "principalPointY": header.height / 2,
        }
        self.add_image("pinhole", picture, name=name, pose=pose, numbers=numbers, acquired_at=acquired_at, guid=guid)

    def add_image(
        self,
        kind: RepresentationKind,
        picture: bytes,
        *,
        name: str,
        pose: ScannerPose | None = None,
        numbers: Mapping[str, float] | None = None,
        acquired_at: datetime | None = None,
        guid: str | None = None,
    ) -> None:
        """Add any representation; `numbers` are its further elements, `acquired_at` is timezone-aware."""
        header = read_header(picture, name)
        image = ElementTree.SubElement(self._images, "vectorChild", {"type": "Structure"})
        _text(image, "guid", guid or _guid("image", f"{len(self._images)} {name}"))
        _text(image, "name", name)
        if acquired_at:
            _time(image, "acquisitionDateTime", acquired_at)
        if pose:
            _pose(image, pose)
        tag = "visualReferenceRepresentation" if kind == "visual" else f"{kind}Representation"
        representation = ElementTree.SubElement(image, tag, {"type": "Structure"})
        offset = self._pages.write_blob(picture)
        blob = {"type": "Blob", "fileOffset": str(offset), "length": str(len(picture))}
        ElementTree.SubElement(representation, "jpegImage" if header.mime_type == "image/jpeg" else "pngImage", blob)
        _integer(representation, "imageWidth", header.width)
        _integer(representation, "imageHeight", header.height)
        for element, value in (numbers or {}).items():
            _float(representation, element, value)

    def close(self) -> None:
        """Write XML and header."""
        document = ElementTree.tostring(self._root, encoding="utf-8", xml_declaration=True)
        offset = self._pages.align()
        self._pages.write(document)
        self._pages.finish(offset, len(document))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.close()


class _PagedWriter:
    """Logical view for writing; the first page is held back until the header is known."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._pending = bytearray(_HEADER.size)
        self._first: bytes | None = None
        self._written = 0

    def align(self) -> int:
        """Pad to the next section; return its physical offset."""
        self.write(bytes(-len(self._pending) % _ALIGNMENT))
        return self._written + len(self._pending)

    def write_blob(self, data: bytes) -> int:
        offset = self.align()
        padding = -len(data) % _ALIGNMENT
        self.write(struct.pack("<B7xQ", 0, 16 + len(data) + padding))
        self.write(data)
        self.write(bytes(padding))
        return offset

    def write(self, data: bytes) -> None:
        self._pending += data
        whole = len(self._pending) - len(self._pending) % PAYLOAD
        if whole:
            self._write_pages(bytes(self._pending[:whole]))
            del self._pending[:whole]

    def _write_pages(self, payload: bytes) -> None:
        if self._first is None:
            self._first = payload[:PAYLOAD]
        pages = with_checksums(payload)
        self._stream.seek(self._written)
        self._stream.write(pages)
        self._written += len(pages)

    def finish(self, xml_offset: int, xml_length: int) -> None:
        if self._pending:
            self.write(bytes(PAYLOAD - len(self._pending)))
        assert self._first is not None
        header = _HEADER.pack(SIGNATURE, 1, 0, self._written, xml_offset, xml_length, PAGE)
        self._stream.seek(0)
        self._stream.write(with_checksums(header + self._first[_HEADER.size :]))
        self._stream.seek(0, io.SEEK_END)


def with_checksums(payload: bytes) -> bytes:
    """Return whole pages of 1,020 bytes, each with its checksum."""
    pages = np.zeros((len(payload) // PAYLOAD, PAGE), np.uint8)
    pages[:, :PAYLOAD] = np.frombuffer(payload, np.uint8).reshape(-1, PAYLOAD)
    pages[:, PAYLOAD:] = page_checksums(pages.tobytes()).astype(">u4").view(np.uint8).reshape(-1, 4)
    return pages.tobytes()


def _guid(kind: str, name: str) -> str:
    return f"{{{str(uuid.uuid5(_GUIDS, f'{kind} {name}')).upper()}}}"


def _text(parent: ElementTree.Element, name: str, value: str) -> None:
    ElementTree.SubElement(parent, name, {"type": "String"}).text = value


def _integer(parent: ElementTree.Element, name: str, value: int) -> None:
    ElementTree.SubElement(parent, name, {"type": "Integer"}).text = str(value)


def _float(parent: ElementTree.Element, name: str, value: float) -> None:
    ElementTree.SubElement(parent, name, {"type": "Float"}).text = repr(float(value))


def gps_from_utc(time: datetime) -> float:
    """GPS seconds of a timezone-aware time."""
    seconds = (time - EPOCH).total_seconds()
    return seconds + sum(step - count <= seconds for count, step in enumerate(LEAP_SECONDS, start=1))


def _time(parent: ElementTree.Element, name: str, time: datetime) -> None:
    element = ElementTree.SubElement(parent, name, {"type": "Structure"})
    _float(element, "dateTimeValue", gps_from_utc(time))
    _integer(element, "isAtomicClockReferenced", 0)


def _pose(parent: ElementTree.Element, pose: ScannerPose) -> None:
    element = ElementTree.SubElement(parent, "pose", {"type": "Structure"})
    rotation = ElementTree.SubElement(element, "rotation", {"type": "Structure"})
    for name, value in zip("wxyz", pose.rotation, strict=True):
        _float(rotation, name, value)
    translation = ElementTree.SubElement(element, "translation", {"type": "Structure"})
    for name, value in zip("xyz", pose.translation, strict=True):
        _float(translation, name, value)
