"""Time rules T01 to T04: the time of each station."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.text_columns import FORMS, is_clamped, parse_numbers
from capture360.checks.time_hints import base_question, excel_question, fix_of
from capture360.checks.violations import Group, Results, RowViolations, RuleResult, where
from capture360.model import CaptureKind
from capture360.readers.manifest import MANIFEST
from capture360.readers.manifest_keys import works
from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, Family, says

if TYPE_CHECKING:
    import pandas as pd

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(hours=1)


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
        **says(
            "{where}: the scan states no time of its acquisition that can be read. Export it with times.",
            name="scan",
            bad="an E57 file whose images have no acquisitionDateTime",
            where="scan.e57#0",
        ),
        **says(
            '{where}: time_taken "{value}" is a date without a time of day; midnight was taken. Give the time too.',
            name="day",
            disposition=Disposition.WARN,
            bad="2026-04-17 with time.base: local",
            where="stations.csv row 3 (s-02)",
            value="2026-04-17",
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
            '{where}: time_taken "{value}" has no time zone, others have one ("{other}"). Write all alike.',
            name="mixed",
            disposition=Disposition.QUARANTINE,
            bad="some times with Z, some without",
            where="stations.csv row 3 (s-02)",
            value="2026-04-17T09:31:00",
            other="2026-04-17T09:30:00Z",
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
    messages={
        **says(
            '{where}: "{value}" falls into the hour that the switch of summer time in {zone} repeats; '
            "the earlier one was taken. Deliver times in UTC.",
            bad="02:30 on the night of the switch in autumn",
            where="stations.csv row 3 (s-02)",
            value="2025-10-26T02:30:00",
            zone="Europe/Oslo",
        ),
        **says(
            '{where}: "{value}" is skipped by the switch of summer time in {zone}, so no clock there showed it; it was '
            "taken by the clock before the switch, as {taken}. Deliver times in UTC.",
            name="skipped",
            bad="02:30 on the night of the switch in spring",
            where="stations.csv row 3 (s-02)",
            value="2026-03-29T02:30:00",
            zone="Europe/Oslo",
            taken="2026-03-29T01:30:00Z",
        ),
    },
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


def limits() -> dict[str, float]:
    """Return the parameters of T04 in Unix seconds."""
    return {"earliest_time": EARLIEST.timestamp(), "latest_time": (datetime.now(UTC) + CLOCK_SKEW).timestamp()}


def readable(given: CheckInput) -> Iterator[Group]:
    """Check T01 and T02: times are readable, and their zone is known."""
    table = given.table
    text: pd.Series[Any] = table.stations.frame["time_taken"]
    found, base = table.times, table.manifest.time.base
    form, is_fixed = FORMS[base][0], not works(table.manifest, "time.base")
    if found.wrong.any():
        yield RowViolations(
            T01,
            table.stations,
            where(found.wrong),
            column="time_taken",
            words=lambda at: {"form": form, "fix": fix_of(str(text.iat[at]), base, is_fixed=is_fixed)},
            cause=f" time.base in {MANIFEST} is {base}; is that so?",
        )
    empty = (text == "").to_numpy()
    if empty.any():
        message = "scan" if table.manifest.kind is CaptureKind.E57 else "empty"
        yield RowViolations(T01, table.stations, where(empty), message, "time_taken")
    zoned, unzoned = where(found.zoned & ~found.wrong), where(found.unzoned)
    if len(unzoned) and len(zoned):
        other = str(text.iat[int(zoned[0])])
        yield RowViolations(T02, table.stations, unzoned, "mixed", "time_taken", words=lambda _: {"other": other})
    elif len(unzoned):
        yield RowViolations(T02, table.stations, unzoned[:1], column="time_taken")
    elif found.days.any():
        yield RowViolations(T01, table.stations, where(found.days), "day", "time_taken")


def ambiguous(given: CheckInput) -> Iterator[Group]:
    """Check T03: local times that happen twice or never."""
    table = given.table
    skipped, zone = table.times.skipped, table.manifest.time.zone
    for message, rows in (("", where(table.times.unclear & ~skipped)), ("skipped", where(skipped))):
        if len(rows):
            yield RowViolations(
                T03,
                table.stations,
                rows,
                message,
                "time_taken",
                words=lambda at: {"zone": zone, "taken": shown_time(table, at)},
            )


def possible(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check T04."""
    yield from (_impossible(given.table, result) for result in results["T04"])


def _impossible(table: ParsedStations, result: RuleResult) -> RowViolations:
    offset = table.manifest.time.clock_offset_s
    return RowViolations(
        T04,
        table.stations,
        result.rows,
        "offset" if offset else "",
        "time_taken",
        value=partial(shown_time, table),
        words=lambda _: {"offset": f"{offset:g}"} if offset else {},
        cause=_other_base(table),
    )


def _other_base(table: ParsedStations) -> str:
    """Word a question whether the numbers are of another time base; empty if they are not numbers, or of none."""
    base = table.manifest.time.base
    if base in ("utc", "local"):
        return ""
    numbers = parse_numbers(table.stations.frame["time_taken"]).values
    numbers = numbers[np.isfinite(numbers)]
    middle = float(np.median(numbers)) if len(numbers) else 0.0
    question = excel_question(middle, base) or base_question(middle, base)
    return f" {question}" if question else ""


def shown_time(table: ParsedStations, at: int) -> str:
    """Return the time of a row in UTC, to the second; the cell where that is beyond all years."""
    moment: Any = table.times.utc.iat[at]
    if is_clamped(moment):
        return str(table.stations.frame["time_taken"].iat[at])
    return f"{moment.to_pydatetime().replace(tzinfo=None).isoformat(timespec='seconds')}Z"
