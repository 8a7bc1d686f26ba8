"""Lengths of the texts in a Parquet page that is coded as differences.

The library believes how many lengths a page says to hold, and allocates memory for them; and each text may repeat any
part of the one before at no cost. So the lengths are read before it. Layout as in Encodings.md of Apache Parquet:
DELTA_BINARY_PACKED for the lengths, twice for DELTA_BYTE_ARRAY, beginnings first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FRAME = 8
"""Bytes in front of each block of LZ4 as Hadoop writes it: sizes of the block, unpacked and packed."""
_LEVELS = 4
_WIDEST = 32
"""Bits of a difference between lengths."""
_PIECE = 4096
"""Differences unpacked at once, a multiple of 8 so that they end with a byte: each bit takes eight bytes meanwhile."""


class DeltasError(ValueError):
    """What is wrong with a page of texts coded as differences, as the middle of a sentence."""

    def __init__(self) -> None:
        super().__init__("texts that it stores as differences are damaged")


def unpack(packed: bytes, size: int, codec: str) -> bytes:
    """Return `packed` as the library unpacks it, no more than `size` bytes; DeltasError if it is damaged."""
    import pyarrow as pa

    if codec == "UNCOMPRESSED":
        return packed
    try:
        if codec in ("LZ4", "UNKNOWN"):
            return _lz4(packed, size)
        return bytes(pa.Codec(codec.lower()).decompress(packed, size, asbytes=True))
    except (pa.ArrowException, OSError, ValueError):
        raise DeltasError from None


def _lz4(packed: bytes, size: int) -> bytes:
    """Unpack LZ4 blocks with the frame of Hadoop if that fits, else one block without it."""
    import pyarrow as pa

    codec = pa.Codec("lz4_raw")
    blocks, at, left = [], 0, size
    while len(packed) - at >= _FRAME:
        unpacked, length = (int.from_bytes(packed[place : place + 4], "big") for place in (at, at + 4))
        at += _FRAME
        if unpacked > left or length > len(packed) - at:
            break
        try:
            blocks.append(bytes(codec.decompress(packed[at : at + length], unpacked, asbytes=True)))
        except (pa.ArrowException, OSError):
            break
        at, left = at + length, left - unpacked
    if at == len(packed) and not left:
        return b"".join(blocks)
    return bytes(codec.decompress(packed, size, asbytes=True))


def repeated(page: bytes, levels: int, values: int, *, with_beginnings: bool) -> int:
    """Return the bytes that texts of a page repeat from the ones before; 0 unless it is coded `with_beginnings`.

    `page` is unpacked, and begins with as many runs of `levels`, each with its length. DeltasError if it says to hold
    more than `values` texts.
    """
    at = 0
    for _ in range(levels):
        at += _LEVELS + int.from_bytes(page[at : at + _LEVELS], "little")
    try:
        if not with_beginnings:
            _lengths(page, at, values)
            return 0
        beginnings, at = _lengths(page, at, values)
        rests, _ = _lengths(page, at, values)
    except IndexError:
        raise DeltasError from None
    if len(beginnings) != len(rests):
        raise DeltasError
    return int(beginnings.sum())


def _lengths(page: bytes, at: int, most: int) -> tuple[NDArray[np.int64], int]:
    """Return the whole numbers that begin at `at`, and where they end; IndexError beyond the page."""
    block, at = _varint(page, at)
    parts, at = _varint(page, at)
    count, at = _varint(page, at)
    first, at = _signed(page, at)
    if count > most or not parts or block % 128 or block % parts or block // parts % 32:
        raise DeltasError
    each, left = block // parts, count - 1
    differences = [np.array([first][:count], dtype=np.int64)]
    while left > 0:
        low, at = _signed(page, at)
        widths = page[at : at + parts]
        at += parts
        for width in widths:
            taken = min(each, left)
            if not taken:
                break
            packed = page[at : at + each * width // 8]
            if width > _WIDEST or len(packed) < each * width // 8:
                raise DeltasError
            at += len(packed)
            differences.append(low + _unpacked(packed, width, taken))
            left -= taken
        if left and len(widths) < parts:
            raise IndexError
    lengths = np.cumsum(np.concatenate(differences))
    if lengths.size and not 0 <= lengths.min() <= lengths.max() < 1 << 31:
        raise DeltasError
    return lengths, at


def _unpacked(packed: bytes, width: int, count: int) -> NDArray[np.int64]:
    """Return `count` whole numbers of `width` bits, lowest bit first."""
    numbers = np.zeros(count, dtype=np.int64)
    if not width:
        return numbers
    values = 1 << np.arange(width, dtype=np.int64)
    content = np.frombuffer(packed, np.uint8)
    for start in range(0, count, _PIECE):
        piece = numbers[start : start + _PIECE]
        bits = np.unpackbits(content[start * width // 8 :], count=piece.size * width, bitorder="little")
        piece[:] = bits.reshape(piece.size, width).astype(np.int64) @ values
    return numbers


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        byte = page[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError


def _signed(page: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(page, at)
    return (value >> 1) ^ -(value & 1), at
