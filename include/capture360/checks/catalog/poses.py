"""P: is every station where it says it is, and turned as it says?"""

from __future__ import annotations

from capture360.model import FARTHEST_M
from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, Family, says

POSES = Family("P", "Poses: is every station where it says, turned as it says?")

P01 = POSES.rule(
    "P01",
    "Every position and rotation is given and finite",
    why="An image without a place makes the viewer refuse the whole collection.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    expectations=(
        *(
            Expect("stations", "expect_column_values_to_not_be_null", {"column": column})
            for column in ("x", "y", "z", "rotation")
        ),
        *(
            Expect(
                "stations",
                "expect_column_values_to_be_between",
                {"column": column, "min_value": -FARTHEST_M, "max_value": FARTHEST_M},
            )
            for column in ("x", "y", "z")
        ),
    ),
    messages={
        **says(
            "{where}: {column} is empty. Export the pose of this station, or remove the row.",
            bad="an empty cell",
            where="stations.csv row 3 (s-02)",
            column="z",
        ),
        **says(
            '{where}: {column} "{value}" is too large to be a coordinate. Export the pose of this station again.',
            name="infinite",
            bad="inf, or 1e400",
            where="stations.csv row 3 (s-02)",
            column="x",
            value="1e400",
        ),
        **says(
            "{where}: {value} m in the site frame is too far away to be a place. "
            "Correct frame.unit or frame.transform in capture.yaml, or the pose.",
            name="far",
            bad="x = 4 with frame.transform: {origin_offset: [1e15, 0, 0]}",
            where="stations.csv row 3 (s-02)",
            value="-1e+15, 4, 1.5",
        ),
        **says(
            "{where}: {value} is no rotation. Export the pose of this station again.",
            name="rotation",
            bad="a matrix whose rows are equal",
            where="stations.csv row 3 (s-02)",
            value="1, 0, 0, 1, 0, 0, 1, 0, 0",
        ),
    },
)

P02 = POSES.rule(
    "P02",
    "Every position lies within the site",
    why="A station outside the site is a lost or foreign pose.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    parameters=("bounds",),
    expectations=tuple(
        Expect(
            "stations",
            "expect_column_values_to_be_between",
            {
                "column": axis,
                "min_value": {"$PARAMETER": f"minimum_{axis}"},
                "max_value": {"$PARAMETER": f"maximum_{axis}"},
            },
        )
        for axis in ("x", "y", "z")
    ),
    messages=says(
        "{where}: {column} = {metres} m in the site frame lies outside the site ({low} to {high}). "
        "Correct the pose, the unit or frame.transform.",
        bad="x = 9999 on a site of 200 m",
        where="stations.csv row 3 (s-02)",
        column="x",
        metres="9999",
        low="0",
        high="200",
    ),
)

P03 = POSES.rule(
    "P03",
    "Unit and axes fit the site",
    why="Millimetres taken for metres put a hall on another continent.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    parameters=("bounds",),
    explains=("P02", "P08", "P09", "P11", "I05"),
    messages={
        **says(
            "{where}: the stations span {value} m, the site {site} m. Are these {unit}? "
            "Then set frame.unit: {short} in capture.yaml.",
            bad="millimetres, the manifest says m",
            where="stations.csv",
            value="28,000",
            site="200",
            unit="millimetres",
            short="mm",
        ),
        **says(
            "{where}: the stations lie {value} m apart, which is no capture of a building. Are these {unit}? "
            "Then set frame.unit: {short} in capture.yaml.",
            name="spacing",
            bad="millimetres, and no bounds in the register",
            where="stations.csv",
            value="4,000",
            unit="millimetres",
            short="mm",
        ),
        **says(
            "{where}: the stations lie {value} m apart in the site frame, which is no capture of a building. "
            "Correct frame.unit (now {unit}) or frame.transform in capture.yaml.",
            name="stated",
            bad="frame.transform with scale: 1000",
            where="stations.csv",
            value="4,000",
            unit="m",
        ),
        **says(
            "{where}: {value} of the stations lie outside the site as they are, but inside with {axes} swapped. {mend}",
            name="axes",
            bad="y and z swapped",
            where="stations.csv",
            value="100 %",
            axes="y and z",
            mend="Rename the columns, or state frame.up.",
        ),
        **says(
            "{where}: x and y look like degrees of longitude and latitude ({value}). "
            "Deliver metres, in a projected or local frame.",
            name="degrees",
            bad="x = 10.7461, y = 59.9127",
            where="stations.csv",
            value="10.746102, 59.9127",
        ),
    },
)

