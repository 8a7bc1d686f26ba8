"""Check that the pixel data of a PNG is complete (ISO/IEC 15948), in pieces and without holding the picture.

What is decoded is the critical chunks alone: libpng unpacks each text and profile, and prints a line about each that it
dislikes, and none of them changes a pixel.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from capture360.pictures.jpeg import PNG_SIGNATURE, ImageError
from capture360.pictures.scans import cut_off

_PIECE = 1 << 20
_METADATA = re.compile(rb"[a-z][A-Za-z][A-Z][A-Za-z]")
"""Kinds of chunks that readers may pass over; they refuse any other that they do not know."""
_KNOWN = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by colour type; one, an index, for a palette."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row and steps of each pass of an interlaced picture."""


def checked_pixels(content: bytes, where: str) -> bytes:
    """Return the picture without its metadata.

    ImageError unless checksums, compression and filters are valid and all rows are present.
    """
    kept, unpacker = [PNG_SIGNATURE], zlib.decompressobj()
    try:
        filters = _Filters(content)
        for kind, chunk in _critical_chunks(content, where):
            kept.append(chunk)
            piece = chunk[8:-4] if kind == b"IDAT" else b""
            # What follows the end of the stream would be copied again with each chunk.
            while (piece or unpacker.unconsumed_tail) and not (filters.complete or unpacker.eof):
                filters.take(unpacker.decompress(unpacker.unconsumed_tail or piece, _PIECE))
                piece = b""
    except struct.error:
        raise cut_off(where) from None
    except (zlib.error, ValueError) as error:
        problem = "its compressed pixels are damaged" if isinstance(error, zlib.error) else error
        raise ImageError(f"{where} cannot be decoded ({problem}). Copy or export it again.") from None
    if not filters.complete:
        raise ImageError(f"{where} is cut off: rows of its pixels are missing. Copy or export it again.")
    return b"".join(kept)


def _critical_chunks(content: bytes, where: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the whole of each critical chunk. Their checksums, and the order of pixels, are verified."""
    position, palette = len(PNG_SIGNATURE), content[25] != 3
    before, ended = b"", False
    while before != b"IEND":
        head = content[position : position + 8]
        if len(head) < 8:
            raise cut_off(where)
        length, kind = struct.unpack(">I4s", head)
        end = position + 12 + length
        if end > len(content):
            raise cut_off(where)
        ended = ended or (before == b"IDAT" and kind != b"IDAT")
        if not _METADATA.fullmatch(kind):
            chunk = content[position:end]
            if kind in _KNOWN and zlib.crc32(chunk[4:-4]) != struct.unpack_from(">I", chunk, length + 8)[0]:
                raise ValueError(f"the checksum of {kind.decode()} is wrong")
            palette = palette or kind == b"PLTE"
            if kind == b"IDAT" and not palette:
                raise ValueError("its palette is missing")
            if kind == b"IDAT" and ended:
                raise ValueError("something else lies between its pixels")
            yield kind, chunk
        position, before = end, kind


class _Filters:
    """Counts rows and validates the filter byte that each begins with."""

    def __init__(self, content: bytes) -> None:
        width, height, depth, colour, method, filtering, interlace = struct.unpack_from(">IIBBBBB", content, 16)
        if colour not in _SAMPLES or method or filtering or interlace > 1:
            raise ValueError("its header names a coding that does not exist")
        bits = depth * _SAMPLES[colour]
        passes = _ADAM7 if interlace else ((0, 0, 1, 1),)
        sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
        self._left = [(1 + (columns * bits + 7) // 8, rows) for columns, rows in sizes if columns > 0 and rows > 0]
        self._at = 0
        """Bytes received of the current pass."""

    @property
    def complete(self) -> bool:
        return not self._left

    def take(self, data: bytes) -> None:
        values = np.frombuffer(data, np.uint8)
        while values.size and self._left:
            stride, rows = self._left[0]
            part = values[: stride * rows - self._at]
            if (part[-self._at % stride :: stride] > 4).any():
                raise ValueError("a row has a filter that does not exist")
            self._at += part.size
            values = values[part.size :]
            if self._at == stride * rows:
                del self._left[0]
                self._at = 0
