"""Coding of a JPEG (ITU-T T.81), read from its markers, to bound the cost of decoding beforehand."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from capture360.pictures.jpeg import ImageError

MAX_SCANS = 100
"""Each scan is a pass over the whole picture; encoders write about ten."""
MAX_SEGMENTS = 4096
MAX_COEFFICIENT_BYTES = 640_000_000
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""In coded pixels 0xFF is followed by 0 or a restart marker."""
_SHOWN_EVERYWHERE = (0xC0, 0xC1, 0xC2)
_JFIF = b"JFIF\x00"
_JFIF_LENGTH = 16
"""Bytes from which decoders take a segment for a JFIF header, the two of its length among them."""
_PROFILE = b"ICC_PROFILE\x00"
_SEQUENTIAL_END = b"\x00\x3f\x00"
_Component = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Coding:
    """`memory` is the bytes that a decoder holds at once. Pixel data lies from `start` to `end`."""

    progressive: bool
    memory: int
    start: int
    end: int
    zeros_are_flat: bool
    """Whether a run of zero bytes can code an area of one colour; if not, it is damage."""
    spectral: tuple[int, ...]
    """Offsets of the last three bytes of each scan header: the spectral selection."""
    versions: tuple[int, ...]
    """Offsets of the major version in each JFIF header."""
    profiles: tuple[int, ...]
    """Offsets of the parts of a colour profile (ICC.1, annex B.4), which pixels are decoded without."""

    def without_oddities(self, content: bytes) -> bytes:
        """Fill in or hide what decoders warn about, and do not need.

        That is the spectral selection that T.81 prescribes for a sequential JPEG, the version of JFIF, and a colour
        profile of which parts are missing.
        """
        wrong = [at for at in self.spectral if content[at : at + 3] != _SEQUENTIAL_END and not self.progressive]
        unknown = [at for at in self.versions if content[at] != 1]
        incomplete = () if _is_whole(content, self.profiles) else self.profiles
        if not wrong and not unknown and not incomplete:
            return content
        repaired = bytearray(content)
        for at in wrong:
            repaired[at : at + 3] = _SEQUENTIAL_END
        for at in unknown:
            repaired[at] = 1
        for at in incomplete:
            repaired[at : at + len(_PROFILE)] = bytes(len(_PROFILE))
        return bytes(repaired)


def _is_whole(content: bytes, profiles: tuple[int, ...]) -> bool:
    """Return whether the parts of a colour profile are all there, each once: each has its number and how many."""
    numbers = sorted(tuple(content[at + len(_PROFILE) : at + len(_PROFILE) + 2]) for at in profiles)
    return numbers == [(number, len(profiles)) for number in range(1, len(profiles) + 1)]


def coding_of(content: bytes, where: str) -> Coding:
    """Read the coding of a JPEG; ImageError if it is cut off, lacks pixels, or is too expensive to decode."""
    try:
        return _coding(content, where)
    except (struct.error, IndexError, ValueError):
        raise cut_off(where) from None


def cut_off(where: str) -> ImageError:
    """Error for a picture whose end is missing."""
    return ImageError(f"{where} is cut off: its end is missing. Copy it again.")


def _coding(content: bytes, where: str) -> Coding:
    frame: tuple[int, tuple[_Component, ...], int, int] | None = None
    first_scan = 0
    interleaved = True
    spectral: list[int] = []
    versions: list[int] = []
    profiles: list[int] = []
    seen: set[int] = set()
    first_symbols: dict[int, int] = {}
    position = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(content, position)
        if found is None:
            raise cut_off(where)
        marker, position = content[found.start() + 1], found.end()
        if marker == 0x01:
            continue
        if marker == 0xD9:
            end = found.start()
            break
        if marker == 0xD8:
            raise ImageError(f"{where} begins a second time at byte {found.start():,}. Copy or export it again.")
        (length,) = struct.unpack_from(">H", content, position)
        if marker == 0xDA:
            if frame is None:
                raise ImageError(f"{where} has a damaged header: pixels come before their size. Copy it again.")
            count = content[position + 2]
            components = content[position + 3 : position + 3 + 2 * count : 2]
            start, _, approximation = content[position + 3 + 2 * count : position + 6 + 2 * count]
            if not first_scan:
                first_scan, interleaved = position, count == len(frame[1])
            if frame[0] != 0xC2 or (start == 0 and approximation < 16):
                seen.update(components)
            spectral.append(position + 3 + 2 * count)
        elif marker == 0xE0 and length >= _JFIF_LENGTH and content.startswith(_JFIF, position + 2):
            versions.append(position + 2 + len(_JFIF))
        elif marker == 0xE2 and content.startswith(_PROFILE, position + 2):
            profiles.append(position + 2)
        elif marker == 0xC4:
            first_symbols |= _first_symbols(content[position + 2 : position + length])
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC8, 0xCC):
            frame = _frame(content, marker, position + 2)
        position += length
    else:
        raise ImageError(f"{where} has more than {MAX_SEGMENTS:,} segments. Export it again.")
    if frame is None or not spectral:
        raise ImageError(f"{where} has a header and no pixels. Copy or export it again.")
    kind, frame_components, width, height = frame
    if kind not in _SHOWN_EVERYWHERE:
        raise ImageError(f"{where} is coded in a way that viewers do not show. Export it as baseline JPEG.")
    if len(spectral) > MAX_SCANS:
        raise ImageError(f"{where} has {len(spectral):,} scans; the limit is {MAX_SCANS}. Export it as baseline JPEG.")
    if {identifier for identifier, _, _ in frame_components} - seen:
        raise ImageError(f"{where} lacks the pixels of a colour channel. Copy or export it again.")
    blocks = _blocks(frame_components, width, height)
    if 8 * (end - first_scan) < blocks:
        # No code is shorter than a bit, and each block has one.
        raise ImageError(f"{where} holds too few bytes for {width} x {height} pixels. Copy or export it again.")
    memory = 128 * blocks if kind == 0xC2 or not interleaved else 0
    if memory > MAX_COEFFICIENT_BYTES:
        raise ImageError(
            f"{where} is progressive and takes {memory // 1_000_000:,} MB to decode; the limit is "
            f"{MAX_COEFFICIENT_BYTES // 1_000_000}. Export it as baseline JPEG."
        )
    flat = all if interleaved else any
    zeros_are_flat = kind == 0xC2 or flat(symbol == 0 for symbol in first_symbols.values())
    oddities = tuple(spectral), tuple(versions), tuple(profiles)
    return Coding(kind == 0xC2, memory, first_scan, end, zeros_are_flat, *oddities)


def _first_symbols(tables: bytes) -> dict[int, int]:
    """Return the symbol whose code is all zeros, by class and number of each Huffman table."""
    found = {}
    at = 0
    while at < len(tables):
        symbols = sum(tables[at + 1 : at + 17])
        found[tables[at]] = tables[at + 17] if symbols else -1
        at += 17 + symbols
    return found


def _frame(content: bytes, kind: int, at: int) -> tuple[int, tuple[_Component, ...], int, int]:
    _, height, width, count = struct.unpack_from(">BHHB", content, at)
    components = tuple(
        (content[start], max(1, content[start + 1] >> 4), max(1, content[start + 1] & 15))
        for start in range(at + 6, at + 6 + 3 * count, 3)
    )
    return kind, components, width, height


def _blocks(components: tuple[_Component, ...], width: int, height: int) -> int:
    across, down = max(one[1] for one in components), max(one[2] for one in components)
    return sum(-(-width * h // (8 * across)) * -(-height * v // (8 * down)) for _, h, v in components)
