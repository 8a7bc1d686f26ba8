"""P08 and P09: stations too close to each other or too far from all others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.parsed_capture import CheckInput
from capture360.checks.poses import POSES
from capture360.checks.violations import Group, Results, RowViolations
from capture360.model import FARTHEST_M
from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, says

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

_SAMPLE = 200
_MOST_CANDIDATES = 2_000
_CHUNK = 2_000_000
_FARTHER_THAN_TYPICAL = 20
_LARGEST_CELL = 2.0**20


def stations_too_close(frame: pd.DataFrame, column_list: Sequence[str], distance: float) -> dict[str, Any]:
    """Rows nearer than `distance` metres to another one."""
    rows, others, metres = close_pairs(frame[list(column_list)].to_numpy(dtype=np.float64), distance)
    return {"positions": rows, "others": others, "metres": metres}


def stations_too_far(frame: pd.DataFrame, column_list: Sequence[str], distance: float) -> dict[str, Any]:
    """Rows farther from all others than `distance` metres and twenty times the typical distance."""
    rows, metres, typical = lonely(frame[list(column_list)].to_numpy(dtype=np.float64), distance)
    return {"positions": rows, "metres": metres, "typical": typical}


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
            {"column_list": ["x", "y", "z"], "distance": {"$PARAMETER": "duplicate_distance_m"}},
            stations_too_close,
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
            {"column_list": ["x", "y", "z"], "distance": {"$PARAMETER": "outlier_distance_m"}},
            stations_too_far,
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


def suite(given: CheckInput, results: Results) -> Iterator[Group]:
    """P08 and P09."""
    stations = given.table.stations
    ids = stations.frame["station_id"]
    for result in results["P08"]:
        at = {int(row): place for place, row in enumerate(result.rows)}
        metres, others = result.details["metres"], result.details["others"]
        yield RowViolations(
            P08,
            stations,
            result.rows,
            value=partial(lambda m, at, row: f"{m[at[row]]:.3f}", metres, at),
            words=partial(lambda o, at, row: {"other": ids.iat[int(o[at[row]])]}, others, at),
        )
    for result in results["P09"]:
        at = {int(row): place for place, row in enumerate(result.rows)}
        metres, typical = result.details["metres"], f"{result.details['typical']:.1f}"
        yield RowViolations(
            P09,
            stations,
            result.rows,
            value=partial(lambda m, at, row: f"{m[at[row]]:.0f}", metres, at),
            words=partial(lambda typical, row: {"typical": typical}, typical),
        )


def close_pairs(places: Floats, distance: float) -> tuple[Positions, Positions, Floats]:
    """Positions of stations (N x 3 metres) with another one nearer than `distance`: the later row, its twin, metres.

    Two such stations share a cell of twice the distance in at least one of eight grids shifted by half a cell.
    """
    known = _placed(places)
    if len(known) < 2 or distance <= 0:
        return _none()
    found: dict[int, tuple[int, float]] = {}
    local = places[known] - places[known].min(axis=0)
    for shift in itertools.product((0.0, distance), repeat=3):
        cells = np.floor((local + shift) / (2 * distance))
        _, group = np.unique(cells, axis=0, return_inverse=True)
        order = np.argsort(group.ravel(), kind="stable")
        sorted_group = group.ravel()[order]
        for ahead in (1, 2, 3):
            same = np.flatnonzero(sorted_group[ahead:] == sorted_group[:-ahead])
            one, other = order[same], order[same + ahead]
            metres = np.linalg.norm(local[one] - local[other], axis=1)
            for place in np.flatnonzero(metres < distance).tolist():
                first, second = sorted((int(known[one[place]]), int(known[other[place]])))
                found.setdefault(second, (first, float(metres[place])))
    rows = sorted(found)
    return (
        np.array(rows, dtype=np.int64),
        np.array([found[row][0] for row in rows], dtype=np.int64),
        np.array([found[row][1] for row in rows]),
    )


def lonely(places: Floats, distance: float) -> tuple[Positions, Floats, float]:
    """Stations whose nearest neighbour is farther than `distance` and than 20 times the typical one; metres; typical.

    Only a station alone in its neighbourhood of cells can be one, so few are measured against all.
    """
    known = _placed(places)
    if len(known) < 4:
        return np.empty(0, dtype=np.int64), np.empty(0), 0.0
    points = places[known]
    typical = typical_distance(points)
    limit = max(distance, _FARTHER_THAN_TYPICAL * typical)
    cells = np.floor((points - points.min(axis=0)) / limit).clip(0, _LARGEST_CELL).astype(np.int64)
    crowded, group, sizes = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    candidates = np.flatnonzero(sizes[group.ravel()] == 1)[:_MOST_CANDIDATES] if len(crowded) > 1 else np.empty(0, int)
    metres = _nearest(points[candidates], points) if len(candidates) else np.empty(0)
    far = metres > limit
    return known[candidates[far]], metres[far], typical


def typical_distance(points: Floats) -> float:
    """Median distance to the nearest neighbour, in metres, from a sample of the stations."""
    return float(np.median(_nearest(points[:: max(1, len(points) // _SAMPLE)], points)))


def _placed(places: Floats) -> Positions:
    """Positions of the stations that have a place on Earth."""
    return np.flatnonzero((np.abs(places) <= FARTHEST_M).all(axis=1))


def _nearest(points: Floats, others: Floats) -> Floats:
    """Distance of each point to the nearest other than itself."""
    result = np.empty(len(points))
    chunk = max(1, _CHUNK // len(others))
    for start in range(0, len(points), chunk):
        part = points[start : start + chunk]
        squares = ((part[:, None, :] - others[None, :, :]) ** 2).sum(axis=2)
        squares.partition(1, axis=1)
        result[start : start + chunk] = np.sqrt(squares[:, 1])
    return result


def _none() -> tuple[Positions, Positions, Floats]:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
