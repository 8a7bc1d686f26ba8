"""Rays from stations to plates, and their crossings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capture360.geometry.polygons import along_and_across, centre, reading_direction
from capture360.geometry.projection import face_axes, face_directions, project_to_face
from capture360.geometry.rotation import matrix_from_quaternion
from capture360.model import Detection, FaceName, Pose

Vector = npt.NDArray[np.float64]

_SIGHT_DEG = 0.3
"""Usual error of a line of sight: 15 mm at 3 m, from the pose of a mobile scanner and the outline of a text."""


@dataclass(frozen=True, slots=True)
class Ray:
    """A ray from a station's position (metres, site frame) along a unit vector of the site frame."""

    origin: Vector
    direction: Vector


@dataclass(frozen=True, slots=True)
class Crossing:
    """The point nearest to some rays, with measures of how well they meet there."""

    point: Vector
    residuals: Vector
    """Angle in radians at each station between its ray and the point."""
    widest_angle: float
    """Largest angle in radians between two of the rays; the distance is uncertain if it is small."""
    depths: Vector
    """Distance in metres from each station to the point along its ray; negative behind it."""


@dataclass(frozen=True, slots=True)
class PairCrossings:
    """Crossings of n pairs of rays; see `Crossing`."""

    points: Vector
    """(n, 3), halfway between the two rays; not finite where they are parallel."""
    residuals: Vector
    """(n,) larger one of the two angles in radians."""
    angles: Vector
    """(n,) angle in radians between the rays."""
    depths: Vector
    """(n, 2) distances in metres along the rays."""


def ray_to(pose: Pose, detection: Detection) -> Ray:
    """The ray from a station through the centre of a text, of the whole one if an edge of its face cuts it."""
    if detection.uncut:  # the mean of directions: beyond its edge the plane of a face is stretched
        ahead = face_directions(detection.face, detection.uncut).mean(axis=0)
        return ray_through(pose, detection.face, project_to_face(detection.face, ahead))
    return ray_through(pose, detection.face, np.asarray(centre(detection.polygon)))


def ray_through(pose: Pose, face: FaceName, place: Vector) -> Ray:
    """The ray from a station through a place (2,) of one of its faces, in 0..1 of the face."""
    direction = matrix_from_quaternion(pose.rotation) @ face_directions(face, place)
    return Ray(np.asarray(pose.position, dtype=np.float64), direction)


def crossing(rays: Sequence[Ray]) -> Crossing | None:
    """Least-squares point x of `sum(P) x = sum(P c)` with P = I - d d^T; None if the rays are parallel or one."""
    if len(rays) < 2:
        return None
    origins = np.array([ray.origin for ray in rays])
    directions = np.array([ray.direction for ray in rays])
    widest = float(np.arccos(np.clip(directions @ directions.T, -1, 1).min()))
    projectors = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    normal = projectors.sum(axis=0)
    if np.linalg.cond(normal) > 1e8:
        return None
    point = np.linalg.solve(normal, np.einsum("nij,nj->i", projectors, origins))
    towards = point - origins
    depths = np.einsum("ni,ni->n", towards, directions)
    across = np.linalg.norm(towards - depths[:, None] * directions, axis=1)
    return Crossing(point, np.arctan2(across, depths), widest, depths)


def crossing_error(rays: Sequence[Ray]) -> float | None:
    """Standard deviation in metres of the point where rays meet, along its worst direction; None if they do not.

    The inverse of the normal equations, each ray weighed by how far it may miss the point at its distance: by the angle
    that the rays miss it by as a whole (2n - 3 degrees of freedom), and never less than `_SIGHT_DEG`.
    """
    met = crossing(rays)
    if met is None or (met.depths <= 0).any():
        return None
    misses = float(np.sqrt((met.residuals**2).sum() / (2 * len(rays) - 3)))
    sigmas = met.depths * max(misses, np.radians(_SIGHT_DEG))
    directions = np.array([ray.direction for ray in rays])
    projectors = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    information = (projectors / sigmas[:, None, None] ** 2).sum(axis=0)
    return float(1 / np.sqrt(np.linalg.eigvalsh(information)[0]))


