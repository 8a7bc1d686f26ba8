"""The third stage: the picture files themselves, their headers, and whether they decode to the last pixel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from statistics import median
from typing import IO

from capture360.checks.contents import blank_brightness
from capture360.checks.rules import RULES
from capture360.checks.violations import FindingGroup
from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.model import CaptureKind
from capture360.pictures.decoding import check_whole
from capture360.pictures.exif import camera_notes
from capture360.pictures.gpano import read_gpano
from capture360.pictures.jpeg import ImageError, ImageHeader, check_pixels_usable, read_header
from capture360.rules.finding import Disposition, Finding
from capture360.settings.checks import CheckSettings

_THREADS = 8
_AT_ONCE = 256
_GPS_AHEAD = 18
_QUARTER_HOUR = 900
_LONGEST_DIFFERENCE_H = 1
_ANY_ZONE_H = 27

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A picture as a table or the folder names it. `resolution` is what the table promises, 0 for nothing."""

    path: str
    station: str
    face: str
    table: str = ""
    row: int = 0
    resolution: int = 0
    resolution_from: str = ""
    taken: datetime | None = None
    """The table's time, for one picture of each station."""

    @property
    def where(self) -> str:
        return self.path + (f" ({self.table} row {self.row})" if self.row else "")


@dataclass(frozen=True, slots=True)
class ImageInspection:
    """A named picture with its header, or what is wrong with it. `ahead` is the table's clock minus the camera's."""

    picture: ImageRef
    header: ImageHeader | None
    found: tuple[Finding, ...] = ()
    ahead: float | None = None


def look(
    folder: CaptureFolder, pictures: Iterable[ImageRef], total: int, settings: CheckSettings, progress: Progress | None
) -> Iterator[ImageInspection]:
    """Each picture's header, a few hundred files at a time, in the order named."""
    pictures = iter(pictures)
    done = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        while chunk := list(islice(pictures, _AT_ONCE)):
            yield from pool.map(lambda picture: _seen(folder, picture, settings), chunk)
            done += len(chunk)
            if progress:
                progress(done, total, "pictures looked at")


def _seen(folder: CaptureFolder, picture: ImageRef, settings: CheckSettings) -> ImageInspection:
    size = folder.sizes.get(picture.path, 0)
    if size == 0:
        return ImageInspection(picture, None, (_finding("F07", picture, 0),))
    try:
        with folder.open(picture.path) as stream:
            return _opened(stream, size, picture, settings)
    except ImageError as error:
        return ImageInspection(picture, None, (_finding("F08", picture, sentence=str(error)),))
    except OutsideError as error:
        outside = _finding("S07", picture, picture.path, message="outside", problem=error.problem)
        return ImageInspection(picture, None, (outside,))
    except OSError as error:
        sentence = f"{picture.where} cannot be read ({error.strerror or type(error).__name__}). Copy it again."
        return ImageInspection(picture, None, (_finding("F08", picture, sentence=sentence),))


def _opened(stream: IO[bytes], size: int, picture: ImageRef, settings: CheckSettings) -> ImageInspection:
    header = read_header(stream, picture.where, settings.max_megapixels)
    if not picture.path.lower().endswith(header.extensions):
        kind = header.mime_type.removeprefix("image/").upper()
        wanted = picture.path.rpartition("/")[2].rpartition(".")[0] + header.extensions[0]
        return ImageInspection(picture, None, (_finding("F08", picture, kind, message="extension", wanted=wanted),))
    low, high = settings.min_file_bytes, settings.max_file_bytes
    if not low <= size <= high:
        mend = "Copy it again." if size < low else "Export it with stronger compression."
        limits = {"low": f"{low:,}", "high": f"{high:,}"}
        return ImageInspection(
            picture, None, (_finding("F07", picture, f"{size:,}", message="size", mend=mend, **limits),)
        )
    try:
        check_pixels_usable(header, picture.where)
    except ImageError as error:
        return ImageInspection(picture, None, (_finding("F12", picture, header.channels, sentence=str(error)),))
    stream.seek(0)
    content = stream.read(high + 1)
    found = []
    if spare := check_whole(content, picture.where, settings.max_megapixels).spare:
        found.append(_finding("F08", picture, f"{spare:,}", message="spare"))
    brightness = blank_brightness(content, header)
    if brightness is not None:
        found.append(_finding("F16", picture, f"{brightness:.0f}"))
    if picture.taken is None or header.mime_type != "image/jpeg":
        return ImageInspection(picture, header, tuple(found))
    time = camera_notes(stream).taken
    if time is None:
        return ImageInspection(picture, header, tuple(found))
    zoned = time.tzinfo is not None
    ahead = (picture.taken - (time if zoned else time.replace(tzinfo=UTC))).total_seconds()
    if abs(ahead) > 3600 * (_LONGEST_DIFFERENCE_H if zoned else _ANY_ZONE_H):
        shown = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if zoned else time.isoformat()
        found.append(_finding("F15", picture, shown, difference=f"{abs(ahead) / 3600:,.1f} h"))
    return ImageInspection(picture, header, tuple(found), ahead)