P04 = POSES.rule(
    "P04",
    "Every quaternion has length 1",
    why="Another length is no rotation; a small error is a rounding and is put right.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    parameters=("quaternion_tolerance", "quaternion_repairable"),
    expectations=(
        Expect(
            "stations",
            "expect_quaternion_to_be_unit",
            {
                "column_list": ["qw", "qx", "qy", "qz"],
                "tolerance": {"$PARAMETER": "quaternion_tolerance"},
                "ignore_row_if": "any_value_is_missing",
            },
        ),
    ),
    messages={
        **says(
            "{where}: the quaternion {value} has length {length}, must be 1. Export the pose of this station again.",
            bad="(0.5, 1, 0, 0)",
            where="stations.csv row 3 (s-02)",
            value="0.5, 1, 0, 0",
            length="1.118",
        ),
        **says(
            "{where}: the quaternion {value} has length {length}; it was brought to 1.",
            name="repaired",
            disposition=Disposition.NOTE,
            bad="(0.995, 0, 0, 0)",
            where="stations.csv row 3 (s-02)",
            value="0.995, 0, 0, 0",
            length="0.995",
        ),
    },
)

P05 = POSES.rule(
    "P05",
    "Most images stand upright",
    why="A quaternion read in the wrong order tilts every image.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    explains=("P13",),
    messages=says(
        "{where}: {value} of the images would be tilted by more than 45 degrees. {mend}",
        bad="x, y, z, w under the headings qw, qx, qy, qz",
        where="stations.csv",
        value="100 %",
        mend="With the order x, y, z, w they would stand upright: is that the order? Then correct the columns.",
    ),
)

P06 = POSES.rule(
    "P06",
    "Angles that are called radians are radians",
    why="Degrees taken for radians turn every image by chance.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    explains=("P05", "P13"),
    messages=says(
        "{where}: {column} goes up to {value}, which is more than a turn in radians. "
        "Are these degrees? Then set rotation.kind: euler_deg in capture.yaml.",
        bad="ez = 180 with rotation.kind: euler_rad",
        where="stations.csv",
        column="ez",
        value="180",
    ),
)

P07 = POSES.rule(
    "P07",
    "Heading, pitch and roll lie in their ranges",
    why="A pitch of 120 degrees does not exist.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    expectations=tuple(
        Expect("stations", "expect_column_values_to_be_between", {"column": name, "min_value": low, "max_value": high})
        for name, low, high in (("heading", 0, 360), ("pitch", -90, 90), ("roll", -180, 180))
    ),
    messages=says(
        "{where}: {column} is {value} degrees, allowed are {low} to {high}. Correct the export.",
        bad="a pitch of 120 degrees",
        where="stations.csv row 3 (s-02)",
        column="pitch",
        value="120",
        low="-90",
        high="90",
    ),
)

P08 = POSES.rule(
    "P08",
    "No two stations are in the same place",
    why="A double capture shows one place twice.",
    disposition=Disposition.WARN,
    scope="station",
    stage="suite",
    parameters=("duplicate_distance_m",),
    expectations=(
        Expect(
            "stations",
            "expect_stations_to_be_apart",
            {"column_list": ["x", "y", "z"], "distance": {"$PARAMETER": "duplicate_distance"}},
        ),
    ),
    messages=says(
        "{where} is {value} m from {other}. A double capture? Then remove one of them.",
        bad="two stations 1 cm apart",
        where="stations.csv row 4 (s-03)",
        value="0.010",
        other="s-02",
    ),
)

P09 = POSES.rule(
    "P09",
    "No station is far away from all others",
    why="One lost pose stretches the whole capture.",
    disposition=Disposition.WARN,
    scope="station",
    stage="suite",
    parameters=("outlier_distance_m",),
    expectations=(
        Expect(
            "stations",
            "expect_stations_to_have_neighbours",
            {"column_list": ["x", "y", "z"], "distance": {"$PARAMETER": "outlier_distance"}},
        ),
    ),
    messages=says(
        "{where} lies {value} m from its nearest neighbour, typical are {typical} m. Is its pose right?",
        bad="one station 412 m away",
        where="stations.csv row 9 (s-08)",
        value="412",
        typical="4.1",
    ),
)

