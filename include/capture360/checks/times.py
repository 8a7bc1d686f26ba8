"""Time rules (T): when stations were taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.text_columns import FORMS
from capture360.checks.violations import FindingGroup, Group, Results, RowViolations, RuleResult, where
from capture360.readers.manifest import MANIFEST
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import Expect, Family, says

if TYPE_CHECKING:
    import pandas as pd

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(hours=1)
_FEW = 3
_MOST_BACK = 0.05
_GPS_AHEAD = 18
_QUARTER_HOUR = 900


def times_that_go_back(frame: pd.DataFrame, time_column: str, tolerance_s: float) -> dict[str, Any]:
    """Find rows whose time is before that of the row above, unless most rows are so."""
    rows, seconds = _steps_back(frame[time_column].to_numpy(dtype=np.float64), tolerance_s)
    return {"positions": rows, "seconds": seconds}


TIMES = Family("T", "Times: when was it seen?")

T01 = TIMES.rule(
    "T01",
    "Every station has a time that can be read in the declared base",
    why="Captures are found by their date, and images sorted by it.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="times as delivered, in the stated base",
    messages={
        **says(
            '{where}: time_taken "{value}" is not {form}. {fix}',
            bad="31/04/2026",
            where="stations.csv row 3 (s-02)",
            value="31/04/2026",
            form="a date and time",
            fix="Write it as 2026-04-17T09:30:00Z.",
        ),
        **says(
            "{where}: time_taken is empty. Give the time of the capture.",
            name="empty",
            bad="an empty cell",
            where="stations.csv row 3 (s-02)",
        ),
    },
)

T02 = TIMES.rule(
    "T02",
    "The zone of every time is known",
    why="Without a zone a time is off by hours, and the capture date by a day.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="times as delivered",
    messages={
        **says(
            '{where}: time_taken "{value}" has no time zone. '
            'Add "Z" or "+02:00" to the times, or set time.base: local and time.zone in capture.yaml.',
            bad="2026-04-17T09:30:00 with base utc",
            where="stations.csv row 2 (s-01)",
            value="2026-04-17T09:30:00",
        ),
        **says(
            '{where}: time_taken "{value}" has a time zone, others have none ("{other}"). Write all alike.',
            name="mixed",
            bad="some times with Z, some without",
            where="stations.csv row 2 (s-01)",
            value="2026-04-17T09:30:00Z",
            other="2026-04-17T09:31:00",
        ),
    },
)

T03 = TIMES.rule(
    "T03",
    "A local time happens once",
    why="The hour that a switch of summer time repeats or skips is ambiguous.",
    disposition=Disposition.WARN,
    scope="station",
    stage="gate",
    judges="local times, before they are turned to UTC",
    messages=says(
        '{where}: "{value}" falls into the hour that the switch of summer time in {zone} repeats or skips; '
        "the earlier one was taken. Deliver times in UTC.",
        bad="02:30 on the night of the switch",
        where="stations.csv row 3 (s-02)",
        value="2025-10-26T02:30:00",
        zone="Europe/Oslo",
    ),
)

T04 = TIMES.rule(
    "T04",
    "No image is from before 2000 or from the future",
    why="A camera whose clock was not set puts images into a wrong campaign.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    judges="times in UTC, clock_offset_s added",
    expectations=(
        Expect(
            "stations",
            "expect_column_values_to_be_between",
            {
                "column": "unix_time",
                "min_value": {"$PARAMETER": "earliest_time"},
                "max_value": {"$PARAMETER": "latest_time"},
            },
        ),
    ),
    messages={
        **says(
            "{where}: taken {value}, which cannot be. Was the camera's clock set? Correct time_taken, or give "
            "time.clock_offset_s in capture.yaml.",
            bad="1970-01-01",
            where="stations.csv row 3 (s-02)",
            value="1970-01-01T00:00:00Z",
        ),
        **says(
            "{where}: taken {value}, which cannot be. time.clock_offset_s ({offset} s) was added. Correct "
            "time_taken, or the offset in capture.yaml.",
            name="offset",
            bad="1970-01-01 and time.clock_offset_s: 3600",
            where="stations.csv row 3 (s-02)",
            value="1970-01-01T01:00:00Z",
            offset="3600",
        ),
    },
)

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


def limits() -> dict[str, float]:
    """Return the parameters of T04 in Unix seconds."""
    return {"earliest_time": _EARLIEST.timestamp(), "latest_time": (datetime.now(UTC) + _CLOCK_SKEW).timestamp()}


def readable(given: CheckInput) -> Iterator[Group]:
    """Check T01 and T02: times are readable, and their zone is known."""
    table = given.table
    text: pd.Series[Any] = table.stations.frame["time_taken"]
    found, base = table.times, table.manifest.time.base
    form, fix = FORMS[base]
    if found.wrong.any():
        yield RowViolations(
            T01,
            table.stations,
            where(found.wrong),
            column="time_taken",
            words=lambda at: {"form": form, "fix": fix},
            cause=f" time.base in {MANIFEST} is {base}; is that so?",
        )
    empty = (text == "").to_numpy()
    if empty.any():
        yield RowViolations(T01, table.stations, where(empty), "empty", "time_taken")
    if found.unzoned.any() and found.zoned.any():
        first = str(text.iat[int(where(found.unzoned)[0])])
        positions = where(found.zoned & ~found.wrong)[:1]
        yield RowViolations(T02, table.stations, positions, "mixed", "time_taken", words=lambda at: {"other": first})
    elif found.unzoned.any():
        yield RowViolations(T02, table.stations, where(found.unzoned)[:1], column="time_taken")


def dates(given: CheckInput) -> Iterator[Group]:
    """Check T03, T05 and T07: ambiguous hours, two campaigns, the time of the export."""
    table, settings = given.table, given.settings
    unclear = where(table.times.unclear)
    if len(unclear):
        zone = table.manifest.time.zone
        yield RowViolations(T03, table.stations, unclear, column="time_taken", words=lambda at: {"zone": zone})
    times = table.times.utc.dropna()
    times = times[(times >= _EARLIEST) & (times <= datetime.now(UTC) + _CLOCK_SKEW)]
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


def possible(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check T04."""
    yield from (_impossible(given.table, result) for result in results["T04"])


