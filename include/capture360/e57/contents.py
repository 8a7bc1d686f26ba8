"""Read the XML section of an E57 file.

An absent or empty element means 0 or an empty text, as the common library writes it. The XML is read as a stream, so a
file with a hundred thousand scans needs no more memory than one with ten. Document types and entities are refused.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from capture360.e57.gps_time import utc_from_gps
from capture360.e57.images import Blob, Image2D, Representation, RepresentationKind, ScannerPose
from capture360.e57.pages import E57Error, PagedFile

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "http://www.astm.org/COMMIT/E57/2010-e57-v1.0"
MAX_XML = 256 << 20
MAX_IMAGES = 200_000
_MAX_TEXT = 1000
_MAX_DEPTH = 64
_MAX_HELD = 500_000
"""Elements of one scan or image, or of what else is read as a whole; writers need a few hundred."""
_MAY_REPEAT = ("vectorChild", "{")
"""How the names of what a vector holds begin, and of extensions."""
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?")
_KINDS: dict[str, RepresentationKind] = {
    "sphericalRepresentation": "spherical",
    "pinholeRepresentation": "pinhole",
    "cylindricalRepresentation": "cylindrical",
    "visualReferenceRepresentation": "visual",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of the XML section."""

    created_at: datetime | None
    scans: int
    images: tuple[Image2D, ...]
    scan_times: Mapping[str, datetime]
    """When each scan began, by its guid, where the file says so."""


def read_contents(file: PagedFile) -> Contents:
    """Read the XML section of a file; E57Error if it is damaged, no XML, or larger than allowed."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    header = file.header
    if header.xml_length > MAX_XML:
        raise E57Error(
            f"{file.where}: its XML section has {header.xml_length:,} bytes; the limit is {MAX_XML:,}. "
            "Export it in several files."
        )
    collected = _Collected(file.where)
    try:
        with file.open(header.xml_offset, header.xml_length) as stream:
            for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                collected.take(event, element)
    except (ParseError, LookupError, ValueError) as error:
        if isinstance(error, DefusedXmlException):
            raise E57Error(
                f"{file.where}: its XML section declares a document type or entities, which is refused. Export it "
                "again without them."
            ) from None
        raise E57Error(f"{file.where}: its XML section cannot be read: {_fault(error)}. Export it again.") from None
    return collected.contents()


def _fault(error: Exception) -> str:
    """Word what the parser refuses, and where."""
    line, column = getattr(error, "position", (0, 0))
    if not line:
        return "its encoding is not known"
    return (
        f"it is no valid XML at line {line}, column {column + 1}, for example a name with & or <, or with letters in "
        "another encoding than the section states"
    )


class _Collected:
    """Receiver of parser events that keeps images and scan times and discards the rest."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._path: list[Element] = []
        self._held = 0
        self._created: Element | None = None
        self._images: list[Image2D] = []
        self._scans = 0
        self._scan_times: dict[str, datetime] = {}

    def take(self, event: str, element: Element) -> None:
        if event == "start":
            self._path.append(element)
            self._held += 1
            if len(self._path) > _MAX_DEPTH:
                raise E57Error(f"{self._where}: its XML section is nested too deep. Export it again.")
            if self._held > _MAX_HELD:
                raise E57Error(
                    f"{self._where}: a part of its XML section holds more than {_MAX_HELD:,} elements. Export it again."
                )
            return
        self._path.pop()
        depth = len(self._path)
        if depth == 0 and _local(element.tag) != "e57Root":
            raise E57Error(f"{self._where}: its XML section holds no e57Root. Export it again.")
        if depth == 1:
            self._take_child(element)
            self._drop(element)
        elif depth == 2:
            parent = self._path[1]
            self._take_grandchild(_local(parent.tag), element)
            if _local(parent.tag) != "creationDateTime":
                self._drop(element)

    def _drop(self, element: Element) -> None:
        self._path[-1].remove(element)
        self._held = len(self._path)

    def _take_child(self, element: Element) -> None:
        if _local(element.tag) == "creationDateTime":
            self._created = element

    def _take_grandchild(self, parent: str, element: Element) -> None:
        if parent == "data3D":
            self._scans += 1
            began = _child(element, "acquisitionStart")
            time = None if began is None else _date_time(began, [])
            if time is not None:
                self._scan_times[_text(element, "guid")] = time
        elif parent == "images2D":
            if len(self._images) >= MAX_IMAGES:
                raise E57Error(f"{self._where} holds more than {MAX_IMAGES:,} images. Export it in several files.")
            self._images.append(_image(element, len(self._images)))

    def contents(self) -> Contents:
        created = _date_time(self._created, []) if self._created is not None else None
        return Contents(created, self._scans, tuple(self._images), self._scan_times)


