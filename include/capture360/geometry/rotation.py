"""Rotations between the frames of scanner, panorama, cube and site.

Frames, all right-handed:

- *site*: Z up, metres.
- *panorama* (E57 `sphericalRepresentation`, ASTM E2807 section 8.4.14; NavVis by assumption): the centre of the picture
  looks along +X, left is +Y, up is +Z.
- *cube* (CDF): front = -Y, back = +Y, left = +X, right = -X, top = +Z, bottom = -Z.

The front face is the centre of the panorama, so `R_cube = R_panorama Rz(+90 deg)`. CDF stores the rotation as
intrinsic X-Z-Y angles, `R = Rx(ex) Rz(ez) Ry(ey)` in radians: read from the axis change and Euler order of the public
viewer (cognitedata/reveal, `Cdf360DataModelsDescriptorProvider.ts`). At ez = +-90 degrees, a plain quarter turn, the
angles are not unique: compare rotations with `angle_between`, never angles.

A rotation is a 3 x 3 matrix that maps image coordinates to site coordinates, or a unit quaternion (w, x, y, z).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capture360.errors import BadInputError

Matrix = NDArray[np.float64]
Quaternion = tuple[float, float, float, float]
Quaternions = NDArray[np.float64]
"""Quaternions (w, x, y, z) along the last axis."""
Vector = tuple[float, float, float]

_LOCK = 1e-10
"""Below this cosine of ez the angles ex and ey are not distinguishable."""

_LARGEST_ENTRY = 10
"""Entries of a rotation are 1 at most. Larger ones are refused early, since a decomposition overflows at 1e308."""


class RotationError(BadInputError):
    """The numbers are no rotation."""


def axis_rotation(axis: str, angle: float) -> Matrix:
    """Right-handed rotation by `angle` radians about the axis named X, Y or Z."""
    i, j = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    matrix = np.eye(3)
    cosine, sine = math.cos(angle), math.sin(angle)
    matrix[i, i] = matrix[j, j] = cosine
    matrix[i, j], matrix[j, i] = -sine, sine
    return matrix


def normalised(quaternion: Sequence[float]) -> Quaternion:
    """The unit quaternion (w, x, y, z) of the same rotation with w >= 0; RotationError if it has no direction."""
    values = np.asarray(quaternion, dtype=np.float64)
    if values.shape != (4,) or not np.isfinite(values).all():
        raise RotationError(f"The quaternion {_shown(quaternion)} must have four finite numbers: w, x, y, z.")
    largest = float(np.abs(values).max())
    if largest == 0:
        raise RotationError("The quaternion 0, 0, 0, 0 is no rotation. Export the poses again.")
    values = values / largest
    values = values / math.sqrt(float(values @ values))
    if values[0] < 0 or (values[0] == 0 and values[np.flatnonzero(values)[0]] < 0):
        values = -values
    w, x, y, z = (float(value) + 0.0 for value in values)
    return w, x, y, z


def products(left: Quaternions, right: Quaternions) -> Quaternions:
    """Hamilton products of quaternions (w, x, y, z) along the last axis: first `right`, then `left`.

    Either may be a single quaternion; NaN stays NaN.
    """
    a, b, c, d = np.moveaxis(left, -1, 0)
    e, f, g, h = np.moveaxis(right, -1, 0)
    result: Quaternions = np.stack(
        [
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        ],
        axis=-1,
    )
    return result


def conjugates(quaternions: Quaternions) -> Quaternions:
    """Inverse rotations of unit quaternions (N x 4)."""
    return np.asarray(quaternions * np.array([1.0, -1.0, -1.0, -1.0]))


def rotated(quaternions: Quaternions, vectors: Matrix) -> Matrix:
    """Each vector (N x 3) rotated by its unit quaternion (N x 4)."""
    pure = np.column_stack([np.zeros(len(vectors)), vectors])
    turned: Matrix = products(products(quaternions, pure), conjugates(quaternions))[:, 1:]
    return turned


def tilts(quaternions: Quaternions) -> Matrix:
    """Angles in degrees between the image's up axis and the vertical, of unit quaternions (N x 4)."""
    upright = 1 - 2 * (quaternions[:, 1] ** 2 + quaternions[:, 2] ** 2)
    return np.asarray(np.degrees(np.arccos(np.clip(upright, -1, 1))))


def quaternion_length(quaternion: Sequence[float]) -> float:
    """Euclidean length, 1 for a rotation; inf or nan if the numbers are."""
    return math.hypot(*quaternion)


def matrix_from_quaternion(quaternion: Sequence[float]) -> Matrix:
    """The matrix of a quaternion (w, x, y, z), normalised first."""
    w, x, y, z = normalised(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_from_matrix(matrix: ArrayLike, tolerance: float = 1e-4) -> Quaternion:
    """The unit quaternion (w, x, y, z), w >= 0, of a rotation matrix; `tolerance` is that of `checked_matrix`.

    Starts from the largest of the four squared components: nothing is divided by a small number (Shepperd 1978).
    """
    m = checked_matrix(matrix, tolerance)
    trace = float(np.trace(m))
    squares = np.array([trace, m[0, 0], m[1, 1], m[2, 2]]) * 2 + 1 - trace
    squares[0] = 1 + trace
    largest = int(np.argmax(squares))
    w_x, w_y, w_z = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    x_y, x_z, y_z = m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1]
    rows = (
        (squares[0], w_x, w_y, w_z),
        (w_x, squares[1], x_y, x_z),
        (w_y, x_y, squares[2], y_z),
        (w_z, x_z, y_z, squares[3]),
    )
    return normalised(rows[largest])


