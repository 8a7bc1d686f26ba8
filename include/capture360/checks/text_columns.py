"""Parsing of whole text columns as numbers, and as UTC times in the manifest's time base."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.e57.gps_time import EPOCH, LEAP_SECONDS
from capture360.readers.manifest import Time, TimeBase

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_NO_NUMBER = r"^(?:|[+-]?(?i:nan)(?:\([a-z0-9]*\))?|[+-]?1\.#(?i:[qs]nan|ind|r)[0-9]*)$"
"""Empty, or what programs write for a number that is none: NaN, -nan(ind), 1.#QNAN, -1.#IND, 1.#R."""
_INFINITE = r"^[+-]?(?:(?i:inf|infinity)|1\.#(?i:inf|j)[0-9]*)$"
_INFINITY = r"(?:1\.#(?i:inf|j)[0-9]*)$"
_SHORTENED = re.compile(r"[+-]?[0-9]\.?([0-9]*)[eE]\+([0-9]{1,3})")
"""A number with as many digits as fit; without the plus sign a program wrote all that there are."""
FORMS: dict[TimeBase, tuple[str, str]] = {
    "utc": ("a date and time", "Write it as 2026-04-17T09:30:00Z."),
    "local": ("a date and time", "Write it as 2026-04-17T09:30:00."),
    "unix_s": ("a number of seconds since 1970", "Write it as 1776418200.5, or correct time.base."),
    "unix_ms": ("a number of milliseconds since 1970", "Write it as 1776418200500, or correct time.base."),
    "gps_s": ("a number of GPS seconds since 1980", "Write it as 1460453418.5, or correct time.base."),
}
_ZONED = r"(?:[zZ]|[+-][0-9]{2}:?[0-9]{2}|[T ][0-9:.,]+ ?[+-][0-9]{2})$"
_NO_OFFSET = r"[T ][0-9:.]+[+-](?:1[5-9]|[2-9][0-9]|14:?(?:0[1-9]|[1-9][0-9]))(?::?[0-9]{2})?$"
"""A time with an offset that no zone has: they end at 14 hours."""
_PLAIN = r"^[^a-zA-Z+]+?(?:[T ][^a-zA-Z+-]*)?$"
"""A date with or without a time, and without a zone or anything that might be one."""
_NO_DAY = r"^[0-9]{4}(?:[-/][0-9]{1,2})?$"
_DAY = r"^[0-9]{4}[-/]?[0-9]{2}[-/]?[0-9]{2}$"
_ODD = r"[0-9]t|z$|[0-9],[0-9]|\u2212|(?i:UTC|GMT)$|:60|\.[0-9]{7}|\]$|^[0-9]{4}:|[tT ]24:?00"
_USUAL = (
    (r"([zZ]|[+-][0-9]{2}:?[0-9]{2})\[[A-Za-z0-9_+/-]+\]$", r"\1"),
    (r"^([0-9]{4}):([0-9]{2}):([0-9]{2})[ T]", r"\1-\2-\3T"),
    (r"^([0-9]{4}-[0-9]{2}-[0-9]{2})t", r"\1T"),
    (r" ?(?:z|(?i:UTC|GMT))$", "Z"),
    ("\u2212", "-"),
    (r"(:[0-9]{2}),([0-9])", r"\1.\2"),
    (r"(\.[0-9]{6})[0-9]+", r"\1"),
)
"""The name of a zone behind its offset (RFC 9557), EXIF's dates, small letters (RFC 3339), a decimal comma, a
typographic minus, and digits below microseconds: nanoseconds end with the year 2262, for all cells beside them."""
_LEAP = (r"([T ][0-9]{2}:59):60", r"\1:59")
"""A leap second in the usual form: a second after the one before it."""
_MIDNIGHT = (r"([T ])24(:?00(?::?00(?:[.,]0+)?)?)(?=[zZ+-]|$)", r"\g<1>00\2")
"""The midnight at the end of a day (ISO 8601) in the usual form: the one at its beginning, a day later."""
_DAY_US = 86_400_000_000
_LONGEST_TIME = 100
"""Characters of a cell that may be a time; a longer one is none."""
_SECOND_US = 1_000_000
_AFTER_LEAP = np.array([int(EPOCH.timestamp() + at) - count for count, at in enumerate(LEAP_SECONDS, 1)])
"""Unix seconds of the midnights after a leap second."""
_COUNT = re.compile(r"([0-9]{1,12})(?:\.0*)?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([ .,'\u2019\u00a0\u2009\u202f])[0-9]{3})(?:\1[0-9]{3}){0,3}")
_SHA256 = re.compile(r"(?:sha-?256[:=] *)?([0-9a-f]{64})", re.IGNORECASE)
_LATEST = 1e11
_FIRST, _LAST = -62_135_510_400_000_000, 253_402_128_000_000_000
"""Years 1 and 9999 less a day, in Unix microseconds. Times beyond are clamped to these, which no rule accepts."""
_ZONES_FROM, _ZONES_TO = -5_000_000_000_000_000, 5_000_000_000_000_000
"""Local times from 1811 to 2128. Others are taken as UTC, since rules refuse them in any zone."""


