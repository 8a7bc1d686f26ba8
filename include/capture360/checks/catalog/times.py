"""T: when was it seen?"""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, Family, says

TIMES = Family("T", "Times: when was it seen?")

T01 = TIMES.rule(
    "T01",
    "Every station has a time that can be read in the declared base",
    why="Captures are found by their date, and images sorted by it.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    messages={
        **says(
            '{where}: time_taken "{value}" is not {form}. {mend}',
            bad="31/04/2026",
            where="stations.csv row 3 (s-02)",
            value="31/04/2026",
            form="a date and time",
            mend="Write it as 2026-04-17T09:30:00Z.",
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
    expectations=(Expect("stations", "expect_times_to_go_forward", {"time_column": "unix_time", "tolerance_s": 1.0}),),
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
    messages=says(
        "{where}: the times are {value} s ahead of the pictures' own. Is this GPS time? Then set time.base: gps_s.",
        bad="every time 18 s ahead of the EXIF time",
        where="stations.csv",
        value="18",
    ),
)
