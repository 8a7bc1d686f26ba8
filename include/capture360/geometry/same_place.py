"""Images at the place of a station, which CDF extracts as often as it is asked to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from capture360.model import Pose

_SAME_PLACE_M = 0.01


def at_same_place(one: Pose, other: Pose) -> bool:
    """Return whether two positions are within a centimetre."""
    return math.dist(one.position, other.position) < _SAME_PLACE_M


def are_at_place(places: NDArray[np.float64], pose: Pose) -> NDArray[np.bool_]:
    """Return which places, rows of x, y and z in metres, are within a centimetre of a position."""
    distances: NDArray[np.float64] = np.linalg.norm(places - np.array(pose.position), axis=1)
    return distances < _SAME_PLACE_M
