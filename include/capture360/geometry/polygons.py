"""Outlines of texts on a face, in 0..1 of the face, x right, y down; corners in the order of reading from top left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from capture360.geometry.boxes import Polygon

Points = npt.NDArray[np.float64]


def clipped(corners: Sequence[Sequence[float]]) -> Polygon | None:
    """Clip an outline to the face; None if no area is left."""
    points = np.clip(np.asarray(corners, dtype=np.float64), 0.0, 1.0).round(6)
    if len(points) < 3 or not np.isfinite(points).all() or (np.ptp(points, axis=0) <= 0).any():
        return None
    return tuple((float(x), float(y)) for x, y in points)


def beyond(corners: Sequence[Sequence[float]]) -> Polygon | None:
    """Return an outline in the plane of the face if it goes beyond the face's edges, None if it does not."""
    points = np.asarray(corners, dtype=np.float64).round(6)
    if not np.isfinite(points).all() or ((points >= 0) & (points <= 1)).all():
        return None
    return tuple((float(x), float(y)) for x, y in points)


def centre(polygon: Polygon) -> tuple[float, float]:
    """Mean of the corners."""
    x, y = np.mean(polygon, axis=0)
    return float(x), float(y)


def is_upright(polygon: Polygon) -> bool:
    """Return whether a line of text is vertical: at least 1.5 times as high as wide, the engine's own criterion."""
    width, height = _sides(polygon)
    return height >= 1.5 * width


def reading_direction(polygon: Polygon) -> Points:
    """Unit vector along the line of text; downwards for an upright one, whose first letter may be at either end."""
    corners = np.asarray(polygon)
    if is_upright(polygon):
        along = (corners[-1] - corners[0]) + (corners[2] - corners[1])
    else:
        along = (corners[1] - corners[0]) + (corners[2] - corners[-1])
    length = float(np.hypot(*along))
    return along / length if length else np.array([1.0, 0.0])


def _sides(polygon: Polygon) -> tuple[float, float]:
    corners = np.asarray(polygon)
    width = max(np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[2] - corners[-1])))
    height = max(np.hypot(*(corners[-1] - corners[0])), np.hypot(*(corners[2] - corners[1])))
    return float(width), float(height)


def along_and_across(polygon: Polygon, direction: Points) -> tuple[float, float, float, float]:
    """Extent along a reading direction and across it: (first, last, top, bottom)."""
    corners = np.asarray(polygon)
    along = corners @ direction
    across = corners @ np.array([-direction[1], direction[0]])
    return float(along.min()), float(along.max()), float(across.min()), float(across.max())


def is_within(point: tuple[float, float], text: Polygon) -> bool:
    """Return whether a point lies in a text, measured along and across its reading direction."""
    direction = reading_direction(text)
    first, last, top, bottom = along_and_across(text, direction)
    along, _, across, _ = along_and_across((point,), direction)
    return first <= along <= last and top <= across <= bottom


def rectangle(polygons: Sequence[Polygon], direction: Points) -> list[list[float]]:
    """Return the smallest rectangle along a reading direction around all outlines."""
    extents = np.array([along_and_across(polygon, direction) for polygon in polygons])
    first, top = extents[:, 0].min(), extents[:, 2].min()
    last, bottom = extents[:, 1].max(), extents[:, 3].max()
    down = np.array([-direction[1], direction[0]])
    return [
        (a * direction + b * down).tolist() for a, b in ((first, top), (last, top), (last, bottom), (first, bottom))
    ]


def around(polygons: Sequence[Polygon], direction: Points) -> Polygon:
    """Return the smallest rectangle along a reading direction around all outlines, clipped to the face."""
    return clipped(rectangle(polygons, direction)) or polygons[0]
