"""What a camera wrote into a JPEG's EXIF block: when, and where on Earth."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

_WINDOW = 1 << 17
_MOMENT = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?")
"""As EXIF writes it, or as cameras do that know ISO 8601 better."""
_EXIF, _GPS = 0x8769, 0x8825
_TAKEN, _OFFSET = 0x9003, 0x9011
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE = 1, 2, 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class CameraNotes:
    """`taken` has a zone only if the camera gave one. Degrees north and east, metres above the ellipsoid or the sea."""

    taken: datetime | None = None
    place: tuple[float, float, float] | None = None


def camera_notes(stream: IO[bytes]) -> CameraNotes:
    """The notes in the first 128 kB of a JPEG; empty ones where nothing can be read."""
    stream.seek(0)
    head = stream.read(_WINDOW)
    start = head.find(b"Exif\x00\x00")
    if start < 0:
        return CameraNotes()
    from PIL import Image

    exif = Image.Exif()
    taken, place = None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Metadata nobody promised: Pillow raises whatever the bytes provoke, and one field must not void the other.
        with suppress(Exception):
            exif.load(head[start : start + 65_533])
        with suppress(Exception):
            taken = _time(exif.get_ifd(_EXIF))
        with suppress(Exception):
            place = _place(exif.get_ifd(_GPS))
    return CameraNotes(taken, place)


def _time(values: Mapping[int, Any]) -> datetime | None:
    text = str(values.get(_TAKEN, "")).strip("\x00 ")
    offset = str(values.get(_OFFSET, "")).strip("\x00 ")
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    try:
        taken = datetime(year, month, day, hour, minute, second, int((found[7] or "")[:6].ljust(6, "0")))
    except ValueError:
        return None
    try:
        return datetime.fromisoformat(f"{taken.isoformat()}{offset}")
    except ValueError:
        return taken


def _place(values: Mapping[int, Any]) -> tuple[float, float, float] | None:
    if _LATITUDE not in values or _LONGITUDE not in values:
        return None
    north = _degrees(values[_LATITUDE]) * (-1 if values.get(_LATITUDE_REF) == "S" else 1)
    east = _degrees(values[_LONGITUDE]) * (-1 if values.get(_LONGITUDE_REF) == "W" else 1)
    below = values.get(_ALTITUDE_REF) in (1, b"\x01")
    return north, east, float(values.get(_ALTITUDE, 0.0)) * (-1 if below else 1)


def _degrees(parts: Any) -> float:
    """Degrees, from degrees, minutes and seconds of which the last may be left out; ValueError if they are none."""
    numbers = [float(part) for part in parts] if isinstance(parts, Sequence) else [float(parts)]
    if not 1 <= len(numbers) <= 3 or not all(math.isfinite(number) for number in numbers):
        raise ValueError("no angle")
    return math.fsum(number / 60.0**place for place, number in enumerate(numbers))
