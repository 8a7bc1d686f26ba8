"""Quality of each view of a plate: size, completeness, distance and angle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, degrees, radians

import numpy as np

from capture360.geometry.polygons import along_and_across, reading_direction
from capture360.geometry.rays import Ray, Vector, crossing, ray_through, ray_to
from capture360.model import Detection, Pose

_MAX_END_RESIDUAL = radians(1.0)
"""Angle by which rays to one end of a line of text may miss each other; with more they are not of the same end."""
_MAX_LINE_M = 3.0
"""Longest plausible line of text on a plate."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A view of a plate. Sizes are those of its text in pixels of the face; None if unknown.

    `angle_deg` is the angle between the line of sight and the plane perpendicular to the line of text: 0 if the text
    appears in full width, 90 if it is seen end-on. It needs two stations that see both ends.
    """

    detection: Detection
    width_px: float | None
    height_px: float | None
    distance_m: float | None
    angle_deg: float | None


def viewpoints(
    detections: Sequence[Detection], poses: Mapping[str, Pose], resolution: int, point: Sequence[float] | None
) -> list[Viewpoint]:
    """Return the views of one plate, the best first: cut texts last, then by area in pixels and by angle.

    `poses` is by external id of the image, in the frame of `point`, the plate's place, None if it is not known.
    `resolution` is that of a face in pixels, 0 if it is not known.
    """
    line = _line(detections, poses) if point is not None else None
    found = [_viewpoint(each, poses.get(each.image), resolution, point, line) for each in detections]
    return sorted(found, key=quality, reverse=True)


def quality(view: Viewpoint) -> tuple[bool, float]:
    """Return the sort key of a view, larger for better ones: whole or not known to be cut, then area and angle.

    The area already contains distance and angle; the angle counts twice, since letters seen obliquely run together.
    """
    if view.width_px is not None and view.height_px is not None:
        area = view.width_px * view.height_px
    else:
        first, last, top, bottom = along_and_across(view.detection.extent, reading_direction(view.detection.extent))
        area = (last - first) * (bottom - top)
    return view.detection.whole is not False, area * cos(radians(view.angle_deg or 0.0))


def _viewpoint(
    detection: Detection, pose: Pose | None, resolution: int, point: Sequence[float] | None, line: Vector | None
) -> Viewpoint:
    first, last, top, bottom = along_and_across(detection.extent, reading_direction(detection.extent))
    width = round((last - first) * resolution, 1) if resolution else None
    height = round((bottom - top) * resolution, 1) if resolution else detection.cap_px
    distance = angle = None
    if pose is not None and point is not None:
        distance = round(float(np.linalg.norm(np.asarray(point) - pose.position)), 2)
    if pose is not None and line is not None:
        along = abs(float(ray_to(pose, detection).direction @ line))
        angle = round(degrees(asin(min(1.0, along))), 1)
    return Viewpoint(detection, width, height, distance, angle)


def _line(detections: Sequence[Detection], poses: Mapping[str, Pose]) -> Vector | None:
    """Return the unit vector along the line of text in the site frame, from its two ends; None if undetermined."""
    ends: list[list[Ray]] = [[], []]
    downs: list[Vector] = []
    for detection in detections:
        pose = poses.get(detection.image)
        if pose is not None and len(detection.extent) == 4 and detection.whole is not False:
            left, right, top, bottom = (ray_through(pose, detection.face, place) for place in _middles(detection))
            ends[0].append(left)
            ends[1].append(right)
            downs.append(bottom.direction - top.direction)
    if any(down @ downs[0] <= 0 for down in downs):
        return None  # a text that one station sees upside down: its first corner is not that of the others
    met = [crossing(rays) for rays in ends]
    points = [each.point for each in met if each is not None and each.residuals.max() <= _MAX_END_RESIDUAL]
    if len(points) < 2:
        return None
    along = points[1] - points[0]
    length = float(np.linalg.norm(along))
    return along / length if 0 < length <= _MAX_LINE_M else None


def _middles(detection: Detection) -> list[Vector]:
    """Return the middles of the left, right, top and bottom side of an outline of four corners."""
    corners = np.asarray(detection.extent, dtype=np.float64)
    return [corners[list(pair)].mean(axis=0) for pair in ((0, 3), (1, 2), (0, 1), (3, 2))]
