"""File rules F07, F08, F12, F15 and F16: integrity, type and time of each picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from typing import IO

from capture360.checks.declared import differences
from capture360.checks.files import FILES
from capture360.checks.parsed_capture import ImageRef
from capture360.checks.violations import Progress
from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.pictures.decoding import check_whole, overview
from capture360.pictures.exif import camera_notes
from capture360.pictures.jpeg import ImageError, ImageHeader, check_pixels_usable, read_header
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import says
from capture360.rules.structure import S07
from capture360.settings.checks import CheckSettings

_THREADS = 8
_AT_ONCE = 256
_LONGEST_DIFFERENCE_H = 1
_ANY_ZONE_H = 27
_BLANK_BYTES_PER_PIXEL = 0.1
"""Bytes per pixel above which a picture cannot be of one colour, so that it is not decoded."""
_BLANK_DEVIATION = 2.0
_BLANK_MOST_MEGAPIXELS = 100

F07 = FILES.rule(
    "F07",
    "Every picture has a sensible size in bytes",
    why="Empty and tiny files are broken transfers, huge ones were not meant.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="bytes of each file",
    parameters=("min_file_bytes", "max_file_bytes"),
    messages={
        **says(
            "{where} is empty. Was the transfer broken? Copy it again.",
            bad="a file of 0 bytes",
            where="images/s-02/top.jpg",
        ),
        **says(
            "{where} has {value} bytes, expected {low} to {high}. {fix}",
            name="size",
            bad="a picture of 300 bytes",
            where="images/s-02/top.png",
            value="300",
            low="1,000",
            high="50,000,000",
            fix="Copy it again.",
        ),
    },
)

F08 = FILES.rule(
    "F08",
    "Every picture is what its name says, and whole",
    why="A cut or mislabelled picture is found by the first person who looks at it.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="the content of each picture, decoded as for publishing",
    parameters=("max_megapixels",),
    messages={
        **says(
            "{sentence}",
            bad="a PNG that declares 50,000 x 50,000 pixels",
            sentence="images/s-02/top.png says it has 50000 x 50000 pixels, 2,500 megapixels; the limit is 200. "
            "Export it smaller or raise checks.max_megapixels of the site.",
        ),
        **says(
            "{where} is a {value} file. Rename it to {wanted}.",
            name="extension",
            bad="a PNG named top.jpg",
            where="images/s-02/top.jpg",
            value="PNG",
            wanted="top.png",
        ),
        **says(
            "{where} has {value} spare bytes before its end marker; its pixels are whole and it is published as it is.",
            name="spare",
            bad="a JPEG with spare bytes before its end marker",
            disposition=Disposition.NOTE,
            where="images/s-02/top.jpg",
            value="5",
        ),
    },
)

F12 = FILES.rule(
    "F12",
    "Pictures are upright, RGB, 8 bit and still",
    why="Viewers disagree about everything else.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="files",
    judges="channels, depth, frames and EXIF orientation of each picture",
    messages={
        **says(
            "{sentence}",
            bad="a CMYK picture",
            sentence="images/s-02/top.jpg is CMYK, a print format. Export it as RGB.",
        ),
        **says(
            "{where} is to be turned by its EXIF orientation ({value}), which faces must not be. Export it upright.",
            name="turned",
            bad="a face with EXIF orientation 6",
            where="images/s-02/top.jpg",
            value="6",
        ),
        **says(
            "{where} was turned upright by its EXIF orientation ({value}).",
            name="upright",
            disposition=Disposition.NOTE,
            bad="a panorama that stands on its side, with EXIF orientation 6",
            where="panos/s-02.jpg",
            value="6",
        ),
    },
)

F15 = FILES.rule(
    "F15",
    "The pictures' own place and time agree with the table",
    why="They come from the camera, the table from hands.",
    disposition=Disposition.WARN,
    scope="file",
    stage="files",
    judges="EXIF time of a picture and the table's time in UTC",
    messages=says(
        "{where} was taken at {value} by its EXIF data, {difference} from the table's time. Which one is right?",
        bad="a picture taken a day before the table's time",
        where="images/s-02/front.jpg",
        value="2026-04-16T09:02:00Z",
        difference="24.0 h",
    ),
)

F16 = FILES.rule(
    "F16",
    "No picture is blank",
    why="A lens cap is noticed on site, or never.",
    disposition=Disposition.WARN,
    scope="file",
    stage="files",
    judges="brightness of all pixels",
    messages=says(
        "{where} is blank (brightness {value} all over). Was the lens covered?",
        bad="a black picture",
        where="images/s-02/top.jpg",
        value="0",
    ),
)


@dataclass(frozen=True, slots=True)
class ImageInspection:
    """A picture with its header, or its fault. `ahead` is the table's clock minus the camera's."""

    picture: ImageRef
    header: ImageHeader | None
    found: tuple[Finding, ...] = ()
    ahead: float | None = None


def inspect(
    folder: CaptureFolder, pictures: Iterable[ImageRef], total: int, settings: CheckSettings, progress: Progress | None
) -> Iterator[ImageInspection]:
    """Yield the inspection of each picture in the order given; a few hundred files are read at a time."""
    pictures = iter(pictures)
    done = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        while chunk := list(islice(pictures, _AT_ONCE)):
            yield from pool.map(lambda picture: _inspected(folder, picture, settings), chunk)
            done += len(chunk)
            if progress:
                progress(done, total, "pictures checked")


def _inspected(folder: CaptureFolder, picture: ImageRef, settings: CheckSettings) -> ImageInspection:
    size = folder.sizes.get(picture.path)
    if size is None:
        return ImageInspection(picture, None)  # the gate has reported it as not there
    if size == 0:
        return ImageInspection(picture, None, (picture.finding(F07, 0),))
    other_size = tuple(differences(picture, size=size, pixels=None, digest=""))
    if other_size:
        return ImageInspection(picture, None, other_size)
    try:
        with folder.open(picture.path) as stream:
            return _read(stream, size, picture, settings)
    except ImageError as error:
        return ImageInspection(picture, None, (picture.finding(F08, sentence=str(error)),))
    except OutsideError as error:
        outside = picture.finding(S07, picture.path, message="outside", problem=error.problem)
        return ImageInspection(picture, None, (outside,))
    except OSError as error:
        sentence = f"{picture.where} cannot be read ({error.strerror or type(error).__name__}). Copy it again."
        return ImageInspection(picture, None, (picture.finding(F08, sentence=sentence),))


def _read(stream: IO[bytes], size: int, picture: ImageRef, settings: CheckSettings) -> ImageInspection:
    header = read_header(stream, picture.where, settings.max_megapixels)
    if not picture.path.lower().endswith(header.extensions):
        kind = header.mime_type.removeprefix("image/").upper()
        wanted = picture.path.rpartition("/")[2].rpartition(".")[0] + header.extensions[0]
        return ImageInspection(picture, None, (picture.finding(F08, kind, message="extension", wanted=wanted),))
    low, high = settings.min_file_bytes, settings.max_file_bytes
    if not low <= size <= high:
        fix = "Copy it again." if size < low else "Export it with stronger compression."
        limits = {"low": f"{low:,}", "high": f"{high:,}"}
        return ImageInspection(picture, None, (picture.finding(F07, f"{size:,}", message="size", fix=fix, **limits),))
    try:
        check_pixels_usable(header, picture.where)
    except ImageError as error:
        return ImageInspection(picture, None, (picture.finding(F12, header.channels, sentence=str(error)),))
    stream.seek(0)
    content = stream.read(high + 1)
    digest = hashlib.sha256(content).hexdigest() if picture.declared.sha256 else ""
    found = list(differences(picture, size=size, pixels=(header.width, header.height), digest=digest))
    if spare := check_whole(content, picture.where, settings.max_megapixels).spare:
        found.append(picture.finding(F08, f"{spare:,}", message="spare"))
    brightness = _blank_brightness(content, header)
    if brightness is not None:
        found.append(picture.finding(F16, f"{brightness:.0f}"))
    if picture.taken is None or header.mime_type != "image/jpeg":
        return ImageInspection(picture, header, tuple(found))
    time = camera_notes(stream).taken
    if time is None:
        return ImageInspection(picture, header, tuple(found))
    zoned = time.tzinfo is not None
    ahead = (picture.taken - (time if zoned else time.replace(tzinfo=UTC))).total_seconds()
    if abs(ahead) > 3600 * (_LONGEST_DIFFERENCE_H if zoned else _ANY_ZONE_H):
        shown = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if zoned else time.isoformat()
        found.append(picture.finding(F15, shown, difference=f"{abs(ahead) / 3600:,.1f} h"))
    return ImageInspection(picture, header, tuple(found), ahead)


def _blank_brightness(content: bytes, header: ImageHeader) -> float | None:
    """Return the brightness (0 to 255) of a picture of a single colour; None for any other."""
    import cv2

    if (
        len(content) > _BLANK_BYTES_PER_PIXEL * header.width * header.height
        or header.megapixels > _BLANK_MOST_MEGAPIXELS
    ):
        return None
    try:
        # Unlike numpy's, these need no copy of the pixels in floating point.
        mean, deviation = cv2.meanStdDev(overview(content, colour="GRAY"))
    except BadInputError:
        return None
    return float(mean.item()) if float(deviation.item()) < _BLANK_DEVIATION else None
