"""Pose rules P01 and P02: every station has a position within the site, and a rotation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.site_poses import delivered_metres, in_other_units
from capture360.checks.violations import Group, Results, RowViolations, RuleResult, where
from capture360.model import FARTHEST_M
from capture360.readers.columns import POSITION, ROTATIONS
from capture360.readers.manifest_keys import unit_fix, works
from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, Family, says
from capture360.settings.checks import CheckSettings

_FROM_PICTURES = ROTATIONS["heading_pitch_roll_deg"]
_UNITS = ((1e-3, "millimetres", "mm"), (1e-2, "centimetres", "cm"), (0.3048, "feet", "ft"))

POSES = Family("P", "Poses: is every station where it says, turned as it says?")

P01 = POSES.rule(
    "P01",
    "Every position and rotation is given and finite",
    why="An image without a place makes the viewer refuse the whole collection.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    judges="positions after unit, up axis and transform; rotations of the cube",
    frame="site",
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
            "{where}: {columns} are all empty. Export the pose of this station, or remove the row.",
            name="pose",
            bad="a row of totals",
            where="stations.csv row 3 (s-02)",
            columns="x, y, z, qw, qx, qy, qz",
        ),
        **says(
            '{where}: {column} is "{value}", no number. Export the pose of this station, or remove the row.',
            name="nan",
            bad="NaN",
            where="stations.csv row 3 (s-02)",
            column="z",
            value="NaN",
        ),
        **says(
            '{where}: {column} "{value}" is too large for a pose. Export the pose of this station again.',
            name="infinite",
            bad="inf, or 1e400",
            where="stations.csv row 3 (s-02)",
            column="x",
            value="1e400",
        ),
        **says(
            "{where}: {value} m in the site frame is too far away to be a place. "
            "Correct {keys} in capture.yaml, or the pose.",
            name="far",
            keys="frame.unit or frame.transform",
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
    judges="positions in metres",
    frame="site",
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


def places(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check P01 for positions. A transform mixes the axes, so the faulty cells may be of another axis."""
    table = given.table
    rows = [result.rows for result in results["P01"] if result.kwargs["column"] in POSITION]
    left = np.zeros(len(table), dtype=bool)
    left[np.concatenate([*rows, np.empty(0, dtype=np.int64)])] = True
    bad = where(left)
    metres = delivered_metres(table.manifest, table.numbers)
    yield from _without_pose(table)
    for place, name in enumerate(POSITION):
        yield from _empty(table, bad, name)
        infinite = np.abs(metres[:, place]) > FARTHEST_M
        if infinite[bad].any():
            yield RowViolations(P01, table.stations, bad[infinite[bad]], "infinite", name)
        left &= ~infinite & ~np.isnan(metres[:, place])
    # Without a rotation a place seen from the camera is unknown; the finding is that of the rotation.
    left &= ~np.isnan(table.rotation).any(axis=1)
    yield from _too_far(table, where(left))


