"""Rules P08 and P09: stations too close to each other, or too far from all others."""

from __future__ import annotations

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
_FARTHER_THAN_TYPICAL = 20
_ENOUGH = 4
_BEYOND_ANY_SITE_M = 10_000.0
_BEYOND_ANY_CAPTURE_M = 100_000.0
_CELLS_PER_DISTANCE = 1.8
"""Just above the root of 3, so that two stations in one cell are nearer to each other than the distance."""


def stations_too_close(frame: pd.DataFrame, column_list: Sequence[str], distance: float) -> dict[str, Any]:
    """Find rows nearer than `distance` metres to another one."""
    rows, others, metres = close_pairs(frame[list(column_list)].to_numpy(dtype=np.float64), distance)
    return {"positions": rows, "others": others, "metres": metres}


def stations_too_far(frame: pd.DataFrame, column_list: Sequence[str], distance: float) -> dict[str, Any]:
    """Find rows farther from all others than `distance` metres and twenty times the typical distance."""
    rows, metres, typical = lonely(frame[list(column_list)].to_numpy(dtype=np.float64), distance)
    return {"positions": rows, "metres": metres, "typical": typical}


P08 = POSES.rule(
    "P08",
    "No two stations are in the same place",
    why="A double capture shows one place twice.",
    disposition=Disposition.WARN,
    scope="station",
    stage="suite",
    judges="positions in metres",
    frame="site",
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
    judges="positions in metres",
    frame="site",
    parameters=("outlier_distance_m",),
    expectations=(
        Expect(
            "stations",
            "expect_stations_to_have_neighbours",
            {"column_list": ["x", "y", "z"], "distance": {"$PARAMETER": "outlier_distance_m"}},
            stations_too_far,
        ),
    ),
    messages={
        **says(
            "{where} lies {value} m from its nearest neighbour, typical are {typical} m. Is its pose right?",
            bad="one station 412 m away",
            where="stations.csv row 9 (s-08)",
            value="412",
            typical="4.1",
        ),
        **says(
            "{where} lies {value} m from the others, farther than any site is wide. Correct its position.",
            name="beyond",
            disposition=Disposition.QUARANTINE,
            bad="one station 41 km away",
            where="stations.csv row 9 (s-08)",
            value="41,200",
        ),
    },
)


def suite(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check P08 and P09."""
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
        beyond = np.asarray(metres) > _BEYOND_ANY_SITE_M
        yield RowViolations(
            P09,
            stations,
            result.rows[beyond],
            "beyond",
            value=partial(lambda m, at, row: f"{m[at[row]]:,.0f}", metres, at),
        )
        yield RowViolations(
            P09,
            stations,
            result.rows[~beyond],
            value=partial(lambda m, at, row: f"{m[at[row]]:.0f}", metres, at),
            words=partial(lambda typical, _: {"typical": typical}, typical),
        )


def close_pairs(places: Floats, distance: float) -> tuple[Positions, Positions, Floats]:
    """Find stations (N x 3 metres) that are nearer than `distance` to one above them in the table.

    Returns the indices of the station and of the one above, and the metres between them. Stations that share a small
    cell are close to its first one, so only the first ones are compared with their surroundings: time is linear in
    crowds.
    """
    from scipy.spatial import cKDTree

    known = _placed(places)
    if len(known) < 2 or distance <= 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    points = places[known] - places[known].min(axis=0)
    cells = np.floor(points / (distance / _CELLS_PER_DISTANCE))
    _, first, cell = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    above = first[cell.ravel()]
    tree = cKDTree(points)
    around = tree.query_ball_point(points[first], distance, return_length=True)
    for place in first[around > 1].tolist():
        near = np.array(tree.query_ball_point(points[place], distance))
        near = near[near < place]
        near = near[np.linalg.norm(points[near] - points[place], axis=1) < distance]
        above[place] = near.min(initial=place)
    rows = np.flatnonzero(above != np.arange(len(points)))
    metres = np.linalg.norm(points[rows] - points[above[rows]], axis=1)
    return known[rows], known[above[rows]], metres


def lonely(places: Floats, distance: float) -> tuple[Positions, Floats, float]:
    """Return stations farther from others than `distance` and 20 times the typical, their metres, and the typical.

    Of fewer than four stations nothing is typical, and those beyond any site are returned. So are several that lie
    near each other and beyond any capture from most of it, with their metres from there.
    """
    known = _placed(places)
    if len(known) < 2:
        return np.empty(0, dtype=np.int64), np.empty(0), 0.0
    points = places[known]
    metres = _nearest(points)
    typical = float(np.median(metres[:: max(1, len(metres) // _SAMPLE)]))
    usual = _FARTHER_THAN_TYPICAL * typical if len(known) >= _ENOUGH else np.inf
    from_most = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    metres = np.where(from_most > _BEYOND_ANY_CAPTURE_M, np.maximum(metres, from_most), metres)
    far = metres > max(distance, min(usual, _BEYOND_ANY_SITE_M))
    return known[far], metres[far], typical


def typical_distance(points: Floats) -> float:
    """Median distance to the nearest neighbour, in metres, from a sample of the stations."""
    return float(np.median(_nearest(points, max(1, len(points) // _SAMPLE))))


def _placed(places: Floats) -> Positions:
    """Return the indices of stations with a plausible position."""
    return np.flatnonzero((np.abs(places) <= FARTHEST_M).all(axis=1))


def _nearest(points: Floats, step: int = 1) -> Floats:
    """Return the distance of each `step`-th point to the nearest of the others.

    Of equal points the tree holds one: it compares each of a crowd with all of it.
    """
    from scipy.spatial import cKDTree

    distinct, place, times = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    alone = times[place.ravel()[::step]] == 1
    metres: Floats = np.zeros(len(alone))
    if len(distinct) > 1:
        metres[alone] = cKDTree(distinct).query(points[::step][alone], k=2)[0][:, 1]
    elif len(points) == 1:
        metres[:] = np.inf
    return metres
