"""What a time that cannot be read probably is, and how to write it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from capture360.checks.spreadsheet_slips import slip_of
from capture360.checks.text_columns import FORMS
from capture360.e57.gps_time import EPOCH
from capture360.readers.manifest import TimeBase

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_ZONE = re.compile(r".*[0-9] ?([A-Z][A-Za-z]+(?:/[A-Za-z_]+)+)")
_ABBREVIATION = re.compile(r".*[0-9] ?(?!AM|PM)[A-Z]{2,5}(?:[+-][0-9:]+)?")
_OFFSET = re.compile(r"[0-9/.-]+[T ][0-9]{1,2}:[0-9:.,]+ ?([+-][0-9:]{1,9})")
_PLAUSIBLE = 946_684_800, 4_102_444_800
"""Unix seconds of the years 2000 to 2100."""
_EXCEL_DAYS = 36_526, 73_051
"""Days since 1899-12-30 of the years 2000 to 2100, as Excel stores a date."""
_NAMES: dict[TimeBase, str] = {"unix_s": "seconds since 1970", "unix_ms": "milliseconds since 1970"}


def fix_of(text: str, base: TimeBase, *, is_fixed: bool = False) -> str:
    """Return how to write a time that is not what its base demands, which is that of the form where `is_fixed`."""
    if _NUMBER.fullmatch(text):
        number = float(text.replace(",", "."))
        return excel_question(number, base) or (not is_fixed and base_question(number, base)) or FORMS[base][1]
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
    """Ask for another time base in which the number is a time of our days; empty if there is none."""
    low, high = _PLAUSIBLE
    for other, name in _NAMES.items():
        if other != base and low <= number / (1000 if other == "unix_ms" else 1) <= high:
            return f"Are these {name}? Then set time.base: {other}."
    return ""


def excel_question(number: float, base: TimeBase) -> str:
    """Word the date that Excel stores as this number; empty if it is none of our days."""
    low, high = _EXCEL_DAYS
    if not low <= number <= high:
        return ""
    day = datetime(1899, 12, 30, tzinfo=EPOCH.tzinfo) + timedelta(seconds=round(number * 86400))
    return f"Excel stores {day:%Y-%m-%dT%H:%M:%S} so: write the time in full. {FORMS[base][1]}"
