"""Conversion of delivered poses to the site and cube frames, vectorised; see `readers.manifest` for the frames."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture360.geometry import rotation
from capture360.model import CaptureKind
from capture360.readers.columns import POSITION, ROTATIONS
from capture360.readers.manifest import METRES, Manifest, Matrix, Offset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from capture360.checks.text_columns import Numbers

Array = NDArray[np.float64]
_EXACT = 1e-12
"""Difference from a turn up to which a matrix is one, but for the arithmetic."""


def site_poses(manifest: Manifest, numbers: Mapping[str, Numbers]) -> tuple[Array, Array]:
    """Return positions (N x 3, metres) and cube rotations (N x 4, unit quaternions w, x, y, z); NaN where unknown."""
    with np.errstate(over="ignore", invalid="ignore"):
        # Numbers of any size: what comes out of range is NaN or infinite, which breaks rule P01.
        return _site_poses(manifest, numbers)


def delivered_metres(manifest: Manifest, numbers: Mapping[str, Numbers]) -> Array:
    """Return positions in the delivered frame (N x 3, metres); NaN where unknown."""
    with np.errstate(over="ignore"):
        metres: Array = np.column_stack([numbers[axis].values for axis in POSITION]) * METRES[manifest.frame.unit]
    return metres


def in_other_units(manifest: Manifest, position: Array, factor: float) -> Array:
    """Return positions in the site frame as if the delivered unit were `factor` times as long."""
    shift = _transform(manifest)[2]
    return np.asarray(shift + factor * (position - shift))


def metres_of_one(manifest: Manifest) -> float:
    """Return the length in metres, in the site frame, of what was delivered as 1."""
    return METRES[manifest.frame.unit] * _transform(manifest)[1]


def bent(manifest: Manifest, position: Array) -> float:
    """Return by how many metres the rounding of a stated matrix, or its skew, may move a station at most.

    What is applied turns and scales alone. A matrix that does exactly that, such as one of 0 and 1, is not rounded.
    """
    stated = manifest.frame.transform
    if not isinstance(stated, Matrix) or not len(position):
        return 0.0
    turn, scale, shift = _transform(manifest)
    applied = scale * rotation.matrix_from_quaternion(turn)
    off = np.array(stated.matrix)[:3, :3] - applied
    if np.abs(off).max() <= _EXACT * scale:
        return 0.0
    source = np.linalg.inv(applied) @ (position - shift).T
    written = [Decimal(repr(number)).normalize().as_tuple().exponent for row in stated.matrix[:3] for number in row[:3]]
    last_digit = 10.0 ** min(int(exponent) for exponent in written)
    return float(max(np.linalg.norm(off @ source, axis=0).max(), last_digit / 2 * np.linalg.norm(source, axis=0).max()))


def _site_poses(manifest: Manifest, numbers: Mapping[str, Numbers]) -> tuple[Array, Array]:
    position = delivered_metres(manifest, numbers)
    turned = _delivered(manifest, numbers, len(position))
    if manifest.rotation.direction == "world_to_camera":
        turned = rotation.conjugates(turned)
        position = -rotation.rotated(turned, position)
    if manifest.frame.up == "y":
        change = np.array(rotation.quaternion_from_matrix(rotation.axis_rotation("X", np.pi / 2)))
        position = np.column_stack([position[:, 0], -position[:, 2], position[:, 1]])
        if manifest.rotation.kind != "heading_pitch_roll_deg":  # a heading is about the vertical, whichever axis it is
            turned = rotation.products(rotation.products(change, turned), rotation.conjugates(change))
    turn, scale, shift = _transform(manifest)
    position = position @ (scale * rotation.matrix_from_quaternion(turn)).T + shift
    turned = rotation.products(np.array(turn), turned)
    return position, rotation.products(turned, _cube_turn(manifest))


def _delivered(manifest: Manifest, numbers: Mapping[str, Numbers], count: int) -> Array:
    """Return the delivered rotations as unit quaternions, without change of frame."""
    kind = manifest.rotation.kind
    if kind == "none":
        return np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
    columns = np.column_stack([numbers[name].values for name in ROTATIONS[kind]])
    if kind == "quaternion":
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            length = np.linalg.norm(columns, axis=1, keepdims=True)
            unit: Array = columns / length
        unit[~(np.isfinite(unit).all(axis=1) & np.isfinite(length[:, 0]))] = np.nan
        return unit
    return _one_by_one(columns, _matrix_maker(manifest))


def _matrix_maker(manifest: Manifest) -> Callable[[Array], rotation.Matrix]:
    stated = manifest.rotation
    if stated.kind == "matrix":
        return lambda row: rotation.checked_matrix(row.reshape(3, 3), rotation.ROUNDED)
    if stated.kind == "heading_pitch_roll_deg":
        return lambda row: rotation.matrix_from_heading(*np.radians(row))
    order = stated.euler_order or "XZY"
    places = ["XYZ".index(axis) for axis in order.upper()]
    to_radians = np.radians if stated.kind == "euler_deg" else np.asarray
    return lambda row: rotation.matrix_from_euler(to_radians(row[places]).tolist(), order)


def _one_by_one(columns: Array, matrix: Callable[[Array], rotation.Matrix]) -> Array:
    result = np.full((len(columns), 4), np.nan)
    for place in np.flatnonzero(np.isfinite(columns).all(axis=1)):
        try:
            result[place] = rotation.quaternion_from_matrix(matrix(columns[place]))
        except rotation.RotationError:
            continue
    return result


def _transform(manifest: Manifest) -> tuple[rotation.Quaternion, float, Array]:
    """Return rotation, scale and shift of `frame.transform`: p_site = scale R p + shift."""
    stated = manifest.frame.transform
    if isinstance(stated, Offset):
        matrix = rotation.axis_rotation("Z", np.radians(stated.yaw_deg))
        shift = -stated.scale * matrix @ np.array(stated.origin_offset)
        return rotation.quaternion_from_matrix(matrix), stated.scale, shift
    if isinstance(stated, Matrix):
        rows = np.array(stated.matrix)
        scale = float(np.cbrt(np.linalg.det(rows[:3, :3])))
        return rotation.quaternion_from_matrix(rows[:3, :3] / scale, rotation.ROUNDED), scale, rows[:3, 3]
    return (1.0, 0.0, 0.0, 0.0), 1.0, np.zeros(3)


def _cube_turn(manifest: Manifest) -> Array:
    """Return the rotation from the delivered picture frame to the cube frame. A heading is that of the front face."""
    offset = np.radians(manifest.rotation.image_yaw_offset_deg)
    if manifest.kind is not CaptureKind.PANORAMA and manifest.rotation.kind != "heading_pitch_roll_deg":
        matrix = rotation.axis_rotation("Z", offset)
    else:
        matrix = rotation.cube_from_panorama(np.eye(3), offset)
    return np.array(rotation.quaternion_from_matrix(matrix))
