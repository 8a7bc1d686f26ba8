"""Time and GPS position from a JPEG's EXIF block."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO, Any

from capture360.pictures.jpeg import exif_blocks
from capture360.text import printable

_MOMENT = re.compile(r"(\d{4})[:/-](\d\d?)[:/-](\d\d?)[ T](\d\d?):(\d\d?):(\d\d?)(?:\.(\d+))? ?(Z|[+-]\d\d:?\d\d)?")
"""A time as EXIF prescribes it, or in ISO 8601 or with slashes as some cameras write it."""
_HOURS = re.compile(r"(?:UTC|GMT)? ?([+-])(\d\d?)")
"""An offset of whole hours, as some cameras write it."""
_BLANK = "\x00 :/-0TZ"
"""Characters of the texts that a camera writes for no time: spaces and colons, or zeros."""
_EXIF, _GPS = 0x8769, 0x8825
_TAKEN, _OFFSET = 0x9003, 0x9011
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE = 1, 2, 3, 4, 5, 6
_STATUS, _MODE, _DILUTION, _DATUM = 9, 10, 11, 18
_FLAT = "2"
"""Measured in two dimensions: the altitude is none of the measurement."""
_WORST_DILUTION = 50.0
"""Receivers without a fix write 50, 99 or 99.99."""
_GLOBAL_DATUM = re.compile(
    r"(?!.*(?:WGS|WORLD|SYSTEM)(?:19)?(?:60|66|72))(?:.*(?:WGS|W84|CRS84|(?<!\d)(?:4326|4979|4258)(?!\d)|WORLD"
    r"|ETR[SF]|ITR[SF]|IG[SB]\d|JGD|GRS(?:19)?80|GDA|NAD(?:19)?83|EUREF|CGCS|PZ(?:19)?90|RGF|RGAF|SWEREF|CHTR[SF]|HTRS"
    r"|IRENET|DREF|IGM95|REGCAN|SIRGAS|POSGAR|MAGNA|NZGD2000|HARTEBEESTHOEK|KGD2002|KOREA2000|UNKNOWN)"
    r"|(?:RDN(?:2008)?|(?:19)?84|0*)\Z)"
)
"""Names without separators of datums that lie within metres of WGS 84, as older ones of its name do not."""
_SIGNS = {"N": 1, "NORTH": 1, "S": -1, "SOUTH": -1, "E": 1, "EAST": 1, "W": -1, "WEST": -1}
_SIXTY = 60.0
"""Largest minutes and seconds of an angle; 60 itself comes from rounding."""
_NOWHERE_DEG = 0.001
"""Around 0, 0 is open sea; cameras without a fix write it, or a rounding of it."""
_ABOVE, _BELOW = ("", "0", "\x02", "2"), ("\x01", "1", "\x03", "3")
"""References of altitudes to the sea and the ellipsoid, as bytes, or as digits that some cameras write in their place.

