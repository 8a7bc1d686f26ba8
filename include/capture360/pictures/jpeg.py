"""JPEG and PNG files: their headers without decoding a pixel, and encoding.

Headers are not read by Pillow, since it hides the depth of 16-bit PNGs and refuses panoramas above 179 megapixels.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

from capture360.errors import BadInputError
from capture360.pictures.other_forms import SIGNATURES, what_else
from capture360.pictures.xmp_blocks import XmpBlocks

MAX_MEGAPIXELS = 200.0
JPEG_QUALITY = 92
_MAX_SEGMENTS = 4096
JPEG_SIGNATURE, PNG_SIGNATURE = SIGNATURES
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_EXIF = b"Exif\x00\x00"
_PNG_XMP = b"XML:com.adobe.xmp\x00"
_MAX_METADATA = 1 << 20
_MOST_EXIF = 16
"""EXIF blocks that are read; cameras write one."""

MimeType = Literal["image/jpeg", "image/png"]


class ImageError(BadInputError):
    """A picture file is empty, of another type, cut off, damaged, or larger than allowed."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Header of a picture file. Sizes are pixels as stored, before `orientation` (EXIF, 1 to 8) is applied."""

    mime_type: MimeType
    width: int
    height: int
    channels: int
    bit_depth: int
    progressive: bool = False
    orientation: int = 1
    animated: bool = False
    xmp: tuple[bytes, ...] = field(default=(), repr=False)
    """The blocks of XMP that speak of a panorama, or the first one if none does; with a fault those that are whole."""
    xmp_fault: str = ""
    """What keeps the rest of the XMP from being read, as `XmpBlocks` words it."""

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after `orientation` is applied; 5 to 8 swap them."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)

    @property
    def extensions(self) -> tuple[str, ...]:
        """Endings of file names that suit the format."""
        return (".jpg", ".jpeg") if self.mime_type == "image/jpeg" else (".png",)


def read_header(
    source: bytes | IO[bytes],
    where: str = "The picture",
    max_megapixels: float = MAX_MEGAPIXELS,
    *,
    behind_pixels: bool = True,
) -> ImageHeader:
    """Read the header of a JPEG or PNG from its bytes or a seekable stream, without its pixels.

    A PNG may hold metadata behind them, where ExifTool writes it: without `behind_pixels` nothing is read from there.
    ImageError with `where` in its sentence if it is empty, neither of the two, damaged, or above `max_megapixels`.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    stream.seek(0)
    start = stream.read(8)
    if not start:
        raise ImageError(f"{where} is empty. Was the transfer broken? Copy it again.")
    try:
        if start.startswith(JPEG_SIGNATURE):
            header = _jpeg_header(stream, where)
        elif start == PNG_SIGNATURE:
            header = _png_header(stream, where, behind_pixels=behind_pixels)
        else:
            raise ImageError(f"{where} {what_else(stream)}")
    except (struct.error, ValueError, IndexError):
        raise ImageError(f"{where} has a damaged or cut off header. Copy it again.") from None
    if header.width < 1 or header.height < 1:
        raise ImageError(f"{where} says it has {header.width} x {header.height} pixels. Export it again.")
    if header.megapixels > max_megapixels:
        raise ImageError(
            f"{where} says it has {header.width} x {header.height} pixels, {header.megapixels:,.0f} megapixels; "
            f"the limit is {max_megapixels:,.0f}. Export it smaller or raise checks.max_megapixels of the site."
        )
    return header


def check_pixels_usable(header: ImageHeader, where: str = "The picture") -> None:
    """Raise ImageError for pictures that viewers show differently: CMYK, 16 bits, animation."""
    if header.mime_type == "image/jpeg" and header.channels == 4:
        raise ImageError(f"{where} is CMYK, a print format. Export it as RGB.")
    if header.bit_depth not in (1, 2, 4, 8):
        raise ImageError(f"{where} has {header.bit_depth} bits a channel. Export it with 8.")
    if header.animated:
        raise ImageError(f"{where} is an animation. Export one picture.")


def exif_blocks(stream: IO[bytes]) -> list[bytes]:
    """Return the EXIF blocks of a JPEG or PNG that differ, in front of the pixels of a JPEG and anywhere in a PNG.

    At most `_MOST_EXIF` of them.
    """
    stream.seek(0)
    is_png = stream.read(8) == PNG_SIGNATURE
    blocks: dict[bytes, None] = {}
    try:
        for kind, length in _png_chunks(stream) if is_png else _jpeg_segments(stream):
            if kind == 0xDA or len(blocks) == _MOST_EXIF:
                break
            if kind == b"eXIf" and length <= _MAX_METADATA:
                blocks[_EXIF + stream.read(length)] = None
            elif kind == 0xE1 and (payload := stream.read(length)).startswith(_EXIF):
                blocks[payload] = None
    except (struct.error, ValueError):
        pass
    return list(blocks)


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = JPEG_QUALITY, *, progressive: bool = False) -> bytes:
    """Encode height x width x 3 RGB as a JPEG, 4:2:0, baseline or progressive.

    Deterministic for one version of libjpeg-turbo.
    """
    if progressive:
        from PIL import Image

        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling="4:2:0", progressive=True)
        return stream.getvalue()
    import simplejpeg

    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "RGB", "420"))


def _jpeg_segments(stream: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Yield (marker, payload length) of each segment up to the first scan, with the stream at the payload."""
    stream.seek(2)
    for _ in range(_MAX_SEGMENTS):
        byte = stream.read(1)
        if byte != b"\xff":
            raise ValueError("no marker")
        while byte == b"\xff":
            byte = stream.read(1)
        if not byte:
            raise ValueError("no marker")
        marker = byte[0]
        if marker == 0xD9:
            return
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        if length < 2:
            raise ValueError("segment length")
        payload = stream.tell()
        yield marker, length - 2
        stream.seek(payload + length - 2)


