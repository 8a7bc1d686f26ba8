"""Pose rules P06 and P07: angles of the stated unit, within their ranges."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.poses import POSES
from capture360.checks.violations import FindingGroup, Group, Results, RowViolations, RuleResult
from capture360.readers.columns import ROTATIONS
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import Expect, says

_FEW = 3
_MOST = 0.8
_TURN = 2 * np.pi + 0.01

P06 = POSES.rule(
    "P06",
    "Angles that are called radians are radians",
    why="Degrees taken for radians turn every image by chance.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="angles as delivered",
    frame="delivered",
    explains=("P05", "P13"),
    messages=says(
        "{where}: {column} goes up to {value}, which is more than a turn in radians. "
        "Are these degrees? Then set rotation.kind: euler_deg in capture.yaml.",
        bad="ez = 180 with rotation.kind: euler_rad",
        where="stations.csv",
        column="ez",
        value="180",
    )
    | says(
        "{where}: {column} goes up to {value} degrees, more than a turn. Are these gon, 400 to a turn? Then export "
        "degrees.",
        name="gon",
        disposition=Disposition.WARN,
        bad="ez = 390 with rotation.kind: euler_deg",
        where="stations.csv",
        column="ez",
        value="390",
    )
    | says(
        "{where}: {column} goes from {low} to {value} degrees, all within one turn of radians. Are these radians? Then "
        "export degrees, or set rotation.kind: euler_rad for angles ex, ey, ez.",
        name="degrees",
        disposition=Disposition.WARN,
        bad="headings of 0.1, 1.2, 3.1 and 6.1",
        where="stations.csv",
        column="ez",
        low="0.7",
        value="5.6",
    ),
)

P07 = POSES.rule(
    "P07",
    "Heading, pitch and roll lie in their ranges",
    why="A pitch of 120 degrees does not exist.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    judges="angles as delivered",
    frame="delivered",
    expectations=tuple(
        Expect("stations", "expect_column_values_to_be_between", {"column": name, "min_value": low, "max_value": high})
        for name, low, high in (("heading", -180, 360), ("pitch", -90, 90), ("roll", -180, 180))
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


def gate(given: CheckInput) -> Iterator[Group]:
    """Check P06."""
    finding = _radians(given.table)
    if finding:
        yield FindingGroup([finding])


def suite(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check P07."""
    for result in results["P07"]:
        yield _out_of_range(given.table, result)


def _radians(table: ParsedStations) -> Finding | None:
    """Check angles for another unit than the stated one: degrees, radians, gon."""
    if table.manifest.rotation.kind in ("euler_deg", "heading_pitch_roll_deg"):
        return _degrees(table)
    if table.manifest.rotation.kind != "euler_rad":
        return None
    for name in ROTATIONS["euler_rad"]:
        angles = np.abs(table.numbers[name].values)
        angles = angles[np.isfinite(angles)]
        if len(angles) and angles.max() > _TURN:
            return P06.finding(table.stations.file, f"{angles.max():g}", column=name)
    return None


def _degrees(table: ParsedStations) -> Finding | None:
    """Ask whether angles that turn by less than a turn of radians, or by a turn of gon, are degrees."""
    file = table.stations.file
    for name in ROTATIONS[table.manifest.rotation.kind]:
        angles = table.numbers[name].values
        angles = angles[np.isfinite(angles)]
        if not len(angles):
            continue
        low, high = float(angles.min()), float(angles.max())
        if name != "heading" and low >= 0 and 360 < high <= 400:
            return P06.finding(file, f"{high:g}", message="gon", column=name)
        fractions = float((angles != np.round(angles)).mean())
        if len(angles) > _FEW and np.pi < high - low < _TURN and np.abs(angles).max() < _TURN and fractions > _MOST:
            return P06.finding(file, f"{high:g}", message="degrees", column=name, low=f"{low:g}")
    return None


def _out_of_range(table: ParsedStations, result: RuleResult) -> RowViolations:
    limits = {"low": result.kwargs["min_value"], "high": result.kwargs["max_value"]}
    return RowViolations(P07, table.stations, result.rows, column=str(result.kwargs["column"]), words=lambda _: limits)