def suite(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check P01 for rotations, and P02."""
    for result in results["P01"]:
        if result.kwargs["column"] == "rotation":
            yield from _unturned(given.table, result.rows)
    for result in results["P02"]:
        yield from _outside(given.table, result, given.settings)


def _unturned(table: ParsedStations, rows: NDArray[np.int64]) -> Iterator[RowViolations]:
    """Check P01 for rotations; a quaternion whose length is not 1 violates P04."""
    columns = ROTATIONS[table.manifest.rotation.kind]
    left = np.ones(len(table), dtype=bool)
    for name in columns:
        yield from _empty(table, rows, name)
        values = table.numbers[name].values
        infinite = np.abs(values) > FARTHEST_M
        if infinite[rows].any():
            yield RowViolations(P01, table.stations, rows[infinite[rows]], "infinite", name)
        left &= ~infinite & ~np.isnan(values)

    def shown(at: int) -> str:
        return ", ".join(f"{table.numbers[name].values[at]:g}" for name in columns)

    rows = rows[left[rows]]
    if len(rows) and table.manifest.rotation.kind != "quaternion":
        yield RowViolations(P01, table.stations, rows, "rotation", columns[0], value=shown)


def _bare(table: ParsedStations) -> NDArray[np.bool_]:
    """Mask of stations of whose pose nothing is given."""
    columns = (*POSITION, *ROTATIONS[table.manifest.rotation.kind])
    frame = table.stations.frame
    bare: NDArray[np.bool_] = np.logical_and.reduce([(frame[name] == "").to_numpy() for name in columns])
    return bare


def _without_pose(table: ParsedStations) -> Iterator[RowViolations]:
    columns = ", ".join((*POSITION, *ROTATIONS[table.manifest.rotation.kind]))
    rows = where(_bare(table) & ~_named_by(table, "S15"))
    if len(rows):
        yield RowViolations(P01, table.stations, rows, "pose", POSITION[0], words=lambda _: {"columns": columns})


def _named_by(table: ParsedStations, rule: str) -> NDArray[np.bool_]:
    """Mask of stations about which the reader has a finding of this rule."""
    named = {finding.station for finding in table.tables.findings if finding.rule == rule}
    return table.stations.frame["station_id"].isin(named).to_numpy(dtype=bool)


def _empty(table: ParsedStations, rows: NDArray[np.int64], column: str) -> Iterator[RowViolations]:
    numbers = table.numbers[column]
    rows = rows[np.isnan(numbers.values[rows]) & ~numbers.wrong[rows]]
    if not len(rows):
        return
    # Of an angle that a picture does not give, the finding of the picture says why.
    said = _bare(table) | (column in _FROM_PICTURES and _named_by(table, "S14"))
    rows = rows[~said[rows]]
    if not len(rows):
        return
    is_empty = (table.stations.frame[column].iloc[rows] == "").to_numpy()
    if is_empty.any():
        yield RowViolations(P01, table.stations, rows[is_empty], column=column)
    if not is_empty.all():
        yield RowViolations(P01, table.stations, rows[~is_empty], "nan", column)


def _too_far(table: ParsedStations, rows: NDArray[np.int64]) -> Iterator[RowViolations]:
    def shown(at: int) -> str:
        return ", ".join(f"{value:g}" for value in table.position[at])

    if len(rows):
        manifest = table.manifest
        cause = " Is frame.unit right?" if works(manifest, "frame.unit") else ""
        cause = " Is frame.transform right?" if manifest.frame.transform else cause
        words = {"keys": "frame.unit or frame.transform" if works(manifest, "frame.unit") else "frame.transform"}
        yield RowViolations(P01, table.stations, rows, "far", "x", value=shown, words=lambda _: words, cause=cause)


def _outside(table: ParsedStations, result: RuleResult, settings: CheckSettings) -> Iterator[RowViolations]:
    assert settings.bounds is not None
    axis = str(result.kwargs["column"])
    place = POSITION.index(axis)
    low, high = settings.bounds.minimum[place], settings.bounds.maximum[place]
    metres = table.position[:, place]
    rows = result.rows[table.placed[result.rows]]
    if len(rows):
        yield RowViolations(
            P02,
            table.stations,
            rows,
            column=axis,
            words=lambda at: {"metres": f"{metres[at]:g}", "low": f"{low:g}", "high": f"{high:g}"},
            cause=_unit_guess(table, settings),
        )


def _unit_guess(table: ParsedStations, settings: CheckSettings) -> str:
    """Word a question about frame.unit if most stations would lie within the site in another unit; empty otherwise."""
    assert settings.bounds is not None
    if table.manifest.frame.unit != "m":
        return " Is frame.unit right?"
    if not unit_fix(table.manifest, "mm"):
        return ""
    known = table.position[table.placed]
    for factor, name, unit in _UNITS:
        metres = in_other_units(table.manifest, known, factor)
        inside = (metres >= settings.bounds.minimum).all(axis=1) & (metres <= settings.bounds.maximum).all(axis=1)
        if inside.size and inside.mean() > 0.8:
            return f" Are these {name}? Then set {unit_fix(table.manifest, unit)}."
    return ""
