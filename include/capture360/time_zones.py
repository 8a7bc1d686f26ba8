"""Times in UTC; time zones by their IANA names, and names among these that people use for something else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import available_timezones

_ABBREVIATIONS: Mapping[str, str] = {
    "CET": "Europe/Berlin",
    "EET": "Europe/Helsinki",
    "EST": "America/New_York",
    "HST": "Pacific/Honolulu",
    "MET": "Europe/Berlin",
    "MST": "America/Denver",
    "WET": "Europe/Lisbon",
}
"""Names that for one half of people include summer time and for the other do not, with a place for each."""
_OF_THE_MACHINE = ("Factory", "localtime", "posixrules")
_FIXED = re.compile(r"Etc/GMT([+-])([1-9][0-9]?)")


def in_utc(text: str) -> datetime:
    """Return a time in ISO 8601 in UTC; ValueError or OverflowError if it is none."""
    return datetime.fromisoformat(text).astimezone(UTC)


def zone_problem(name: str) -> tuple[str, str]:
    """Return what is wrong with the name of a time zone, and how to fix it; two empty texts if it has one meaning.

    The fix is empty for what is no zone at all, since what was meant is not known here.
    """
    if name in _ABBREVIATIONS:
        return (
            "is an abbreviation, which some use with summer time and others without",
            f"Name a place, such as {_ABBREVIATIONS[name]}",
        )
    if found := _FIXED.fullmatch(name):
        written = f"{'-' if found[1] == '+' else '+'}{int(found[2]):02d}:00"
        return f"is {written}, against its sign", "Name a place, such as Europe/Oslo"
    if name in _OF_THE_MACHINE or name not in available_timezones():
        return "is no IANA time zone", ""
    return "", ""
