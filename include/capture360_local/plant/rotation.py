"""Rotations of the plant, independent of the product: p_world = R p + t with camera coordinates p.

Right-handed axes, Z up, metres and radians. Quaternions are (w, x, y, z).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def about(axis: Floats, angle: float) -> Floats:
    """Rotation by `angle` about `axis` (3,), counter-clockwise seen against the axis (Rodrigues' formula)."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix: Floats = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
    return matrix


def about_z(angle: float) -> Floats:
    """Rotation by `angle` about the vertical, counter-clockwise seen from above."""
    return about(np.array([0.0, 0.0, 1.0]), angle)


def matrix_of(quaternion: Floats) -> Floats:
    """Matrix (3, 3) of a quaternion (w, x, y, z); its length is divided out."""
    w, x, y, z = np.asarray(quaternion, dtype=float) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_of(matrix: Floats) -> Floats:
    """Unit quaternion (w, x, y, z) with w >= 0 of a rotation matrix.

    It is the eigenvector of the largest eigenvalue of Bar-Itzhack's symmetric matrix, which needs no case distinction.
    """
    m = np.asarray(matrix, dtype=float)
    trace = np.trace(m)
    symmetric = np.empty((4, 4))
    symmetric[0, 0] = trace
    symmetric[0, 1:] = symmetric[1:, 0] = (m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1])
    symmetric[1:, 1:] = m + m.T - trace * np.eye(3)
    quaternion: Floats = np.linalg.eigh(symmetric)[1][:, -1]
    return quaternion if quaternion[0] >= 0 else -quaternion


def tilt_of(matrix: Floats) -> float:
    """Angle between the camera's up and the world's up."""
    return float(np.arccos(np.clip(matrix[2, 2], -1.0, 1.0)))
