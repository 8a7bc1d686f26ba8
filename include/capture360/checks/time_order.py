"""Time rules T05 to T08: the times of a capture compared with each other, and with those of its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.parsed_capture import CheckInput
from capture360.checks.times import CLOCK_SKEW, EARLIEST, TIMES, shown_time
from capture360.checks.violations import FindingGroup, Group, Results, RowViolations
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import Expect, says

if TYPE_CHECKING:
    import pandas as pd

_FEW = 3
_MOST_BACK = 0.05
_GPS_AHEAD = 18
_QUARTER_HOUR = 900


def times_that_go_back(frame: pd.DataFrame, time_column: str, tolerance_s: float) -> dict[str, Any]:
    """Find rows whose time is before that of the row above, unless most rows are so. Impossible times violate T04."""
    times = frame[time_column].to_numpy(dtype=np.float64)
    possible = (times >= EARLIEST.timestamp()) & (times <= (datetime.now(UTC) + CLOCK_SKEW).timestamp())
    rows, seconds = _steps_back(np.where(possible, times, np.nan), tolerance_s)
    return {"positions": rows, "seconds": seconds}


T05 = TIMES.rule(
    "T05",
    "A capture was taken within a few days",
    why="Two campaigns in one folder mix two states of the plant.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="gate",
    judges="times in UTC, clock_offset_s added",
    parameters=("max_span",),
    messages=says(
        "{where}: the times span {value} days, {limit} are expected. Two captures in one folder? Deliver them apart.",
        bad="times from April and June",
        where="stations.csv",
        value="63.0",
        limit="7",
    ),
)

T06 = TIMES.rule(
    "T06",
    "Times go forward in the order of the table",
    why="A clock that jumped back puts images into a wrong order.",
    disposition=Disposition.WARN,
    scope="station",
    stage="suite",
    judges="times in UTC, in the order of the rows",
    expectations=(
        Expect(
            "stations",
            "expect_times_to_go_forward",
            {"time_column": "unix_time", "tolerance_s": 1.0},
            times_that_go_back,
        ),
    ),
    messages=says(
        "{where}: time_taken {value} goes back by {back} from the row above. Did the camera's clock jump?",
        bad="one row is three hours before the row above",
        where="stations.csv row 6 (s-05)",
        value="2026-04-17T06:04:00Z",
        back="3.0 h",
    ),
)

T07 = TIMES.rule(
    "T07",
    "The times differ from station to station",
    why="Equal times are those of the export, not of the capture.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="gate",
    judges="times in UTC",
    messages=says(
        "{where}: all {count} stations carry the time {value}. Export the time of the capture, not of the export.",
        bad="one time in all rows",
        where="stations.csv",
        count="8",
        value="2026-04-17T09:30:00Z",
    ),
)

T08 = TIMES.rule(
    "T08",
    "The table's clock agrees with the pictures'",
    why="GPS time runs 18 s ahead of UTC.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="files",
    judges="times in UTC, and those that the cameras wrote",
    messages=says(
        "{where}: the times are {value} s ahead of the pictures' own. Is this GPS time? Then set time.base: gps_s.",
        bad="every time 18 s ahead of the EXIF time",
        where="stations.csv",
        value="18",
    ),
)


def span(given: CheckInput) -> Iterator[Group]:
    """Check T05 and T07: two campaigns, the time of the export."""
    table, settings = given.table, given.settings
    times = table.times.utc.dropna()
    times = times[(times >= EARLIEST) & (times <= datetime.now(UTC) + CLOCK_SKEW)]
    if len(times) < 2:
        return
    span = times.max() - times.min()
    file = table.stations.file
    if span > settings.max_span:
        days = f"{span.total_seconds() / 86400:.1f}"
        limit = f"{settings.max_span.total_seconds() / 86400:g}"
        yield FindingGroup([T05.finding(file, days, column="time_taken", limit=limit)])
    if len(times) >= _FEW and span.total_seconds() < 1:
        shown = times.iloc[0].strftime("%Y-%m-%dT%H:%M:%SZ")
        yield FindingGroup([T07.finding(file, shown, column="time_taken", count=len(times))])


def in_order(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check T06."""
    for result in results["T06"]:
        at = {int(row): place for place, row in enumerate(result.rows)}
        yield RowViolations(
            T06,
            given.table.stations,
            result.rows,
            column="time_taken",
            value=partial(shown_time, given.table),
            words=partial(lambda s, at, row: {"back": _duration(s[at[row]])}, result.details["seconds"], at),
        )


def ahead_of_pictures(ahead: Sequence[float], table: str) -> Iterator[Finding]:
    """Check T08: the table's times are ahead of the cameras' by the leap seconds of GPS, whatever the zone."""
    if len(ahead) < 3:
        return
    rest = [seconds % _QUARTER_HOUR for seconds in ahead]
    if abs(median(rest) - _GPS_AHEAD) <= 1 and max(rest) - min(rest) <= 4:
        yield T08.finding(table, f"{median(rest):.0f}", column="time_taken")


def _duration(seconds: float) -> str:
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _steps_back(times: NDArray[np.float64], tolerance: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows whose time (Unix seconds) is before the row above, and the seconds; none if most rows are so."""
    known = np.flatnonzero(np.isfinite(times))
    steps = np.diff(times[known])
    back = np.flatnonzero(steps < -tolerance)
    if len(back) > max(1, _MOST_BACK * len(steps)):
        return np.empty(0, dtype=np.int64), np.empty(0)
    return known[back + 1], -steps[back]