ROUNDED = 6e-3
"""How far a matrix of two decimals differs from the rotation that it was written from."""


def checked_matrix(matrix: ArrayLike, tolerance: float = 1e-4) -> Matrix:
    """The nearest rotation matrix; RotationError if `matrix` differs from it by more than `tolerance` or mirrors."""
    values = np.asarray(matrix, dtype=np.float64)
    if values.shape != (3, 3) or not np.isfinite(values).all():
        raise RotationError("A rotation matrix must have 3 x 3 finite numbers.")
    largest = float(np.abs(values).max())
    if largest > _LARGEST_ENTRY:
        raise RotationError(f"The matrix is no rotation: it differs from any by {largest - 1:.3g} or more.")
    left, _, right = np.linalg.svd(values)
    nearest: Matrix = left @ right
    if np.linalg.det(nearest) < 0:
        raise RotationError("The rotation matrix mirrors the picture. Is the frame left-handed?")
    difference = float(np.abs(nearest - values).max())
    if difference > tolerance:
        raise RotationError(f"The matrix is no rotation: it differs from the nearest one by {difference:.3g}.")
    return nearest


def matrix_from_euler(angles: Sequence[float], order: str) -> Matrix:
    """Three angles in radians, in the order named: upper case such as "XZY" is intrinsic, lower case extrinsic.

    Same convention as `scipy.spatial.transform.Rotation.from_euler`.
    """
    if sorted(order.upper()) != ["X", "Y", "Z"] or order not in (order.upper(), order.lower()):
        raise RotationError(f'The Euler order "{order}" is not known. Use XZY (as CDF does), XYZ, ZYX and the like.')
    if len(angles) != 3 or not all(math.isfinite(angle) for angle in angles):
        raise RotationError(f"The Euler angles {_shown(angles)} must be three finite numbers.")
    first, second, third = (axis_rotation(axis, angle) for axis, angle in zip(order.upper(), angles, strict=True))
    return first @ second @ third if order.isupper() else third @ second @ first


def matrix_from_cdf_euler(ex: float, ey: float, ez: float) -> Matrix:
    """`Rx(ex) Rz(ez) Ry(ey)` from eulerRotationX, eulerRotationY, eulerRotationZ in radians."""
    return matrix_from_euler((ex, ez, ey), "XZY")


def cdf_euler(matrix: ArrayLike) -> Vector:
    """(ex, ey, ez) in radians for CDF, of the two solutions the one with smaller |ex| + |ey|; pure yaw stays pure."""
    m = checked_matrix(matrix)
    if math.hypot(m[1, 1], m[2, 1]) < _LOCK:
        ex, ey = math.atan2(-m[1, 2], m[2, 2]), 0.0
        ez = math.copysign(math.pi / 2, -m[0, 1])
        return ex + 0.0, ey, ez
    ex = math.atan2(m[2, 1], m[1, 1])
    # Taken from what is left after ex, not from the matrix: near the lock ex is rounded, and ey must make up for it.
    rest = axis_rotation("X", -ex) @ m
    ey = math.atan2(-rest[2, 0], rest[2, 2])
    ez = math.atan2(-rest[0, 1], rest[1, 1])
    other = (_wrapped(ex + math.pi), _wrapped(ey + math.pi), _wrapped(math.pi - ez))
    if abs(other[0]) + abs(other[1]) < abs(ex) + abs(ey) - 1e-12:
        ex, ey, ez = other
    return ex + 0.0, ey + 0.0, ez + 0.0


def cube_from_panorama(panorama: Matrix, image_yaw_offset: float = 0.0) -> Matrix:
    """Rotation of the cube from that of the panorama.

    `image_yaw_offset` in radians, counter-clockwise seen from above: how far the picture's centre is turned from the
    pose's forward axis.
    """
    return panorama @ axis_rotation("Z", image_yaw_offset + math.pi / 2)


def panorama_from_cube(cube: Matrix) -> Matrix:
    """Rotation of the panorama whose centre is the front face of the cube."""
    return cube @ axis_rotation("Z", -math.pi / 2)


def matrix_from_heading(heading: float, pitch: float = 0.0, roll: float = 0.0) -> Matrix:
    """Rotation of a panorama in a frame with X east, Y north; radians.

    Heading clockwise from north to the centre of the picture, pitch positive upwards, roll positive clockwise as the
    camera sees it (GPano XMP: PoseHeadingDegrees, PosePitchDegrees, PoseRollDegrees).
    """
    return matrix_from_euler((math.pi / 2 - heading, -pitch, roll), "ZYX")


def yaw_pitch_roll(panorama: Matrix) -> Vector:
    """(yaw, pitch, roll) of a panorama in radians: yaw counter-clockwise from +X, pitch up, roll clockwise."""
    yaw = math.atan2(panorama[1, 0], panorama[0, 0])
    pitch = math.atan2(panorama[2, 0], math.hypot(panorama[0, 0], panorama[1, 0]))
    roll = math.atan2(panorama[2, 1], panorama[2, 2])
    return yaw, pitch, roll


def angle_between(one: ArrayLike, other: ArrayLike) -> float:
    """Angle in radians, 0 to pi, of the turn from one rotation matrix to the other."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    sine = float(np.linalg.norm(a - b)) / (2 * math.sqrt(2))
    cosine = math.sqrt(max(0.0, 1 + float(np.trace(a.T @ b)))) / 2
    return 2 * math.atan2(sine, cosine)


def _wrapped(angle: float) -> float:
    """The same angle in (-pi, pi]."""
    return angle - 2 * math.pi * math.ceil((angle - math.pi) / (2 * math.pi))


def _shown(values: Sequence[float]) -> str:
    return ", ".join(str(value) for value in values)
