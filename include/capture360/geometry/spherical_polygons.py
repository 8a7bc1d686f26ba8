"""Outlines on faces as spherical polygons around an image, in format 2.0.0: `[n, phi, theta, ... n, phi, ...]`.

`phi` is the angle from +Y in [0, pi], `theta` the one about Y from +Z in [0, 2 pi), of directions in the image's own
cube frame, before its rotation. Read from the public viewer (cognitedata/reveal,
`transformSphericalCoordinatesToVectors.ts`); the published description has the two names the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture360.geometry.boxes import Polygon
from capture360.geometry.projection import face_and_point, face_directions, project_to_face
from capture360.model import FaceName

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = "2.0.0"
MAX_NUMBERS = 1000
_MOST_OUTLINES = 500
"""Outlines of one asset on one image that are looked at: several times what the format can hold."""
Outline = tuple[FaceName, Polygon]
Directions = NDArray[np.float64]
"""Unit vectors, n x 3, in the cube frame."""

_NEARLY_ROUND = 2 * math.pi - 1e-6
"""Azimuths from here on are written as 0, since in single precision they would exceed 2 pi."""
_STEPS = 8
"""Points on each side of an outline at which the distance to another one is measured."""


def polygon_data(outlines: Sequence[Outline]) -> tuple[list[float], int]:
    """Return the polygons of one asset on one image, and the number of those beyond the format's limit.

    Outlines on different faces that are parts of one plate become one polygon.
    """
    data: list[float] = []
    taken = outlines[:_MOST_OUTLINES]
    plates = _plates([(face, face_directions(face, polygon)) for face, polygon in taken])
    for number, plate in enumerate(plates):
        polygon = [float(len(plate)), *(angle for direction in plate for angle in _angles(direction))]
        if len(data) + len(polygon) > MAX_NUMBERS:
            return data, len(plates) - number + len(outlines) - len(taken)
        data += polygon
    return data, len(outlines) - len(taken)


def polygons(data: Sequence[float]) -> Iterator[Directions]:
    """Parse format 2.0.0 to polygons as directions; ValueError if `data` is not in that format."""
    place = 0
    while place < len(data):
        count = int(data[place])
        angles = np.asarray(data[place + 1 : place + 1 + 2 * count], dtype=np.float64)
        if count < 3 or count != data[place] or len(angles) != 2 * count or not np.isfinite(angles).all():
            raise ValueError(f"number {place} of a polygon is no vertex count of what follows")
        phi, theta = angles[::2], angles[1::2]
        yield np.stack([np.sin(phi) * np.sin(theta), np.cos(phi), np.sin(phi) * np.cos(theta)], axis=-1)
        place += 1 + 2 * count


def on_one_face(directions: Directions) -> tuple[FaceName, list[tuple[float, float]]]:
    """The face that holds the middle of a polygon, and its vertices in the plane of that face; nan behind it."""
    face, _ = face_and_point(directions.sum(axis=0))
    return face, [(float(u), float(v)) for u, v in project_to_face(face, directions)]


def _angles(direction: NDArray[np.float64]) -> tuple[float, float]:
    x, y, z = (float(value) for value in direction)
    theta = math.atan2(x, z) % (2 * math.pi)
    return math.atan2(math.hypot(x, z), y), 0.0 if theta > _NEARLY_ROUND else theta


def _plates(parts: Sequence[tuple[FaceName, Directions]]) -> list[Directions]:
    """Join parts of a plate that an edge of the cube cuts."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = np.array(list(_cut_by_edges(parts)), dtype=np.int64).reshape(-1, 2).T
    joins = coo_array((np.ones(len(first)), (first, second)), shape=(len(parts), len(parts)))
    groups: dict[int, list[Directions]] = {}
    for (_, directions), plate in zip(parts, connected_components(joins, directed=False)[1].tolist(), strict=True):
        groups.setdefault(plate, []).append(directions)
    return [group[0] if len(group) == 1 else _around(np.concatenate(group)) for group in groups.values()]


def _cut_by_edges(parts: Sequence[tuple[FaceName, Directions]]) -> Iterator[tuple[int, int]]:
    """Yield places of outlines on different faces that are closer to each other than their text is high."""
    from scipy.spatial import cKDTree

    if len({face for face, _ in parts}) < 2:
        return
    sides, heights = [_sides(each) for _, each in parts], [_height(each) for _, each in parts]
    middles = np.array([each.sum(axis=0) / np.linalg.norm(each.sum(axis=0)) for _, each in parts])
    reaches = [float(np.linalg.norm(each - middle, axis=1).max()) for each, middle in zip(sides, middles, strict=True)]
    near = cKDTree(middles).query_pairs(2 * max(reaches) + max(heights))
    for one, other in sorted(near):
        if parts[one][0] != parts[other][0]:
            cosine = float((sides[one] @ sides[other].T).max())
            if math.acos(min(1.0, cosine)) < min(heights[one], heights[other]):
                yield one, other


def _sides(directions: Directions) -> Directions:
    """Points along the sides of an outline."""
    shares = np.arange(_STEPS) / _STEPS
    following = np.roll(directions, -1, axis=0)
    points = directions[:, np.newaxis] + shares[:, np.newaxis] * (following - directions)[:, np.newaxis]
    flat = points.reshape(-1, 3)
    return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True))


def _height(directions: Directions) -> float:
    """Return the shortest side as an angle, which is the height of a text."""
    cosines = (directions * np.roll(directions, -1, axis=0)).sum(axis=1)
    return float(np.arccos(np.clip(cosines, -1, 1)).min())


def _around(directions: Directions) -> Directions:
    """Return the directions that are corners of the convex hull of all."""
    import cv2

    middle = directions.sum(axis=0)
    middle /= np.linalg.norm(middle)
    across = np.cross(middle, np.eye(3)[np.abs(middle).argmin()])
    across /= np.linalg.norm(across)
    down = np.cross(middle, across)
    # Great circles are straight lines in the plane that touches the sphere, so convex there is convex here.
    flat = np.stack([directions @ across, directions @ down], axis=-1) / (directions @ middle)[:, np.newaxis]
    corners = cv2.convexHull(flat.astype(np.float32), returnPoints=False)
    return np.asarray(directions[np.asarray(corners).ravel()])
