"""The decoder of JPEG and PNG that checks, projection and publishing share.

Warnings of libjpeg count as damage, except for three that some programs cause and that lose no pixel: a few spare
bytes before the end marker, a spectral selection left empty, and a later version of JFIF. Time and memory are bounded
before the first pixel is decoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from capture360.pictures.jpeg import MAX_MEGAPIXELS, ImageError, ImageHeader, check_pixels_usable, read_header
from capture360.pictures.memory import DECODING
from capture360.pictures.png_pixels import checked_pixels
from capture360.pictures.scans import Coding, coding_of

_SPARE = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_FEW_BYTES = 8
"""Spare bytes of any value that are taken for harmless; after more of them a damaged middle was read on."""
_ZERO_BLOCK = bytes(64)
_PROBLEMS = {
    "extraneous": "bytes of its pixels are damaged",
    "premature end": "pixels of it are missing",
    "instead of rst": "pixels of it are missing",
    "bad huffman code": "its pixels are damaged",
    "bad arithmetic code": "its pixels are damaged",
    "inconsistent progression": "scans of it are missing",
    "subsampling": "its colours are sampled in an unusual way",
}
"""Our words by those of libjpeg, which are none of a surveyor's."""
_OVERVIEW_WIDTH = 128
_Colour = Literal["RGB", "GRAY"]


@dataclass(frozen=True, slots=True)
class Whole:
    """A completely decoded picture. `spare` is the number of meaningless bytes before the end marker of a JPEG."""

    header: ImageHeader
    spare: int = 0


def check_whole(content: bytes, where: str = "The picture", max_megapixels: float = MAX_MEGAPIXELS) -> Whole:
    """Raise ImageError unless `decode` accepts the picture; its pixels are not kept."""
    header = read_header(content, where, max_megapixels)
    check_pixels_usable(header, where)
    if header.mime_type == "image/png":
        _png_pixels(content, header, where, "GRAY")
        return Whole(header)
    _, spare = _jpeg_pixels(content, header, where, "GRAY", _OVERVIEW_WIDTH)
    return Whole(header, spare)


def decode(content: bytes, where: str = "The picture", max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """Return height x width x 3, RGB, with EXIF orientation applied; ImageError unless whole, 8-bit, RGB or grey."""
    header = read_header(content, where, max_megapixels)
    check_pixels_usable(header, where)
    if header.mime_type == "image/jpeg":
        pixels, _ = _jpeg_pixels(content, header, where, "RGB")
    else:
        pixels = _png_pixels(content, header, where, "RGB")
    return _upright(pixels, header.orientation)


def overview(
    content: bytes,
    width: int = _OVERVIEW_WIDTH,
    colour: _Colour = "RGB",
    where: str = "The picture",
    max_megapixels: float = MAX_MEGAPIXELS,
) -> NDArray[np.uint8]:
    """Return the picture as stored, at least `width` pixels wide. JPEGs are scaled while decoding, PNGs are not."""
    header = read_header(content, where, max_megapixels)
    check_pixels_usable(header, where)
    if header.mime_type == "image/jpeg":
        return _jpeg_pixels(content, header, where, colour, width)[0]
    return _png_pixels(content, header, where, colour)


def _jpeg_pixels(
    content: bytes, header: ImageHeader, where: str, colour: _Colour, width: int = 0
) -> tuple[NDArray[np.uint8], int]:
    """The pixels, and the number of spare bytes before the end marker. `width` is the least that is needed."""
    import simplejpeg

    coding = coding_of(content, where)
    content = coding.without_oddities(content)
    scaled: dict[str, Any] = {"min_width": width, "min_height": 1, "fastdct": True} if width else {}
    size = _pixels(header, colour) // (16 if width else 1)
    with DECODING.lend(coding.memory + size + len(content)):
        try:
            pixels = np.asarray(simplejpeg.decode_jpeg(content, colour, **scaled))
            _refuse_lost_blocks(content, coding, 0, where)
            return pixels, 0
        except ValueError as error:
            spare = _spare_bytes(content, coding, str(error))
            if not spare:
                raise _undecodable(where, str(error)) from None
        _refuse_lost_blocks(content, coding, spare, where)
        try:
            return np.asarray(simplejpeg.decode_jpeg(content, colour, strict=False, **scaled)), spare
        except ValueError as error:
            raise _undecodable(where, str(error)) from None


def _refuse_lost_blocks(content: bytes, coding: Coding, spare: int, where: str) -> None:
    """Raise ImageError for zeroed disk or transfer blocks, which libjpeg decodes as pixels."""
    if coding.zeros_are_flat and not spare:
        return
    if content.find(_ZERO_BLOCK, coding.start, coding.end - spare) >= 0:
        raise ImageError(f"{where} has a block of zeros in the middle of its pixels. Copy it again.")


def _undecodable(where: str, warning: str) -> ImageError:
    said = warning.casefold()
    problem = next((words for part, words in _PROBLEMS.items() if part in said), "a part of it is damaged")
    return ImageError(f"{where} cannot be decoded ({problem}). Copy or export it again.")


def _spare_bytes(content: bytes, coding: Coding, warning: str) -> int:
    """Return the number of unused bytes before the end marker; 0 if the warning says anything else.

    libjpeg reports the first thing that it finds, and these come last: the pixels before them are sound. Many of them
    are padding, or the rest of pixels whose middle is damaged.
    """
    found = _SPARE.search(warning)
    if found is None:
        return 0
    spare = int(found[1])
    rest = content[max(0, coding.end - spare) : coding.end]
    if spare <= _FEW_BYTES:
        return spare
    padding = content[: coding.end].rstrip(rest[-1:])
    # Padding that begins earlier was taken for pixels: zeros where pixels should be.
    is_padding = abs(coding.end - len(padding) - spare) <= 16
    return spare if is_padding else 0


def _png_pixels(content: bytes, header: ImageHeader, where: str, colour: _Colour) -> NDArray[np.uint8]:
    """Return the pixels as libpng reads them; the check before it bounds its time, and finds what it reads past."""
    import cv2

    content = checked_pixels(content, where)
    flags = (cv2.IMREAD_COLOR_RGB if colour == "RGB" else cv2.IMREAD_GRAYSCALE) | cv2.IMREAD_IGNORE_ORIENTATION
    with DECODING.lend(2 * _pixels(header, colour) + len(content)):
        try:
            pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        except cv2.error:  # more than 2^20 pixels in one direction
            pixels = None
    if pixels is None:
        raise ImageError(f"{where} cannot be decoded. Copy or export it again.")
    return np.asarray(pixels)


def _pixels(header: ImageHeader, colour: _Colour) -> int:
    """Bytes of the decoded picture."""
    return header.width * header.height * (3 if colour == "RGB" else 1)


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo the EXIF orientation (TIFF 6.0 tag 274): 2 to 4 mirror or turn by 180 degrees, 5 to 8 swap the axes."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
