"""Pose rules P04, P05, P12 and P13: valid rotations and scales, upright images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.poses import POSES
from capture360.checks.site_poses import site_poses
from capture360.checks.violations import FindingGroup, Group, Results, RowViolations, RuleResult, where
from capture360.geometry.rotation import tilts
from capture360.model import FARTHEST_M
from capture360.readers.columns import ROTATIONS
from capture360.readers.manifest_keys import works
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import Expect, says
from capture360.settings.checks import CheckSettings

if TYPE_CHECKING:
    import pandas as pd

_QUATERNION = ROTATIONS["quaternion"]
_UPRIGHT_DEG, _FALLEN_DEG = 15, 45
_SAME_SLOPE_DEG, _SHORTEST_RAMP_M = 5, 2
_OFF_SLOPE = 0.25
"""Largest distance of stations from a ramp, as a fraction of their distance from a level floor."""
_FEW = 3
_MOST = 0.8
_ORDERS = {"x, y, z, w": (3, 0, 1, 2), "w, x, y, z under qx, qy, qz, qw": (1, 2, 3, 0)}
"""Other orders of the numbers, and the places of w, x, y and z among those under qw, qx, qy and qz."""


def not_of_length_one(frame: pd.DataFrame, column_list: Sequence[str], tolerance: float) -> dict[str, Any]:
    """Find rows with a complete quaternion whose length differs from 1 by more than `tolerance`."""
    columns = frame[list(column_list)].to_numpy(dtype=np.float64)
    with np.errstate(over="ignore"):
        length = np.sqrt(np.einsum("ij,ij->i", columns, columns))
    return {"positions": where(np.abs(length - 1) > tolerance)}


P04 = POSES.rule(
    "P04",
    "Every quaternion has length 1",
    why="Another length is no rotation; a small error is a rounding and is put right.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    judges="quaternions as delivered, before they are scaled to length 1",
    frame="delivered",
    parameters=("quaternion_tolerance", "quaternion_repairable"),
    expectations=(
        Expect(
            "stations",
            "expect_quaternion_to_be_unit",
            {
                "column_list": ["qw", "qx", "qy", "qz"],
                "tolerance": {"$PARAMETER": "quaternion_tolerance"},
            },
            not_of_length_one,
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
    judges="rotations of the cube, after image_yaw_offset_deg and transform",
    frame="site",
    explains=("P13",),
    messages=says(
        "{where}: {value} of the images would be tilted by more than 45 degrees. {fix}",
        bad="x, y, z, w under the headings qw, qx, qy, qz",
        where="stations.csv",
        value="100 %",
        fix="With the order x, y, z, w they would stand upright: is that the order? Then correct the columns.",
    )
    | says(
        "{where}: {value} of the images would be tilted, and stand upright if the quaternions are in the order "
        "{order}. Put each number under its own name: qw holds the scalar part.",
        name="order",
        bad="x, y, z, w under the headings qw, qx, qy, qz, turned by less than 45 degrees",
        where="stations.csv",
        value="75 %",
        order="x, y, z, w",
    ),
)

P12 = POSES.rule(
    "P12",
    "Scales are 1",
    why="Viewers ignore a scale; zero is none.",
    disposition=Disposition.WARN,
    scope="station",
    stage="suite",
    judges="scales as delivered",
    frame="delivered",
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
            disposition=Disposition.QUARANTINE,
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
    judges="tilt of the cube, after transform",
    frame="site",
    parameters=("max_tilt_deg",),
    expectations=(
        Expect(
            "stations",
            "expect_column_values_to_be_between",
            {"column": "tilt", "min_value": 0, "max_value": {"$PARAMETER": "max_tilt_deg"}},
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

P14 = POSES.rule(
    "P14",
    "Positions are those of the cameras",
    why="Beside rotations from the world to the camera, x, y and z may be the shift of the same transform, or places.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="gate",
    judges="rotation.direction, and positions in metres",
    frame="site",
    messages=says(
        "{where}: rotation.direction is world_to_camera, so x, y and z are taken for the shift of that transform: the "
        "camera of {station} stands at {value}. If they are the places of the cameras, invert the rotations and write "
        "camera_to_world.",
        bad="rotation.direction: world_to_camera",
        where="stations.csv",
        station="s-01",
        value="-4.34, -2.49, -1.50",
    ),
)


def suite(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check P04, P12 and P13."""
    table = given.table
    for result in results["P04"]:
        # What no rotation can hold violates P01.
        numbers = np.column_stack([table.numbers[name].values[result.rows] for name in _QUATERNION])
        yield from _lengths(table, result.rows[(np.abs(numbers) <= FARTHEST_M).all(axis=1)], given.settings)
    for result in results["P12"]:
        yield from _scales(table, result)
    for result in results["P13"]:
        yield _tilted(table, result, given.settings)


def gate(given: CheckInput) -> Iterator[Group]:
    """Check P05 and P14."""
    table = given.table
    finding = _fallen(table)
    if finding:
        yield FindingGroup([finding])
    known = where(table.placed)
    if table.manifest.rotation.direction == "world_to_camera" and len(known):
        at = int(known[0])
        shown = ", ".join(f"{value:.2f}" for value in table.position[at])
        station = str(table.stations.frame["station_id"].iat[at])
        yield FindingGroup([replace(P14.finding(table.stations.file, shown, station=station), station=None)])


