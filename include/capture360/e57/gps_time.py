"""GPS seconds to UTC (E57 `dateTimeValue`, and tables with `time.base: gps_s`)."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1980, 1, 6, tzinfo=UTC)

_LEAP_DAYS = (
    (1981, 7), (1982, 7), (1983, 7), (1985, 7), (1988, 1), (1990, 1), (1991, 1), (1992, 7), (1993, 7),
    (1994, 7), (1996, 1), (1997, 7), (1999, 1), (2006, 1), (2009, 1), (2012, 7), (2015, 7), (2017, 1),
)  # fmt: skip
"""First days after an inserted leap second (IERS Bulletin C; leap-seconds.list of the IANA time zone database)."""

_UTC_STEPS = tuple((datetime(year, month, 1, tzinfo=UTC) - EPOCH).total_seconds() for year, month in _LEAP_DAYS)
LEAP_SECONDS = tuple(seconds + count for count, seconds in enumerate(_UTC_STEPS, start=1))
"""GPS seconds at which UTC fell one more second behind."""


def utc_from_gps(seconds: float) -> datetime:
    """UTC of seconds since 1980-01-06 on the GPS scale, which has no leap seconds; ValueError outside 1980 to 9999."""
    if not 0 <= seconds < 253_000_000_000:
        raise ValueError(f"{seconds} is no GPS time in seconds since 1980-01-06")
    return EPOCH + timedelta(seconds=seconds - bisect_right(LEAP_SECONDS, seconds))