def _finding(rule: str, picture: ImageRef, value: object = "", *, message: str = "", **fields: object) -> Finding:
    return RULES[rule].finding(
        picture.path,
        value,
        where=picture.where,
        message=message,
        station=picture.station,
        row=picture.row or None,
        column="file",
        **fields,
    )


def judged(
    seen: Iterable[ImageInspection], kind: CaptureKind, settings: CheckSettings, table: str, gpano: bool = False
) -> list[FindingGroup]:
    """F07 to F12, F15, F16 and T08 over all pictures; a station's faces come one after the other.

    With `gpano` a cropped panorama is sound: it is padded when its faces are cut.
    """
    found: dict[tuple[str, Disposition], list[Finding]] = defaultdict(list)
    sizes: dict[str, tuple[int, int]] = {}
    widths: Counter[int] = Counter()
    ahead: list[float] = []
    for one in seen:
        told = list(one.found)
        if one.header is not None:
            if kind is CaptureKind.PANORAMA:
                told += _panorama(one.picture, one.header, settings, gpano)
            else:
                told += _face(one.picture, one.header, sizes)
                widths[one.header.width] += 1
        for finding in told:
            found[finding.rule, finding.disposition].append(finding)
        if one.ahead is not None:
            ahead.append(one.ahead)
    result = [FindingGroup(findings) for findings in found.values()]
    result += [FindingGroup([finding]) for finding in (*_sizes(widths, settings), *_clock(ahead, table))]
    return result


def _face(picture: ImageRef, header: ImageHeader, sizes: dict[str, tuple[int, int]]) -> Iterator[Finding]:
    size = f"{header.width} x {header.height}"
    expected = sizes.setdefault(picture.station, (header.width, header.height))
    if header.width != header.height:
        yield _finding("F09", picture, size)
    elif picture.resolution and header.width != picture.resolution:
        yield _finding(
            "F09", picture, header.width, message="stated", source=picture.resolution_from, expected=picture.resolution
        )
    elif (header.width, header.height) != expected:
        yield _finding("F09", picture, size, message="unequal", expected=f"{expected[0]} x {expected[1]}")
    if header.orientation != 1:
        yield _finding("F12", picture, header.orientation, message="turned")


def _panorama(picture: ImageRef, header: ImageHeader, settings: CheckSettings, gpano: bool) -> Iterator[Finding]:
    if header.orientation != 1:
        yield _finding("F12", picture, header.orientation, message="upright")
    try:
        block = read_gpano(header, picture.where)
    except ImageError:
        block = None
    if block is not None and block.cropped:
        if not gpano:
            full = f"{block.full_width} x {block.full_height}"
            yield _finding("F11", picture, f"{header.width} x {header.height}", message="cropped", full=full)
    elif abs(header.width - 2 * header.height) > 1:
        yield _finding("F11", picture, f"{header.width} x {header.height}")
    elif header.width < settings.min_panorama_width:
        yield _finding("F11", picture, header.width, message="narrow", limit=settings.min_panorama_width)


def _sizes(widths: Counter[int], settings: CheckSettings) -> Iterator[Finding]:
    for width, count in widths.most_common(3):
        power = width & (width - 1) == 0
        if not (power and settings.min_face_resolution <= width <= settings.max_face_resolution):
            wanted = settings.recommended_face_resolution
            yield RULES["F10"].finding("", width, count=count, wanted=wanted)


def _clock(ahead: list[float], table: str) -> Iterator[Finding]:
    """T08: all tables' times are the leap seconds of GPS ahead of the cameras', whatever the zone."""
    if len(ahead) < 3:
        return
    rest = [seconds % _QUARTER_HOUR for seconds in ahead]
    if abs(median(rest) - _GPS_AHEAD) <= 1 and max(rest) - min(rest) <= 4:
        yield RULES["T08"].finding(table, f"{median(rest):.0f}", column="time_taken")
