"""Ray casting: the first solid of a scene on each ray, and its distance.

Rays are grouped in tiles of neighbours. A solid is intersected only with tiles whose cone of directions overlaps the
cone of its bounds, nearest solids first, so that hidden ones cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from capture360_local.plant.rotation import Floats
from capture360_local.plant.scene import Shape, Solid

ROOM_SURFACES = 6
"""The first solids of a scene are the room's pictures: west, east, south, north, floor, ceiling."""

Numbers = npt.NDArray[np.signedinteger[Any]]


class Caster:
    """Caster of rays into a closed room, so that every ray hits a solid."""

    def __init__(self, solids: Sequence[Solid], room: tuple[Floats, Floats]) -> None:
        self.solids = solids
        self.room_low, self.room_high = room
        low = np.array([solid.low for solid in solids])
        high = np.array([solid.high for solid in solids])
        self._low, self._high = low, high
        self._corners = np.stack(
            [np.where(np.array([i & 1, i & 2, i & 4]) > 0, high, low) for i in range(8)]
        )  # (8, solids, 3)

    def cast(self, origin: Floats, rays: Floats) -> tuple[Floats, Numbers]:
        """Return distance and solid (tiles, rays) of unit rays (3, tiles, rays) from a point in the room."""
        rays = rays.astype(np.float32, copy=False)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            distance, hit = self._room(origin, rays)
            touches, near = self._candidates(origin, rays)
            farthest = distance.max(axis=1)
            near[:ROOM_SURFACES] = np.inf
            nearest_first = np.argsort(near)
            for index in nearest_first[touches[nearest_first].any(axis=1) & np.isfinite(near[nearest_first])]:
                tiles = np.flatnonzero(touches[index] & (near[index] < farthest))
                if tiles.size == 0:
                    continue
                found = _HIT[self.solids[index].shape](self.solids[index], origin, rays[:, tiles])
                known = distance[tiles]
                closer = (found < known) & (found > 0)
                if not closer.any():
                    continue
                known = np.where(closer, found, known)
                distance[tiles] = known
                hit[tiles] = np.where(closer, np.int16(index), hit[tiles])
                farthest[tiles] = known.max(axis=1)
        return distance, hit

    def _room(self, origin: Floats, rays: Floats) -> tuple[Floats, Numbers]:
        exits = np.stack(
            [
                (np.where(rays[k] > 0, self.room_high[k], self.room_low[k]) - origin[k]).astype(np.float32) / rays[k]
                for k in range(3)
            ]
        )
        exits = np.where(np.isfinite(exits), exits, np.float32(np.inf))
        axis = exits.argmin(axis=0)
        distance = np.take_along_axis(exits, axis[None], axis=0)[0]
        ahead = np.take_along_axis(rays, axis[None], axis=0)[0] > 0
        return distance, (2 * axis + ahead).astype(np.int16)

    def _candidates(self, origin: Floats, rays: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Return which solids a tile's rays may hit (solids, tiles), and each solid's least distance (solids,)."""
        heading = rays.mean(axis=2, dtype=np.float64)
        heading /= np.linalg.norm(heading, axis=0)
        spread = np.arccos(np.clip(np.einsum("ct,ctk->tk", heading, rays).min(axis=1), -1, 1))
        toward = self._corners - origin
        toward = toward / np.linalg.norm(toward, axis=2, keepdims=True)
        middle = toward.mean(axis=0)
        middle /= np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-12)
        reach = np.arccos(np.clip(np.einsum("isc,sc->is", toward, middle).min(axis=0), -1, 1))
        outside = np.maximum(np.maximum(self._low - origin, origin - self._high), 0.0)
        near = np.linalg.norm(outside, axis=1)
        reach = np.where((near < 1e-3) | (reach > 1.5), np.pi, reach)
        apart = np.arccos(np.clip(np.einsum("sc,ct->st", middle, heading), -1, 1))
        return apart <= reach[:, None] + spread + 1e-3, near


def _hit_box(solid: Solid, origin: Floats, rays: Floats) -> Floats:
    enter, leave = np.float32(-np.inf), np.float32(np.inf)
    for k in range(3):
        inverse = 1.0 / rays[k]
        first = np.float32(solid.low[k] - origin[k]) * inverse
        second = np.float32(solid.high[k] - origin[k]) * inverse
        enter = np.maximum(enter, np.minimum(first, second))
        leave = np.minimum(leave, np.maximum(first, second))
    return np.where(leave >= enter, enter, np.float32(np.inf))


def _hit_cylinder(solid: Solid, origin: Floats, rays: Floats) -> Floats:
    k = solid.axis
    i, j = (k + 1) % 3, (k + 2) % 3
    x, y = np.float32(origin[i] - solid.centre[i]), np.float32(origin[j] - solid.centre[j])
    squared = np.float32(solid.radius**2)
    a = rays[i] ** 2 + rays[j] ** 2
    b = x * rays[i] + y * rays[j]
    inside = squared * a - (x * rays[j] - y * rays[i]) ** 2
    side = (-b - np.sqrt(inside)) / a
    low, high = np.float32(solid.low[k] - origin[k]), np.float32(solid.high[k] - origin[k])
    along = side * rays[k]
    found = np.where((inside > 0) & (along >= low) & (along <= high), side, np.float32(np.inf))
    if low > 0 or high < 0:
        cap = (low if low > 0 else high) / rays[k]
        off_axis = (x + cap * rays[i]) ** 2 + (y + cap * rays[j]) ** 2
        found = np.minimum(found, np.where((off_axis <= squared) & (cap > 0), cap, np.float32(np.inf)))
    return found


def _hit_sphere(solid: Solid, origin: Floats, rays: Floats) -> Floats:
    offset = (origin - solid.centre).astype(np.float32)
    b = offset[0] * rays[0] + offset[1] * rays[1] + offset[2] * rays[2]
    aside = sum((offset[k] - b * rays[k]) ** 2 for k in range(3))
    inside = np.float32(solid.radius**2) - aside
    return np.where(inside > 0, -b - np.sqrt(np.maximum(inside, 0)), np.float32(np.inf))


def _hit_picture(solid: Solid, origin: Floats, rays: Floats) -> Floats:
    normal, right, up = (axis.astype(np.float32) for axis in (solid.normal, solid.right, solid.up))
    offset = (solid.centre - origin).astype(np.float32)
    distance = (offset @ normal) / (normal[0] * rays[0] + normal[1] * rays[1] + normal[2] * rays[2])
    across = distance * (right[0] * rays[0] + right[1] * rays[1] + right[2] * rays[2]) - offset @ right
    above = distance * (up[0] * rays[0] + up[1] * rays[1] + up[2] * rays[2]) - offset @ up
    within = (np.abs(across) <= solid.half[0]) & (np.abs(above) <= solid.half[1])
    return np.where(within, distance, np.float32(np.inf))


_HIT = {
    Shape.BOX: _hit_box,
    Shape.CYLINDER: _hit_cylinder,
    Shape.SPHERE: _hit_sphere,
    Shape.PICTURE: _hit_picture,
}