def pair_crossings(origins: Vector, directions: Vector, pairs: npt.NDArray[np.int64]) -> PairCrossings:
    """The crossings of pairs (n, 2) of rays, given by origins (m, 3) and unit directions (m, 3), all at once.

    The nearest points of two lines: https://mathworld.wolfram.com/Line-LineDistance.html.
    """
    first, second = pairs[:, 0], pairs[:, 1]
    one, other = directions[first], directions[second]
    between = origins[first] - origins[second]
    cosine = np.einsum("ni,ni->n", one, other)
    along_one, along_other = np.einsum("ni,ni->n", one, between), np.einsum("ni,ni->n", other, between)
    with np.errstate(divide="ignore", invalid="ignore"):
        sine_squared = 1 - cosine**2
        depths = np.stack([cosine * along_other - along_one, along_other - cosine * along_one], axis=1)
        depths = depths / np.where(sine_squared > 1e-12, sine_squared, np.nan)[:, None]
        nearest_one = origins[first] + depths[:, :1] * one
        nearest_other = origins[second] + depths[:, 1:] * other
        apart = np.linalg.norm(nearest_one - nearest_other, axis=1) / 2
        residuals = np.arctan2(apart[:, None], depths).max(axis=1)
    return PairCrossings((nearest_one + nearest_other) / 2, residuals, np.arccos(np.clip(cosine, -1, 1)), depths)


def joined_crossings(rays: Sequence[Ray], origins: Vector, directions: Vector) -> tuple[Vector, Vector]:
    """Residuals and depths (m, n + 1) of the `crossing` of n rays with each of m others, given as in `pair_crossings`.

    Two of the n rays must not be parallel.
    """
    shape = (len(origins), len(rays), 3)
    all_origins = np.empty((shape[0], shape[1] + 1, 3))
    all_directions = np.empty_like(all_origins)
    all_origins[:, :-1] = np.broadcast_to([ray.origin for ray in rays], shape)
    all_directions[:, :-1] = np.broadcast_to([ray.direction for ray in rays], shape)
    all_origins[:, -1], all_directions[:, -1] = origins, directions
    along = np.einsum("mni,mni->mn", all_directions, all_origins)
    normals = (shape[1] + 1) * np.eye(3) - np.swapaxes(all_directions, 1, 2) @ all_directions
    sums = (all_origins - along[..., None] * all_directions).sum(axis=1)
    towards = np.linalg.solve(normals, sums[..., None])[:, None, :, 0] - all_origins
    depths = np.einsum("mni,mni->mn", towards, all_directions)
    across = np.linalg.norm(towards - depths[..., None] * all_directions, axis=2)
    return np.arctan2(across, depths), depths


def passing(origins: Vector, directions: Vector, points: Vector, angle: float) -> npt.NDArray[np.bool_]:
    """Return (n, m) whether n points lie within an angle in radians, below a right one, of m rays."""
    middle = origins.mean(axis=0)  # coordinates of a site may be so great that their squares are not exact
    starts, ends = origins - middle, points - middle
    along = ends @ directions.T - np.einsum("mi,mi->m", starts, directions)
    squares = (ends**2).sum(axis=1)[:, None] - 2 * ends @ starts.T + (starts**2).sum(axis=1)
    return np.asarray((along > 0) & (squares * np.cos(angle) ** 2 <= along**2))


def seen_at(pose: Pose, detection: Detection, point: Vector) -> tuple[float, float] | None:
    """Project a point of the site onto the face of a detection, in 0..1; None if it lies behind the face."""
    direction = (point - np.asarray(pose.position)) @ matrix_from_quaternion(pose.rotation)
    x, y = project_to_face(detection.face, direction)
    return (float(x), float(y)) if np.isfinite((x, y)).all() else None


def line_height(pose: Pose, detection: Detection, point: Vector) -> float:
    """Height in metres of a text at a point of the site, from its height on the face (pinhole model)."""
    direction = (point - np.asarray(pose.position)) @ matrix_from_quaternion(pose.rotation)
    depth = float(direction @ face_axes(detection.face)[0])
    _, _, top, bottom = along_and_across(detection.extent, reading_direction(detection.extent))
    return 2 * (bottom - top) * depth
