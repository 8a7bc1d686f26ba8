"""Comparison of poses."""

from __future__ import annotations

import math

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
    return near and _turn(one, other) < _SAME_ANGLE


def near_pose(one: Pose, other: Pose) -> bool:
    """Return whether stations with these poses may share their history."""
    return math.dist(one.position, other.position) <= NEAR_M and math.degrees(_turn(one, other)) <= NEAR_DEG


def _turn(one: Pose, other: Pose) -> float:
    """Angle in radians, 0 to pi, between two rotations: four times that of half the chord between unit quaternions.

    Quaternions of opposite sign are the same rotation; a quaternion of no length is that of none.
    """
    a, b = (tuple(part / (math.hypot(*each.rotation) or 1.0) for part in each.rotation) for each in (one, other))
    chords = math.dist(a, b), math.dist(a, tuple(-part for part in b))
    return 4 * math.atan2(min(chords), max(chords))
