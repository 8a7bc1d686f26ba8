"""Stations too close to each other or too far from all others, and clocks that went back; flat in memory and time."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from capture360.model import FARTHEST_M

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

_SAMPLE = 200
_MOST_CANDIDATES = 2_000
_CHUNK = 2_000_000
_FARTHER_THAN_TYPICAL = 20
_LARGEST_CELL = 2.0**20
_MOST_BACK = 0.05


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


def steps_back(times: Floats, tolerance: float) -> tuple[Positions, Floats]:
    """Rows whose time (Unix seconds) is before the row above, and by how many seconds; none if that is the rule."""
    known = np.flatnonzero(np.isfinite(times))
    steps = np.diff(times[known])
    back = np.flatnonzero(steps < -tolerance)
    if len(back) > max(1, _MOST_BACK * len(steps)):
        return np.empty(0, dtype=np.int64), np.empty(0)
    return known[back + 1], -steps[back]


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