Without one, the EXIF standard has it above the sea."""
_NO_FIX = ("V", "N", "0")
"""How a status begins that says so: V as the standard has it, void, no fix, or the quality 0."""

_SAME_DEG, _SAME_M = 3e-6, 0.1
"""How far two records of a place differ by rounding: seconds to two decimals, heights to one."""
_UNREAD = "has an EXIF block that is empty or cannot be read"
_UNREAD_GPS = "has a GPS block that is empty or cannot be read"

Place = tuple[float, float, float | None]


@dataclass(frozen=True, slots=True)
class CameraNotes:
    """Time and position that a camera recorded. `taken` has a zone only if the camera recorded one.

    `unread` is what stands for the time where that cannot be read; empty if nothing does.
    `place` is degrees north and east, and metres above the ellipsoid or the sea, None if not recorded. `lacking` names
    what is missing from incomplete GPS values; empty if there are none at all.
    """

    taken: datetime | None = None
    unread: str = ""
    place: Place | None = None
    lacking: str = ""


def camera_notes(stream: IO[bytes]) -> CameraNotes:
    """Read the notes from the EXIF blocks of a picture; empty if nothing can be read, or blocks differ."""
    notes = [_notes(block) for block in exif_blocks(stream)]
    times = [each.taken for each in notes if each.taken is not None]
    places = sorted((each.place for each in notes if each.place is not None), key=lambda place: place[2] is None)
    lacking = next((each.lacking for each in notes if each.lacking), "")
    if places and places[0][2] is not None:
        lacking = ""
    if any(_differ(places[0], other) for other in places[1:]):
        places, lacking = [], "gives two different GPS positions"
    unread = next((each.unread for each in notes if each.unread), "") if not times else ""
    if not _agree(times):
        unread, times = " or ".join(dict.fromkeys(time.isoformat() for time in times)), []
    zoned = sorted(times, key=lambda time: time.tzinfo is None)
    return CameraNotes(zoned[0] if zoned else None, unread, places[0] if places else None, lacking)


def _agree(times: Sequence[datetime]) -> bool:
    """Return whether times are the same second, as far as they have a zone."""
    seconds = {time.replace(microsecond=0) for time in times}
    zoned = {time for time in seconds if time.tzinfo is not None}
    clocks = {time.replace(tzinfo=None) for time in seconds}
    return len(zoned) <= 1 and (len(clocks) <= 1 or zoned == seconds)


def _differ(place: Place, other: Place) -> bool:
    """Return whether two places are not the same to what EXIF is rounded to; an altitude may be missing."""
    rise = 0.0 if place[2] is None or other[2] is None else place[2] - other[2]
    return math.dist(place[:2], other[:2]) > _SAME_DEG or abs(rise) > _SAME_M


def _notes(block: bytes) -> CameraNotes:
    """Read the notes from one EXIF block."""
    from PIL import Image

    exif = Image.Exif()
    notes = CameraNotes(lacking=_UNREAD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about damaged metadata, which counts as missing here
        # Metadata nobody promised: Pillow raises whatever the bytes provoke, and one field must not void the other.
        with suppress(Exception):
            exif.load(block)
            notes = CameraNotes(lacking=_UNREAD if not exif else _UNREAD_GPS if _GPS in exif else "")
        with suppress(Exception):
            taken = _time(exif.get_ifd(_EXIF))
            text = str(exif.get_ifd(_EXIF).get(_TAKEN, "")).strip("\x00 ")
            is_unread = taken is None and text.strip(_BLANK) != ""
            shown = f"{text} {_offset(exif.get_ifd(_EXIF))}".strip()
            notes = replace(notes, taken=taken, unread=printable(shown, 40) if is_unread else "")
        with suppress(Exception):
            if values := exif.get_ifd(_GPS):
                place, lacking = _place(values)
                notes = replace(notes, place=place, lacking=lacking)
    return notes


def _time(values: Mapping[int, Any]) -> datetime | None:
    text = str(values.get(_TAKEN, "")).strip("\x00 ")
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    offset = found[8] or _offset(values)
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    try:
        taken = datetime(year, month, day, hour, minute, second, int((found[7] or "")[:6].ljust(6, "0")))
    except ValueError:
        return None
    try:
        zoned = datetime.fromisoformat(f"{taken.isoformat()}{offset}")
        zoned.astimezone(UTC)  # raises beyond the years of the calendar
    except ValueError:
        return None
    except OverflowError:
        return None
    return zoned


def _offset(values: Mapping[int, Any]) -> str:
    """Return the offset from UTC beside the time, as ISO 8601 writes it; empty if none is recorded."""
    text = str(values.get(_OFFSET, "")).strip("\x00 ")
    if not text.strip(" :-"):
        return ""
    found = _HOURS.fullmatch(text)
    return f"{found[1]}{found[2]:0>2}:00" if found else {"UTC": "Z", "GMT": "Z"}.get(text, text)


def _place(values: Mapping[int, Any]) -> tuple[Place | None, str]:
    """Return the place and what it lacks. Missing values are not replaced by defaults."""
    if _LATITUDE not in values and _LONGITUDE not in values:
        return None, "has a GPS block without latitude and longitude"
    if _LATITUDE not in values or _LONGITUDE not in values:
        there, missing = ("longitude", "latitude") if _LONGITUDE in values else ("latitude", "longitude")
        return None, f"gives a GPS {there} and no {missing}"
    if _word(values.get(_STATUS)).startswith(_NO_FIX) or _word(values.get(_MODE)) in ("0", "1"):
        return None, "says of its own GPS position that it was taken without a fix"
    dilution = _dilution(values)
    if dilution >= _WORST_DILUTION:
        return None, f"gives the GPS dilution of precision {dilution:g}, which receivers write without a fix"
    datum = _word(values.get(_DATUM))
    if not _GLOBAL_DATUM.match(re.sub(r"[\W_]+", "", datum)):
        return None, f'gives a GPS position in the datum "{printable(datum, 40)}", which is not that of WGS 84'
    try:
        north, east = _degrees(values[_LATITUDE]), _degrees(values[_LONGITUDE])
    except (TypeError, ValueError, ArithmeticError):
        return None, "gives a GPS position that is no pair of angles"
    if north < _NOWHERE_DEG and east < _NOWHERE_DEG:
        return None, "gives the GPS position 0, 0, which cameras write without a fix"
    north_sign = _sign(values.get(_LATITUDE_REF), "NS")
    east_sign = _sign(values.get(_LONGITUDE_REF), "EW")
    if north_sign is None:
        return None, "does not say whether its GPS latitude is north or south"
    if east_sign is None:
        return None, "does not say whether its GPS longitude is east or west"
    if north > 90 or east > 180:
        return None, "gives a GPS position that is not on Earth"
    height = _height(values)
    return (north * north_sign, east * east_sign, height), "" if height is not None else "gives no GPS altitude"


def _dilution(values: Mapping[int, Any]) -> float:
    """Return the dilution of precision; 0 where it is not recorded as a number."""
    try:
        return float(values.get(_DILUTION, 0.0))
    except (TypeError, ValueError, ArithmeticError):
        return 0.0


def _height(values: Mapping[int, Any]) -> float | None:
    if _word(values.get(_MODE)) == _FLAT:
        return None
    try:
        height = float(values[_ALTITUDE])
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return None
    reference = _word(values.get(_ALTITUDE_REF))
    if not math.isfinite(height) or reference not in (*_ABOVE, *_BELOW):
        return None
    return -height if reference in _BELOW else height


def _sign(reference: object, letters: str) -> int | None:
    word = _word(reference)
    return _SIGNS.get(word) if word[:1] in letters else None


def _word(value: object) -> str:
    """A text of a tag in upper case; tags of one character arrive as text, bytes or numbers."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
    return text.strip("\x00 ").upper()


def _degrees(parts: Any) -> float:
    """Degrees, from degrees, minutes and seconds of which the last may be left out; ValueError if they are none."""
    numbers = [float(part) for part in parts] if isinstance(parts, list | tuple) else [float(parts)]
    if not 1 <= len(numbers) <= 3 or not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise ValueError("no angle")
    if any(number > _SIXTY for number in numbers[1:]):
        raise ValueError("minutes and seconds are below 60")
    return math.fsum(number / 60.0**place for place, number in enumerate(numbers))