P10 = POSES.rule(
    "P10",
    "The poses differ from station to station",
    why="Equal poses mean that none were exported.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    explains=("P02", "P08"),
    messages={
        **says(
            "{where}: all {count} stations have the position {value}. Export the poses from the scanner software.",
            bad="x, y and z are 0 in all rows",
            where="stations.csv",
            count="3",
            value="0, 0, 0",
        ),
        **says(
            "{where}: all {count} stations have the position {value} in the site frame, though they were delivered "
            "apart. Correct frame.unit (now {unit}) or frame.transform in capture.yaml.",
            name="collapsed",
            bad="frame.transform with scale: 1e-9",
            where="stations.csv",
            count="3",
            value="4e-09, 2e-09, 1.5e-09",
            unit="m",
        ),
        **says(
            "{where}: all {count} stations have the same rotation. Right if the faces were cut along the site's "
            "axes; else export the rotations too.",
            name="turned",
            disposition=Disposition.WARN,
            bad="qw is 1 in all rows, qx, qy and qz are 0",
            where="stations.csv",
            count="3",
        ),
    },
)

P11 = POSES.rule(
    "P11",
    "Map coordinates come with the way to the site frame",
    why="Far from the origin a viewer shows positions in steps of decimetres.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    explains=("P02", "P09"),
    messages={
        **says(
            "{where}: coordinates such as {value} look like a map grid. "
            "Give frame.transform in capture.yaml, from the grid to the site frame.",
            bad="x = 501148, y = 4683829",
            where="stations.csv",
            value="501148, 4683829",
        ),
        **says(
            "{where}: coordinates such as {value} look like a map grid, frame.transform applied. "
            "Correct frame.transform in capture.yaml: from the grid to the site frame.",
            name="transformed",
            bad="x = 501148, y = 4683829 with a transform that turns them only",
            where="stations.csv",
            value="-4683829, 501148",
        ),
        **says(
            '{where}: frame.name is "{value}", the site has the frame "{site}". Give frame.transform from the one '
            "to the other, or name the site's frame.",
            name="frame",
            bad="frame.name: EPSG:25832 without a transform",
            where="capture.yaml",
            value="EPSG:25832",
            site="site",
        ),
    },
)

P12 = POSES.rule(
    "P12",
    "Scales are 1",
    why="Viewers ignore a scale; zero is none.",
    disposition=Disposition.WARN,
    scope="station",
    stage="suite",
    expectations=tuple(
        Expect("stations", "expect_column_values_to_be_in_set", {"column": name, "value_set": [1]})
        for name in ("scale_x", "scale_y", "scale_z")
    ),
    messages={
        **says(
            "{where}: {column} is {value}; viewers ignore a scale. Remove the column.",
            bad="scale_x = 2",
            where="stations.csv row 3 (s-02)",
            column="scale_x",
            value="2",
        ),
        **says(
            "{where}: {column} is {value}, which no scale can be. Remove the column.",
            name="none",
            disposition=Disposition.STOP,
            bad="scale_x = 0",
            where="stations.csv row 3 (s-02)",
            column="scale_x",
            value="0",
        ),
    },
)

P13 = POSES.rule(
    "P13",
    "The camera stood upright",
    why="A leaning pole is corrected by the pose, but seldom meant.",
    disposition=Disposition.WARN,
    scope="station",
    stage="suite",
    parameters=("max_tilt_deg",),
    expectations=(
        Expect(
            "stations",
            "expect_column_values_to_be_between",
            {"column": "tilt", "min_value": 0, "max_value": {"$PARAMETER": "max_tilt"}},
        ),
    ),
    messages=says(
        "{where} is tilted by {value} degrees, more than {limit}. Was the camera leaning? If not, check the rotation.",
        bad="a leaning pole",
        where="stations.csv row 3 (s-02)",
        value="20.0",
        limit="10",
    ),
)