def _local(tag: object) -> str:
    """Local name of an element of the E57 namespace or of none; elements of other namespaces keep their full name."""
    return str(tag).removeprefix(f"{{{NAMESPACE}}}")


def _clean(text: str | None) -> str:
    """Return a text on one line, for use in messages."""
    return " ".join((text or "")[: 2 * _MAX_TEXT].split())[:_MAX_TEXT]


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _local(child.tag) == name), None)


def _text(element: Element, name: str) -> str:
    child = _child(element, name)
    return "" if child is None else _clean(child.text)


def _number(element: Element, name: str, problems: list[str]) -> float:
    text = _text(element, name)
    try:
        value = float(_plain(text) or 0)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        is_comma = _COMMA.fullmatch(text)
        wrong = "has a decimal comma, where the format demands a point" if is_comma else "is not a number"
        problems.append(f'{name} "{text[:40]}" {wrong}')
        return 0.0
    return value


def _plain(text: str) -> str:
    """Return a number as it is written; ValueError for what only Python takes for one."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return text


def _count(element: Element, name: str, problems: list[str]) -> int:
    value = _number(element, name, problems)
    if not 0 <= value < 1 << 62:
        problems.append(f"{name} {value:g} is out of range")
        return 0
    return int(value)


def _image(element: Element, index: int) -> Image2D:
    problems: list[str] = []
    untimed: list[str] = []
    _refuse_twice(element, problems)
    acquired = _child(element, "acquisitionDateTime")
    pose = _child(element, "pose")
    return Image2D(
        index=index,
        guid=_text(element, "guid"),
        name=_text(element, "name"),
        acquired_at=None if acquired is None else _date_time(acquired, untimed),
        pose=None if pose is None else _pose(pose, problems),
        scan=_text(element, "associatedData3DGuid"),
        representations=tuple(
            _representation(child, _KINDS[_local(child.tag)], problems)
            for child in element
            if _local(child.tag) in _KINDS
        ),
        problems=tuple(problems),
        untimed=untimed[0] if untimed else "",
    )


def _refuse_twice(image: Element, problems: list[str]) -> None:
    """Add a problem where an element of a structure is there twice: readers differ in which of the two they take."""
    for structure in image.iter():
        counts = Counter(_local(child.tag) for child in structure)
        twice = next((name for name in counts if counts[name] > 1 and not name.startswith(_MAY_REPEAT)), "")
        if twice:
            problems.append(f"{_clean(twice)[:40]} is there {counts[twice]:,} times")
            return


def _date_time(element: Element, problems: list[str]) -> datetime | None:
    seconds = _number(element, "dateTimeValue", problems)
    if seconds == 0:
        return None
    try:
        return utc_from_gps(seconds)
    except ValueError as error:
        problems.append(str(error))
        return None


def _pose(element: Element, problems: list[str]) -> ScannerPose:
    """Read a pose. The standard requires both parts: one that is absent is not known. Many leave out zeros."""
    w, x, y, z = _numbers(element, "rotation", "wxyz", problems)
    tx, ty, tz = _numbers(element, "translation", "xyz", problems)
    return ScannerPose((w, x, y, z), (tx, ty, tz))


def _numbers(element: Element, part: str, names: str, problems: list[str]) -> list[float]:
    inner = _child(element, part)
    if inner is None or all(_child(inner, name) is None for name in names):
        problems.append(f"its pose has no {part}")
    return [0.0 if inner is None else _number(inner, name, problems) for name in names]


def _representation(element: Element, kind: RepresentationKind, problems: list[str]) -> Representation:
    width, height = _count(element, "imageWidth", problems), _count(element, "imageHeight", problems)
    principal = _number(element, "principalPointX", problems), _number(element, "principalPointY", problems)
    return Representation(
        kind=kind,
        blob=_blob(element, "jpegImage", problems) or _blob(element, "pngImage", problems),
        mask=_blob(element, "imageMask", problems),
        width=width,
        height=height,
        pixel_width=_number(element, "pixelWidth", problems),
        pixel_height=_number(element, "pixelHeight", problems),
        focal_length=_number(element, "focalLength", problems),
        # The corner is nobody's optical axis: 0, 0 means that it was left out.
        principal=principal if any(principal) else (width / 2, height / 2),
    )


def _blob(element: Element, name: str, problems: list[str]) -> Blob | None:
    child = _child(element, name)
    if child is None:
        return None
    try:
        offset, length = (int(_plain(child.get(each, "")) or 0) for each in ("fileOffset", "length"))
    except ValueError:
        problems.append(f"{name} has an offset or length that is not a number")
        return None
    return Blob(offset, length, "image/jpeg" if name == "jpegImage" else "image/png")