def _lengths(table: ParsedStations, rows: NDArray[np.int64], settings: CheckSettings) -> Iterator[RowViolations]:
    columns = np.column_stack([table.numbers[name].values for name in _QUATERNION])
    with np.errstate(over="ignore"):
        length = np.sqrt((columns**2).sum(axis=1))
    rows = rows[np.isfinite(columns[rows]).all(axis=1)]
    repairable = np.abs(length[rows] - 1) <= settings.quaternion_repairable

    def shown(at: int) -> str:
        return ", ".join(f"{value:g}" for value in columns[at])

    for message, chosen in (("repaired", rows[repairable]), ("", rows[~repairable])):
        if len(chosen):
            yield RowViolations(
                P04,
                table.stations,
                chosen,
                message,
                "qw",
                value=shown,
                words=lambda at: {"length": f"{length[at]:.4g}"},
                cause=" Are these really quaternions, w first?",
            )


def _scales(table: ParsedStations, result: RuleResult) -> Iterator[RowViolations]:
    column = str(result.kwargs["column"])
    values = table.numbers[column].values[result.rows]
    none = ~(values > 0)
    for message, rows in (("none", result.rows[none]), ("", result.rows[~none])):
        if len(rows):
            yield RowViolations(P12, table.stations, rows, message, column)


def _tilted(table: ParsedStations, result: RuleResult, settings: CheckSettings) -> RowViolations:
    degrees = tilts(table.rotation)
    limit = f"{settings.max_tilt_deg:g}"
    return RowViolations(
        P13,
        table.stations,
        result.rows,
        value=lambda at: f"{degrees[at]:.1f}",
        words=lambda _: {"limit": limit},
    )


def _fallen(table: ParsedStations) -> Finding | None:
    """Check whether most images are tilted, and suggest the convention that rights them."""
    known = tilts(table.rotation[~np.isnan(table.rotation).any(axis=1)])
    # Images turned by about 0 or 180 degrees stand upright in another order too, and that order leans the others about
    # the axis x alone, as a ramp does. So the order is in doubt only where most images lean or several lie, which none
    # does on a ramp; P13 warns of fewer.
    leaning = float((known > _UPRIGHT_DEG).mean()) if len(known) >= _FEW else 0.0
    if leaning <= 0.5 and int((known > _FALLEN_DEG).sum()) < 2:
        return None
    fitting, share = _fitting_order(table, _MOST if leaning > 0.5 else 1.0), float((known > _FALLEN_DEG).mean())
    if share >= _MOST:
        fix = "Export the rotations again."
        if works(table.manifest, "rotation.direction"):
            fix = "Check rotation.direction, frame.up and the order of the angles in capture.yaml."
        if fitting:
            then = "correct the columns" if works(table.manifest, "columns") else "export them so"
            fix = f"With the order {fitting} they would stand upright: is that the order? Then {then}."
        return P05.finding(table.stations.file, _percent(share), column="qw", fix=fix)
    if fitting and not _stands_on_a_ramp(table):
        return P05.finding(table.stations.file, _percent(leaning), message="order", column="qw", order=fitting)
    return None


def _stands_on_a_ramp(table: ParsedStations) -> bool:
    """Return whether leaning images stand on the slope that they lean with.

    Numbers in another order lean images of one heading as a ramp does, and never change their heights.
    """
    known = table.placed & ~np.isnan(table.rotation).any(axis=1)
    tilt = tilts(table.rotation)
    leaning = known & (tilt > _UPRIGHT_DEG)
    if not leaning.any() or (tilt[leaning] > _FALLEN_DEG).any():
        return False
    w, x, y, z = table.rotation[leaning].T
    up = np.column_stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x**2 + y**2)])
    slope = up.mean(axis=0) / np.linalg.norm(up.mean(axis=0))
    if not (up @ slope > np.cos(np.radians(_SAME_SLOPE_DEG))).all():
        return False
    downhill = slope[:2] / np.linalg.norm(slope[:2])
    places = table.position[leaning]
    along, off = np.ptp(places[:, :2] @ downhill), np.ptp(places @ slope)
    return along > _SHORTEST_RAMP_M and bool(off < _OFF_SLOPE * along * np.linalg.norm(slope[:2]))


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _fitting_order(table: ParsedStations, least: float) -> str:
    """Return the order of the numbers in which at least this share of images stands upright; empty if none does."""
    if table.manifest.rotation.kind != "quaternion":
        return ""
    for order, places in _ORDERS.items():
        swapped = {name: table.numbers[_QUATERNION[place]] for name, place in zip(_QUATERNION, places, strict=True)}
        turned = site_poses(table.manifest, {**table.numbers, **swapped})[1]
        known = tilts(turned[~np.isnan(turned).any(axis=1)])
        if len(known) and float((known < _UPRIGHT_DEG).mean()) >= least:
            return order
    return ""
