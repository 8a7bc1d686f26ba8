"""What a time that cannot be read probably is, and how to write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from capture360.checks.spreadsheet_slips import slip_of
from capture360.checks.text_columns import FORMS, last_digit
from capture360.e57.gps_time import EPOCH
from capture360.readers.manifest import TimeBase

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_ZONE = re.compile(r".*[0-9] ?([A-Z][A-Za-z]+(?:/[A-Za-z_]+)+)")
_ABBREVIATION = re.compile(r".*[0-9] ?(?!AM|PM)[A-Z]{2,5}(?:[+-][0-9:]+)?")
_OFFSET = re.compile(r"[0-9/.-]+[T ][0-9]{1,2}:[0-9:.,]+ ?([+-][0-9:]{1,9})")
_WEEK = re.compile(r"([0-9]{4})[ ,;:]+([0-9]{4,6}(?:\.[0-9]+)?)")
_WEEK_S = 604_800
_EARLIEST = 1_104_537_600
"""Unix seconds of the year 2005. Before it, small numbers would pass for seconds since 2001."""
_MOST_QUESTIONS = 2
_EXCEL_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
_MOST_EXCEL_DAYS = 100_000
_DAY = 1 / 86_400
_GPS = EPOCH.timestamp()
_DATES = "export dates such as 2026-04-17T09:30:00Z, with time.base: utc"
_SCALES: tuple[tuple[str, float, float, str], ...] = (
    ("seconds since 1970", 0, 1, "unix_s"),
    ("milliseconds since 1970", 0, 1e3, "unix_ms"),
    ("microseconds since 1970", 0, 1e6, "deliver milliseconds, 1,000 times less, with time.base: unix_ms"),
    ("nanoseconds since 1970", 0, 1e9, "deliver milliseconds, 1,000,000 times less, with time.base: unix_ms"),
    ("GPS seconds since 1980", _GPS, 1, "gps_s"),
    ("GPS milliseconds since 1980", _GPS, 1e3, "deliver seconds, with time.base: gps_s"),
    ("GPS microseconds since 1980", _GPS, 1e6, "deliver seconds, with time.base: gps_s"),
    ("GPS nanoseconds since 1980", _GPS, 1e9, "deliver seconds, with time.base: gps_s"),
    ("seconds since 2001, as Apple counts", 978_307_200, 1, _DATES),
    ("seconds since 1904, as LabVIEW counts", -2_082_844_800, 1, _DATES),
    ("seconds since 1900, as NTP counts", -2_208_988_800, 1, _DATES),
    ("Windows file times, 100 ns since 1601", -11_644_473_600, 1e7, _DATES),
    (".NET ticks, 100 ns since the year 1", -62_135_596_800, 1e7, _DATES),
    ("Julian days", -2_440_587.5 / _DAY, _DAY, _DATES),
    ("modified Julian days", -40_587 / _DAY, _DAY, _DATES),
    ("MATLAB's days since the year 0", -719_529 / _DAY, _DAY, _DATES),
)
"""Ways to count time: the name, Unix seconds of the zero, units to a second, and the time base or what to do."""


def fix_of(text: str, base: TimeBase, *, is_fixed: bool = False) -> str:
    """Return how to write a time that is not what its base demands, which is that of the form where `is_fixed`."""
    if _NUMBER.fullmatch(text):
        number = float(text.replace(",", "."))
        return excel_question(number, base) or (not is_fixed and base_question(number, base)) or FORMS[base][1]
    if last := last_digit(text):
        return f"Its last digit counts {_duration(last, base)}: a program shortened it. Export it with all its digits."
    if (found := _WEEK.fullmatch(text)) and float(found[2]) < _WEEK_S and not is_fixed:
        seconds = float(found[1]) * _WEEK_S + float(found[2])
        return f"Are these a GPS week and the seconds in it? Then write {seconds:.15g}, with time.base: gps_s."
    if slip := slip_of(text, is_date=True):
        return slip
    if base in ("utc", "local"):
        if found := _OFFSET.fullmatch(text):
            return f"Is {found[1]} the offset from UTC? Write it in hours and minutes, 14:00 at most, such as +02:00."
        if found := _ZONE.fullmatch(text.rstrip("]").replace("[", " ")):
            return f"Write the offset of the zone, or the time alone with time.base: local and time.zone: {found[1]}."
        if _ABBREVIATION.fullmatch(text):
            return "Letters may mean several zones: write the offset, such as 2026-04-17T09:30:00+02:00."
    return FORMS[base][1]


def base_question(number: float, base: TimeBase) -> str:
    """Ask for other ways to count in which the number is a time of our days; empty if there is none."""
    found: dict[float, tuple[str, str]] = {}
    latest = (datetime.now(UTC) + timedelta(days=1)).timestamp()
    for name, zero, units, way in _SCALES:
        seconds = zero + number / units
        if way != base and _EARLIEST <= seconds <= latest:
            found[seconds] = name, f"set time.base: {way}" if way in FORMS else way
    recent = sorted(found, reverse=True)[:_MOST_QUESTIONS]
    if not recent and 0 <= number < _WEEK_S:
        return f"Are these seconds of a GPS week? Then add {_WEEK_S:,} for each week since 1980, with time.base: gps_s."
    several = len(recent) > 1
    return " ".join(
        f"Are these {found[at][0]}{f' ({EPOCH.fromtimestamp(at, UTC):%Y-%m-%d})' if several else ''}? "
        f"Then {found[at][1]}."
        for at in recent
    )


def excel_question(number: float, base: TimeBase) -> str:
    """Word the date that Excel stores as this number; empty if it is none of our days."""
    if not 0 < number < _MOST_EXCEL_DAYS:
        return ""
    day = _EXCEL_ZERO + timedelta(seconds=round(number * 86400))
    if not _EARLIEST <= day.timestamp() <= (datetime.now(UTC) + timedelta(days=1)).timestamp():
        return ""
    return f"Excel stores {day:%Y-%m-%dT%H:%M:%S} so: write the time in full. {FORMS[base][1]}"


def _duration(last: float, base: TimeBase) -> str:
    seconds = last / 1000 if base == "unix_ms" else last
    for length, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:g} s"