def _jpeg_header(stream: IO[bytes], where: str) -> ImageHeader:
    frame: tuple[int, int, int, int, int] | None = None
    orientations: dict[int, None] = {}
    xmp = XmpBlocks()
    try:
        for marker, length in _jpeg_segments(stream):
            if marker == 0xE1:
                payload = stream.read(length)
                xmp.add_segment(payload)
                if payload.startswith(_EXIF) and (stated := _exif_orientation(payload[len(_EXIF) :])):
                    orientations[stated] = None
            elif frame is None and 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                frame = (marker, *struct.unpack(">BHHB", stream.read(6)))
            elif marker == 0xDA:
                break
    except (struct.error, ValueError):
        if frame is None:
            raise
    if frame is None:
        raise ValueError("no frame")
    marker, depth, height, width, channels = frame
    progressive = marker in (0xC2, 0xC6, 0xCA, 0xCE)
    orientation, blocks = _only(orientations, where), xmp.of_panorama()
    return ImageHeader("image/jpeg", width, height, channels, depth, progressive, orientation, False, blocks, xmp.fault)


def _only(orientations: Collection[int], where: str) -> int:
    """Return the orientation that is stated, 1 if none is; ImageError if there are several."""
    if len(orientations) > 1:
        all_stated = " and ".join(map(str, orientations))
        raise ImageError(f"{where} has EXIF blocks with different orientations ({all_stated}). Export it again.")
    return next(iter(orientations), 1)


def _png_chunks(stream: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield (type, length) of each chunk, with the stream at its data, until the end of the picture."""
    position = len(PNG_SIGNATURE)
    while True:
        stream.seek(position)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        yield kind, length
        position += 12 + length


def _png_header(stream: IO[bytes], where: str, *, behind_pixels: bool) -> ImageHeader:
    size: tuple[int, int, int, int] | None = None
    orientations: dict[int, None] = {}
    xmp, animated = XmpBlocks(), False
    for kind, length in _png_chunks(stream):
        if size is None:
            if kind != b"IHDR":
                raise ValueError("no IHDR")
            size = struct.unpack(">IIBB", stream.read(10))
        elif kind == b"IDAT" and not behind_pixels:
            break
        elif kind == b"acTL":
            animated = True
        elif kind == b"eXIf" and length <= _MAX_METADATA:
            if stated := _exif_orientation(stream.read(length)):
                orientations[stated] = None
        elif kind == b"iTXt" and length >= len(_PNG_XMP) and stream.read(len(_PNG_XMP)) == _PNG_XMP:
            xmp.add_text(stream.read(min(length, _MAX_METADATA) - len(_PNG_XMP)))
    if size is None:
        raise ValueError("no IHDR")
    width, height, depth, colour = size
    channels, orientation, blocks = _PNG_CHANNELS.get(colour, 3), _only(orientations, where), xmp.of_panorama()
    return ImageHeader("image/png", width, height, channels, depth, False, orientation, animated, blocks, xmp.fault)


def _exif_orientation(tiff: bytes) -> int | None:
    """Return tag 274 of the first directory; None if it is missing or the block is damaged."""
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        (offset,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, offset)
        for entry in range(min(count, 512)):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, offset + 2 + 12 * entry)
            if tag == 274:
                return int(value) if 1 <= value <= 8 else None
    except (KeyError, struct.error):
        pass
    return None
