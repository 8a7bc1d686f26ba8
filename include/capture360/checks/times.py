"""Delivered times to UTC, in the base the manifest states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture360.checks.numbers import parsed
from capture360.readers.manifest import Time, TimeBase

if TYPE_CHECKING:
    import pandas as pd

FORMS: dict[TimeBase, tuple[str, str]] = {
    "utc": ("a date and time", "Write it as 2026-04-17T09:30:00Z."),
    "local": ("a date and time", "Write it as 2026-04-17T09:30:00."),
    "unix_s": ("a number of seconds since 1970", "Write it as 1776418200.5, or correct time.base."),
    "unix_ms": ("a number of milliseconds since 1970", "Write it as 1776418200500, or correct time.base."),
    "gps_s": ("a number of GPS seconds since 1980", "Write it as 1460453418.5, or correct time.base."),
}
_ZONED = r"(?:[zZ]|[+-][0-9]{2}:?[0-9]{2})$"
_GPS_EPOCH = 315_964_800
"""1980-01-06T00:00:00Z in Unix seconds."""
_LEAP_SECONDS = (
    46828800, 78364801, 109900802, 173059203, 252028804, 315187205, 346723206, 393984007, 425520008,
    457056009, 504489610, 551750411, 599184012, 820108813, 914803214, 1025136015, 1119744016, 1167264017,
)  # fmt: skip
"""GPS seconds at which UTC fell one more second behind (IERS Bulletin C, 1981 to 2017)."""
_LATEST = 1e11


@dataclass(frozen=True)
class Times:
    """`utc` is NaT where a cell is empty or wrong. `unzoned` are cells without any known zone."""

    utc: pd.Series[pd.Timestamp]
    wrong: NDArray[np.bool_]
    unzoned: NDArray[np.bool_]
    zoned: NDArray[np.bool_]
    unclear: NDArray[np.bool_]
    """Local times that the switch to or from summer time makes doubtful; the earlier one is taken."""


def to_utc(column: pd.Series[str], stated: Time, decimal_comma: bool) -> Times:
    """The column as UTC times."""
    times = _texts(column, stated) if stated.base in ("utc", "local") else _counts(column, stated.base, decimal_comma)
    if stated.clock_offset_s:
        import pandas as pd

        times = Times(
            times.utc + pd.to_timedelta(stated.clock_offset_s, unit="s"),
            times.wrong,
            times.unzoned,
            times.zoned,
            times.unclear,
        )
    return times


def _texts(column: pd.Series[str], stated: Time) -> Times:
    import pandas as pd

    empty = (column == "").to_numpy()
    zoned = column.str.contains(_ZONED, regex=True).to_numpy(dtype=bool)
    utc = pd.to_datetime(column.where(zoned), format="ISO8601", utc=True, errors="coerce").astype("datetime64[us, UTC]")
    naive = pd.to_datetime(column.where(~zoned & ~empty), format="ISO8601", errors="coerce")
    unclear = np.zeros(len(column), dtype=bool)
    if naive.dtype.kind != "M" or getattr(naive.dtype, "tz", None) is not None:
        naive = pd.Series(pd.NaT, index=column.index).astype("datetime64[us]")
    known = naive.notna().to_numpy()
    unzoned = known.copy()
    if stated.zone and known.any():
        sure = naive.dt.tz_localize(stated.zone, ambiguous="NaT", nonexistent="NaT")
        local = naive.dt.tz_localize(
            stated.zone, ambiguous=np.ones(len(naive), dtype=bool), nonexistent="shift_forward"
        )
        unclear = known & sure.isna().to_numpy()
        utc = utc.fillna(local.dt.tz_convert("UTC").astype("datetime64[us, UTC]"))
        unzoned[:] = False
    wrong = ~empty & utc.isna().to_numpy() & ~known
    return Times(utc, wrong, unzoned, zoned, unclear)


def _counts(column: pd.Series[str], base: TimeBase, decimal_comma: bool) -> Times:
    import pandas as pd

    numbers = parsed(column, decimal_comma)
    seconds = numbers.values / 1000 if base == "unix_ms" else numbers.values
    if base == "gps_s":
        leaps = np.searchsorted(np.array(_LEAP_SECONDS, dtype=np.float64), seconds, side="right")
        seconds = seconds + _GPS_EPOCH - leaps
    senseless = np.isinf(numbers.values) | (np.abs(seconds) > _LATEST)
    seconds = np.where(senseless | np.isnan(seconds), np.nan, seconds)
    micro = np.where(np.isnan(seconds), 0, np.round(seconds * 1e6)).astype(np.int64)
    utc = pd.Series(pd.to_datetime(micro, unit="us", utc=True)).astype("datetime64[us, UTC]")
    utc = utc.mask(np.isnan(seconds))
    nothing = np.zeros(len(column), dtype=bool)
    return Times(utc, numbers.wrong | senseless, nothing, ~nothing, nothing)
