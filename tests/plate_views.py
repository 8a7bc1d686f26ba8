"""Detections of plates at points of a site, as the faces of an image show them."""

from __future__ import annotations

import numpy as np

from capture360.geometry.projection import face_and_point
from capture360.geometry.rotation import matrix_from_quaternion
from capture360.model import Detection, Pose


def seen_from(
    pose: Pose,
    image: str,
    text: str,
    point: tuple[float, float, float],
    score: float,
    height_m: float | None = None,
) -> Detection:
    """Return the view of a text that is three times as long as high, by default two hundredths of the face high."""
    direction = (np.array(point) - pose.position) @ matrix_from_quaternion(pose.rotation)
    face, (u, v) = face_and_point(direction)
    half = 0.01 if height_m is None else height_m / 4 / float(np.abs(direction).max())
    corners = tuple((u + 3 * x * half, v + y * half) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
    return Detection(image, face, text, score, corners)
