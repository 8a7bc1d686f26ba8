"""Comparison of poses."""

from __future__ import annotations

import math

import numpy as np

from capture360.geometry.rotation import angle_between, matrix_from_quaternion
from capture360.model import Pose

SAME_NUMBER = 1e-6
"""Share of a number, or the number itself if it is smaller than one, that single precision may lose."""
_SAME_ANGLE = 1e-6
"""Radians; above what single precision loses, and far below a pixel of a face."""
NEAR_M, NEAR_DEG = 0.01, 0.1
"""Distance and turn up to which a station counts as unmoved."""


def same_pose(one: Pose, other: Pose) -> bool:
    """Whether two poses are equal but for rounding. Rotations are compared, not angles."""
    near = all(
        math.isclose(a, b, rel_tol=SAME_NUMBER, abs_tol=SAME_NUMBER)
        for a, b in zip(one.position, other.position, strict=True)
    )
    turn = angle_between(matrix_from_quaternion(one.rotation), matrix_from_quaternion(other.rotation))
    return near and turn < _SAME_ANGLE


def near_pose(one: Pose, other: Pose) -> bool:
    """Return whether stations with these poses may share their history."""
    metres = float(np.linalg.norm(np.subtract(one.position, other.position)))
    turn = angle_between(matrix_from_quaternion(one.rotation), matrix_from_quaternion(other.rotation))
    return metres <= NEAR_M and float(np.degrees(turn)) <= NEAR_DEG
