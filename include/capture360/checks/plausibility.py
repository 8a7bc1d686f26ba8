"""Pose rules P03, P10 and P11, over all rows: poses that were not exported, a wrong unit, swapped axes.

Conventions come from the manifest and are never guessed; implausible ones are reported and stop the capture.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from capture360.checks.neighbours import typical_distance
from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.poses import POSES
from capture360.checks.site_poses import in_other_units
from capture360.checks.violations import FindingGroup, Group
from capture360.readers.columns import POSITION
from capture360.readers.manifest import MANIFEST, METRES
from capture360.readers.manifest_keys import keys_of_lengths, unit_fix, way_of, works
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import says
from capture360.settings.checks import Bounds
from capture360.settings.site import Site

_FEW = 3
_MOST = 0.8
_UNIT_NAMES = {"mm": "millimetres", "cm": "centimetres", "ft": "feet", "in": "inches", "m": "metres"}
_MAP_GRID_M = 100_000
_FARTHEST_HEIGHT_M = 12_000
"""Above the highest mountain, and below the deepest mine and sea."""
_WIDEST_STEP_M = 500
_SMALLEST_CAPTURE_M = 1e-3
"""Extent below which all stations count as one place."""
_SMALLEST_DEGREES = 1e-2

P03 = POSES.rule(
    "P03",
    "Unit and axes fit the site",
    why="Millimetres taken for metres put a hall on another continent.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="positions in metres, against the site's bounds; x and y as delivered for degrees of latitude",
    frame="site",
    parameters=("bounds",),
    explains=("P02", "P08", "P09", "P10", "P11", "I05"),
    messages={
        **says(
            "{where}: the stations span {value} m, the site {site} m. Are these {unit}? "
            "Then set {fix} in capture.yaml.",
            bad="millimetres, the manifest says m",
            where="stations.csv",
            value="28,000",
            site="200",
            unit="millimetres",
            fix="frame.unit: mm",
        ),
        **says(
            "{where}: the stations lie {value} m apart, which is no capture of a building. Are these {unit}? "
            "Then set {fix} in capture.yaml.",
            name="spacing",
            bad="millimetres, and no bounds in the register",
            where="stations.csv",
            value="4,000",
            unit="millimetres",
            fix="frame.unit: mm",
        ),
        **says(
            "{where}: the stations lie {value} m apart in the site frame, which is no capture of a building. "
            "Correct {keys} in capture.yaml.",
            name="stated",
            bad="frame.transform with scale: 1000",
            where="stations.csv",
            value="4,000",
            keys="frame.unit (now m) or frame.transform",
        ),
        **says(
            "{where}: {value} of the stations lie outside the site as they are, but inside with {axes} swapped. {fix}",
            name="axes",
            bad="y and z swapped",
            where="stations.csv",
            value="100 %",
            axes="y and z",
            fix="Rename the columns, or state frame.up.",
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

P10 = POSES.rule(
    "P10",
    "The poses differ from station to station",
    why="Equal poses mean that none were exported.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="positions in metres and rotations of the cube; the numbers as delivered tell which message",
    frame="site",
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
            "apart. Correct {keys} in capture.yaml.",
            name="collapsed",
            bad="frame.transform with scale: 1e-9",
            where="stations.csv",
            count="3",
            value="4e-09, 2e-09, 1.5e-09",
            keys="frame.unit (now m) or frame.transform",
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
    judges="positions in metres",
    frame="site",
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
            "{where}: heights such as {value} m are none of a place on Earth. Correct {keys} in capture.yaml.",
            name="height",
            bad="origin_offset: [0, 0, 99999], which was meant in millimetres",
            where="stations.csv",
            value="-99997",
            keys="frame.unit (now m) or frame.transform",
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


def gate(given: CheckInput) -> Iterator[Group]:
    """Check P10, P11 and P03, each message at most once."""
    table, site, bounds = given.table, given.site, given.settings.bounds
    found: list[Finding | None] = [
        _equal_places(table),
        _equal_turns(table),
        _foreign_frame(table, site),
        _unit(table, bounds) if bounds else _spacing(table),
        _degrees_of_latitude(table),
        _map_grid(table),
        _height(table),
    ]
    yield from (FindingGroup([finding]) for finding in found if finding)


def _known(table: ParsedStations) -> NDArray[np.float64]:
    """Return the known positions in the site frame."""
    return table.position[table.placed]


def _equal_places(table: ParsedStations) -> Finding | None:
    place = _known(table)
    if len(place) < 2 or _extent(place) > _SMALLEST_CAPTURE_M:
        return None
    delivered = np.column_stack([table.numbers[axis].values for axis in POSITION])[table.placed]
    rule, file, count = P10, table.stations.file, len(place)
    if (delivered == delivered[0]).all():
        return rule.finding(file, ", ".join(f"{value:g}" for value in delivered[0]), count=count)
    shown = ", ".join(f"{value:g}" for value in place[0])
    return rule.finding(file, shown, message="collapsed", count=count, keys=keys_of_lengths(table.manifest))


def _equal_turns(table: ParsedStations) -> Finding | None:
    turned = table.rotation[~np.isnan(table.rotation).any(axis=1)]
    if table.manifest.rotation.kind == "none" or len(turned) < _FEW or (turned != turned[0]).any():
        return None
    shown = ", ".join(f"{value:.6g}" for value in turned[0])
    return P10.finding(table.stations.file, shown, message="turned", count=len(turned))


def _foreign_frame(table: ParsedStations, site: Site | None) -> Finding | None:
    frame = table.manifest.frame
    if site is None or frame.transform is not None or frame.name.casefold() in ("site", site.frame.casefold()):
        return None
    return P11.finding(MANIFEST, frame.name, message="frame", column="frame.name", site=site.frame)


def _unit(table: ParsedStations, bounds: Bounds) -> Finding | None:
    """Check whether most stations lie outside the site, but inside it in another unit or with axes swapped."""
    known = _known(table)
    if not len(known) or _inside(known, bounds) > 1 - _MOST:
        return None
    stated = table.manifest.frame.unit
    rule, file = P03, table.stations.file
    for short, name in _UNIT_NAMES.items():
        scaled = in_other_units(table.manifest, known, METRES[short] / METRES[stated])
        fix = unit_fix(table.manifest, short)
        if fix and short != stated and _inside(scaled, bounds) >= _MOST:
            return rule.finding(
                file,
                f"{_extent(known):,.0f}",
                column="x",
                site=f"{_widest(bounds):g}",
                unit=name,
                fix=fix,
            )
    for axes, order, fix in (
        ("y and z", [0, 2, 1], "Rename the columns, or state frame.up."),
        ("x and y", [1, 0, 2], "Rename the columns."),
        ("x and z", [2, 1, 0], "Rename the columns."),
    ):
        if not works(table.manifest, "frame.up"):
            fix = f"Export the positions again, {'with Z up' if 'z' in axes else 'with x and y as the site has them'}."
        if way_of(table.manifest) == "gps":
            fix = "Correct frame.origin in capture.yaml."
        share = _inside(known[:, order], bounds)
        if share >= _MOST:
            return rule.finding(file, f"{share:.0%}".replace("%", " %"), message="axes", axes=axes, fix=fix)
    return None


def _inside(places: NDArray[np.float64], bounds: Bounds) -> float:
    low, high = np.array(bounds.minimum), np.array(bounds.maximum)
    return float(((places >= low) & (places <= high)).all(axis=1).mean())


def _extent(places: NDArray[np.float64]) -> float:
    return float((places.max(axis=0) - places.min(axis=0)).max())


def _widest(bounds: Bounds) -> float:
    return max(high - low for low, high in zip(bounds.minimum, bounds.maximum, strict=True))


def _spacing(table: ParsedStations) -> Finding | None:
    """Check the spacing where the site has no bounds: stations are metres apart, not half a kilometre."""
    known = _known(table)
    if len(known) < _FEW:
        return None
    metres = typical_distance(known)
    if metres < _WIDEST_STEP_M:
        return None
    shown, frame = f"{metres:,.0f}", table.manifest.frame
    rule, file = P03, table.stations.file
    if frame.unit != "m" or frame.transform is not None:
        return rule.finding(file, shown, message="stated", column="x", keys=keys_of_lengths(table.manifest))
    fix = unit_fix(table.manifest, "mm")
    if not fix:
        return None
    return rule.finding(file, shown, message="spacing", column="x", unit="millimetres", fix=fix)


def _degrees_of_latitude(table: ParsedStations) -> Finding | None:
    """Check whether x and y look like longitude and latitude in degrees."""
    plan = np.column_stack([table.numbers[axis].values for axis in POSITION[:2]])
    plan = plan[np.isfinite(plan).all(axis=1)]
    if len(plan) < _FEW or (np.abs(plan) > [180, 180]).any():
        return None
    extent = plan.max(axis=0) - plan.min(axis=0)
    if not 0 < extent.max() < _SMALLEST_DEGREES or np.abs(plan).min() < 1:
        return None
    shown = f"{plan[0, 0]:.8g}, {plan[0, 1]:.8g}"
    return P03.finding(table.stations.file, shown, message="degrees", column="x")


def _map_grid(table: ParsedStations) -> Finding | None:
    known = _known(table)
    if not len(known):
        return None
    middle = np.median(known[:, :2], axis=0)
    if np.abs(middle).max() <= _MAP_GRID_M:
        return None
    message = "" if table.manifest.frame.transform is None else "transformed"
    shown = f"{middle[0]:.0f}, {middle[1]:.0f}"
    return P11.finding(table.stations.file, shown, message=message, column="x")


def _height(table: ParsedStations) -> Finding | None:
    known = _known(table)
    middle = float(np.median(known[:, 2])) if len(known) else 0.0
    if abs(middle) <= _FARTHEST_HEIGHT_M:
        return None
    keys = keys_of_lengths(table.manifest)
    return P11.finding(table.stations.file, f"{middle:.0f}", message="height", column="z", keys=keys)
