"""What no single row shows: poses that were not exported, a wrong unit, swapped axes, another quaternion order.

Conventions are stated by the manifest and never guessed; what looks wrong is said aloud and stops the capture.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from capture360.checks.neighbours import typical_distance
from capture360.checks.parsed_capture import ParsedStations
from capture360.checks.poses import in_other_units, tilts
from capture360.checks.rules import RULES
from capture360.checks.violations import FindingGroup
from capture360.model import FARTHEST_M
from capture360.readers.columns import POSITION, ROTATIONS
from capture360.readers.manifest import MANIFEST, METRES
from capture360.rules.finding import Finding
from capture360.settings.checks import Bounds, CheckSettings
from capture360.settings.site import Site

_FEW = 3
_MOST = 0.8
_UNIT_NAMES = {"mm": "millimetres", "cm": "centimetres", "ft": "feet", "in": "inches", "m": "metres"}
_MAP_GRID_M = 100_000
_WIDEST_STEP_M = 500
_SMALLEST_CAPTURE_M = 1e-3
"""Stations that all lie within this are in one place."""
_SMALLEST_DEGREES = 1e-2
_TURN = 2 * np.pi + 0.01
_UPRIGHT_DEG, _FALLEN_DEG = 15, 45


def suspicions(table: ParsedStations, settings: CheckSettings, site: Site | None) -> Iterator[FindingGroup]:
    """P10, P11, P03, P06 and P05, each at most once."""
    found: list[Finding | None] = [
        _equal_places(table),
        _equal_turns(table),
        _foreign_frame(table, site),
        _unit(table, settings.bounds) if settings.bounds else _spacing(table),
        _degrees_of_latitude(table),
        _map_grid(table),
        _radians(table),
        _fallen(table),
    ]
    yield from (FindingGroup([finding]) for finding in found if finding)


def _known(table: ParsedStations) -> NDArray[np.float64]:
    """Positions in the site frame, of stations that have one."""
    return table.position[table.placed]


def _equal_places(table: ParsedStations) -> Finding | None:
    place = _known(table)
    if len(place) < 2 or _extent(place) > _SMALLEST_CAPTURE_M:
        return None
    delivered = np.column_stack([table.numbers[axis].values for axis in POSITION])[table.placed]
    rule, file, count = RULES["P10"], table.stations.file, len(place)
    if (delivered == delivered[0]).all():
        return rule.finding(file, ", ".join(f"{value:g}" for value in delivered[0]), count=count)
    shown, unit = ", ".join(f"{value:g}" for value in place[0]), table.manifest.frame.unit
    return rule.finding(file, shown, message="collapsed", count=count, unit=unit)


def _equal_turns(table: ParsedStations) -> Finding | None:
    turned = table.rotation[~np.isnan(table.rotation).any(axis=1)]
    if table.manifest.rotation.kind == "none" or len(turned) < _FEW or (turned != turned[0]).any():
        return None
    shown = ", ".join(f"{value:.6g}" for value in turned[0])
    return RULES["P10"].finding(table.stations.file, shown, message="turned", count=len(turned))


def _foreign_frame(table: ParsedStations, site: Site | None) -> Finding | None:
    frame = table.manifest.frame
    if site is None or frame.transform is not None or frame.name.casefold() in ("site", site.frame.casefold()):
        return None
    return RULES["P11"].finding(MANIFEST, frame.name, message="frame", column="frame.name", site=site.frame)


def _unit(table: ParsedStations, bounds: Bounds) -> Finding | None:
    """Whether most stations lie outside the site, but inside it in another unit or with axes swapped."""
    known = _known(table)
    if not len(known) or _inside(known, bounds) > 1 - _MOST:
        return None
    stated = table.manifest.frame.unit
    rule, file = RULES["P03"], table.stations.file
    for short, name in _UNIT_NAMES.items():
        scaled = in_other_units(table.manifest, known, METRES[short] / METRES[stated])
        if short != stated and _inside(scaled, bounds) >= _MOST:
            return rule.finding(
                file,
                f"{_extent(known):,.0f}",
                column="x",
                site=f"{_widest(bounds):g}",
                unit=name,
                short=short,
            )
    for axes, order, mend in (
        ("y and z", [0, 2, 1], "Rename the columns, or state frame.up."),
        ("x and y", [1, 0, 2], "Rename the columns."),
        ("x and z", [2, 1, 0], "Rename the columns."),
    ):
        share = _inside(known[:, order], bounds)
        if share >= _MOST:
            return rule.finding(file, f"{share:.0%}".replace("%", " %"), message="axes", axes=axes, mend=mend)
    return None


def _inside(places: NDArray[np.float64], bounds: Bounds) -> float:
    low, high = np.array(bounds.minimum), np.array(bounds.maximum)
    return float(((places >= low) & (places <= high)).all(axis=1).mean())


def _extent(places: NDArray[np.float64]) -> float:
    return float((places.max(axis=0) - places.min(axis=0)).max())


def _widest(bounds: Bounds) -> float:
    return max(high - low for low, high in zip(bounds.minimum, bounds.maximum, strict=True))


def _spacing(table: ParsedStations) -> Finding | None:
    """Without bounds: stations of a building lie metres apart, not half a kilometre."""
    known = _known(table)
    if len(known) < _FEW:
        return None
    metres = typical_distance(known)
    if metres < _WIDEST_STEP_M:
        return None
    shown, frame = f"{metres:,.0f}", table.manifest.frame
    rule, file = RULES["P03"], table.stations.file
    if frame.unit != "m" or frame.transform is not None:
        return rule.finding(file, shown, message="stated", column="x", unit=frame.unit)
    return rule.finding(file, shown, message="spacing", column="x", unit="millimetres", short="mm")


def _degrees_of_latitude(table: ParsedStations) -> Finding | None:
    """X and y within the degrees of a globe, and all within a few metres' worth of them."""
    plan = np.column_stack([table.numbers[axis].values for axis in POSITION[:2]])
    plan = plan[np.isfinite(plan).all(axis=1)]
    if len(plan) < _FEW or (np.abs(plan) > [180, 180]).any():
        return None
    extent = plan.max(axis=0) - plan.min(axis=0)
    if not 0 < extent.max() < _SMALLEST_DEGREES or np.abs(plan).min() < 1:
        return None
    shown = f"{plan[0, 0]:.8g}, {plan[0, 1]:.8g}"
    return RULES["P03"].finding(table.stations.file, shown, message="degrees", column="x")