def in_order(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check T06."""
    for result in results["T06"]:
        at = {int(row): place for place, row in enumerate(result.rows)}
        yield RowViolations(
            T06,
            given.table.stations,
            result.rows,
            column="time_taken",
            value=partial(_time, given.table),
            words=partial(lambda s, at, row: {"back": _duration(s[at[row]])}, result.details["seconds"], at),
        )


def ahead_of_pictures(ahead: Sequence[float], table: str) -> Iterator[Finding]:
    """Check T08: the table's times are ahead of the cameras' by the leap seconds of GPS, whatever the zone."""
    if len(ahead) < 3:
        return
    rest = [seconds % _QUARTER_HOUR for seconds in ahead]
    if abs(median(rest) - _GPS_AHEAD) <= 1 and max(rest) - min(rest) <= 4:
        yield T08.finding(table, f"{median(rest):.0f}", column="time_taken")


def _impossible(table: ParsedStations, result: RuleResult) -> RowViolations:
    offset = table.manifest.time.clock_offset_s
    return RowViolations(
        T04,
        table.stations,
        result.rows,
        "offset" if offset else "",
        "time_taken",
        value=partial(_time, table),
        words=lambda at: {"offset": f"{offset:g}"} if offset else {},
    )


def _time(table: ParsedStations, at: int) -> str:
    moment: Any = table.times.utc.iat[at]
    return f"{moment.to_pydatetime().replace(tzinfo=None).isoformat(timespec='seconds')}Z"


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