@dataclass(frozen=True)
class Numbers:
    """`values` is NaN where a cell is empty or wrong; `wrong` marks what is neither empty nor a number."""

    values: NDArray[np.float64]
    wrong: NDArray[np.bool_]


def parse_numbers(column: pd.Series[str]) -> Numbers:
    """Parse a text column of numbers in plain notation."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text: Any = pa.array(column.array, type=pa.large_string())
    number = pc.or_(pc.match_substring_regex(text, _NUMBER), pc.match_substring_regex(text, _INFINITE))
    absent = pc.match_substring_regex(text, _NO_NUMBER)
    usual = pc.replace_substring_regex(text, _INFINITY, "inf")
    values = pc.if_else(number, usual, pa.scalar(None, pa.large_string())).cast(pa.float64())
    wrong = pc.invert(pc.or_(number, absent))
    return Numbers(
        np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64),
        np.asarray(wrong.to_numpy(zero_copy_only=False), dtype=bool),
    )


def without_shortened(column: pd.Series[str], numbers: Numbers, finest: float) -> Numbers:
    """Mark numbers that were all shortened, such as 1.77642E+09, as wrong where the last digit is above `finest`."""
    cells = column.to_numpy()
    places = [
        at for at in np.flatnonzero(column.str.contains("[eE][+]", regex=True)) if _SHORTENED.fullmatch(cells[at])
    ]
    steps = [last_digit(cells[at]) for at in places]
    if not steps or min(steps) <= finest:
        return numbers
    wrong, values = numbers.wrong.copy(), numbers.values.copy()
    wrong[places], values[places] = True, np.nan
    return Numbers(values, wrong)


def last_digit(text: str) -> float:
    """Return what the last digit of a shortened number counts, 1e4 of 1.77642E+09; 0 of another text."""
    found = _SHORTENED.fullmatch(text)
    return 10.0 ** (int(found[2]) - len(found[1])) if found else 0.0


def declared_count(text: str) -> int | None:
    """Return a whole number, in groups of three or not; None if the text is none."""
    if found := _COUNT.fullmatch(text):
        return int(found[1])
    return int(re.sub("[^0-9]", "", text)) if _GROUPED.fullmatch(text) else None


def declared_digest(text: str) -> str:
    """Return a sha256 in small letters; empty if the text is none."""
    found = _SHA256.fullmatch(text)
    return found[1].lower() if found else ""


@dataclass(frozen=True)
class Times:
    """`utc` is NaT where a cell is empty or wrong. `unzoned` are cells without any known zone."""

    utc: pd.Series[pd.Timestamp]
    wrong: NDArray[np.bool_]
    unzoned: NDArray[np.bool_]
    zoned: NDArray[np.bool_]
    unclear: NDArray[np.bool_]
    """Local times that a change of summer time repeats or skips."""
    skipped: NDArray[np.bool_]
    """Those of `unclear` that no clock showed; they are taken as times before the change."""
    days: NDArray[np.bool_]
    """Dates without a time of day, taken as midnight."""


def is_clamped(moment: pd.Timestamp) -> bool:
    """Return whether a time of `to_utc` stands for one beyond the years that it can hold."""
    return round(moment.timestamp() * 1e6) in (_FIRST, _LAST)


def to_utc(column: pd.Series[str], stated: Time) -> Times:
    """Convert the column to UTC, with the clock's offset added. Never raises, whatever the numbers."""
    return _texts(column, stated) if stated.base in ("utc", "local") else _counts(column, stated)