def _map_grid(table: ParsedStations) -> Finding | None:
    known = _known(table)
    if not len(known):
        return None
    middle = np.median(known[:, :2], axis=0)
    if np.abs(middle).max() <= _MAP_GRID_M:
        return None
    message = "" if table.manifest.frame.transform is None else "transformed"
    shown = f"{middle[0]:.0f}, {middle[1]:.0f}"
    return RULES["P11"].finding(table.stations.file, shown, message=message, column="x")


def _radians(table: ParsedStations) -> Finding | None:
    if table.manifest.rotation.kind != "euler_rad":
        return None
    for name in ROTATIONS["euler_rad"]:
        angles = np.abs(table.numbers[name].values)
        angles = angles[np.isfinite(angles)]
        if len(angles) and angles.max() > _TURN:
            return RULES["P06"].finding(table.stations.file, f"{angles.max():g}", column=name)
    return None


def _fallen(table: ParsedStations) -> Finding | None:
    """Most images tilted by more than 45 degrees; what would make them stand is said."""
    known = table.rotation[~np.isnan(table.rotation).any(axis=1)]
    if len(known) < _FEW:
        return None
    share = float((tilts(known) > _FALLEN_DEG).mean())
    if share < _MOST:
        return None
    return RULES["P05"].finding(
        table.stations.file, f"{share:.0%}".replace("%", " %"), column="qw", mend=_what_would_stand(table)
    )


def _what_would_stand(table: ParsedStations) -> str:
    if table.manifest.rotation.kind == "quaternion":
        raw = np.column_stack([table.numbers[name].values for name in ROTATIONS["quaternion"]])
        raw = raw[(np.abs(raw) <= FARTHEST_M).all(axis=1)]
        length = np.linalg.norm(raw, axis=1, keepdims=True)
        unit = raw[length[:, 0] > 0] / length[length[:, 0] > 0]
        if len(unit) and float((tilts(unit[:, [3, 0, 1, 2]]) < _UPRIGHT_DEG).mean()) >= _MOST:
            return "With the order x, y, z, w they would stand upright: is that the order? Then correct the columns."
    return "Check rotation.direction, frame.up and the order of the angles in capture.yaml."