def _texts(column: pd.Series[str], stated: Time) -> Times:
    import pandas as pd

    empty = (column == "").to_numpy()
    column = column.mask(column.str.len() > _LONGEST_TIME, "?")  # patterns may take time by the square of the length
    days = column.str.contains(_DAY, regex=True).to_numpy(dtype=bool)
    column, leap, days_on = _usual_form(column)
    zoned = column.str.contains(_ZONED, regex=True).to_numpy(dtype=bool)
    plain = ~zoned & column.str.contains(_PLAIN, regex=True).to_numpy(dtype=bool)
    plain &= ~column.str.contains(_NO_DAY, regex=True).to_numpy(dtype=bool)
    # A text without a zone is read as UTC here, so that one with another zone beside it changes nothing.
    read = pd.to_datetime(column.where(zoned | plain), format="ISO8601", utc=True, errors="coerce")
    read = read.astype("datetime64[us, UTC]")
    known = read.notna().to_numpy() & ~column.str.contains(_NO_OFFSET, regex=True).to_numpy(dtype=bool)
    micro = np.where(known, read.astype("int64").to_numpy() + leap + days_on, 0)
    unzoned, unclear, skipped = known & plain, np.zeros(len(column), dtype=bool), np.zeros(len(column), dtype=bool)
    if stated.zone:
        local = np.flatnonzero(unzoned & (micro > _ZONES_FROM) & (micro < _ZONES_TO))
        micro[local], unclear[local], skipped[local] = _from_zone(micro[local], stated.zone)
        unzoned[:] = False
    known = known & ((leap == 0) | unzoned | np.isin(micro // _SECOND_US, _AFTER_LEAP))
    return Times(_utc(micro, known, stated), ~empty & ~known, unzoned, zoned, unclear, skipped, days & known)


def _usual_form(column: pd.Series[str]) -> tuple[pd.Series[str], NDArray[np.int64], NDArray[np.int64]]:
    """Other ways to write the same ISO 8601 time in the usual one, and microseconds to add for leap seconds, days."""
    odd = column.str.contains(_ODD, regex=True).to_numpy(dtype=bool)
    leap, days_on = np.zeros(len(column), dtype=np.int64), np.zeros(len(column), dtype=np.int64)
    if not odd.any():
        return column, leap, days_on
    text = column[odd]
    for written, usual in _USUAL:
        text = text.str.replace(written, usual, regex=True)
    # What is added is decided on the text that is replaced: any way to write a time then counts alike.
    for (written, usual), added, by in ((_LEAP, leap, _SECOND_US), (_MIDNIGHT, days_on, _DAY_US)):
        replaced = text.str.replace(written, usual, regex=True)
        added[odd] = np.where((replaced != text).to_numpy(dtype=bool), by, 0)
        text = replaced
    result = column.copy()
    result[odd] = text
    return result, leap, days_on


def _from_zone(micro: NDArray[np.int64], zone: str) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Convert local microseconds to UTC, and mark those that a change of summer time repeats or skips, and skips.

    Of repeated times the earlier is taken; skipped ones are counted on from the time before the change.
    """
    import pandas as pd

    naive = pd.DatetimeIndex(micro.astype("datetime64[us]"))
    sure = naive.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    before = naive.tz_localize(zone, ambiguous=np.ones(len(naive), dtype=bool), nonexistent="shift_backward")
    before = before.as_unit("us")
    shown = before.tz_localize(None).asi8
    return micro - (shown - before.asi8), np.asarray(sure.isna(), dtype=bool), shown != micro


def _counts(column: pd.Series[str], stated: Time) -> Times:
    numbers = without_shortened(column, parse_numbers(column), 1000.0 if stated.base == "unix_ms" else 1.0)
    seconds = numbers.values / 1000 if stated.base == "unix_ms" else numbers.values
    if stated.base == "gps_s":
        seconds = seconds + EPOCH.timestamp() - np.searchsorted(np.array(LEAP_SECONDS), seconds, side="right")
    senseless = np.isinf(numbers.values) | (np.abs(seconds) > _LATEST)
    known = ~senseless & ~np.isnan(seconds)
    micro = np.round(np.where(known, seconds, 0) * 1e6).astype(np.int64)
    nothing = np.zeros(len(column), dtype=bool)
    wrong = numbers.wrong | senseless
    return Times(_utc(micro, known, stated), wrong, nothing, ~nothing, nothing, nothing, nothing)


def _utc(micro: NDArray[np.int64], known: NDArray[np.bool_], stated: Time) -> pd.Series[pd.Timestamp]:
    """Convert Unix microseconds to times with the clock's offset added, clamped to the years of `datetime`."""
    import pandas as pd

    offset = round(max(-1e12, min(stated.clock_offset_s, 1e12)) * 1e6)
    shifted = np.clip(np.clip(micro, _FIRST, _LAST) + offset, _FIRST, _LAST)
    return pd.Series(shifted.astype("datetime64[us]")).dt.tz_localize("UTC").where(known)
