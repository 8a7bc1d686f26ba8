"""Lines of sight of plates without a place: those that a single station sees are somewhere along one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from math import radians, tan
from typing import Any

import numpy as np

from capture360.geometry.rays import Vector, ray_to
from capture360.matching.nearby import error_of
from capture360.matching.places import Place
from capture360.matching.plates import one_place_m
from capture360.model import Detection, Match, Pose

_MISS = radians(2.5)
"""Angle by which the lines of sight of two captures may miss one plate."""
_NEAREST_M = 0.3
"""Least distance of a plate that a station reads: the lines from one mark meet in it."""
_STEP_M = 0.1
"""Distance of points along a line that are compared with another line: less than one plate may be off."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A line of sight in metres in the site frame, along which a plate is up to `reach_m` away."""

    position: tuple[float, float, float]
    direction: tuple[float, float, float]
    reach_m: float

    @classmethod
    def of(cls, pose: Pose, detection: Detection, reach_m: float) -> Sight:
        """Return the line of sight from a station to a text."""
        ray = ray_to(pose, detection)
        x, y, z = (round(float(value), 6) for value in ray.direction)
        return cls(pose.position, (x, y, z), reach_m)

    @property
    def ends(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Where it begins and where it ends, in metres."""
        (x, y, z), (right, up, out) = self.position, self.direction
        return (x, y, z), (x + right * self.reach_m, y + up * self.reach_m, z + out * self.reach_m)

    @property
    def miss_m(self) -> float:
        """The distance in metres by which it may miss a plate of no error."""
        return one_place_m(0.0) + self.reach_m * tan(_MISS)

    def may_show(self, place: Place) -> bool:
        """Return whether a plate in a place may be on this line."""
        return self._passes(np.array([place.position]), error_of(place))

    def may_meet(self, other: Sight) -> bool:
        """Return whether one plate may be on both lines."""
        along = np.arange(_NEAREST_M, other.reach_m + _STEP_M, _STEP_M)
        return self._passes(np.array(other.position) + along[:, None] * np.array(other.direction), 0.0)

    def _passes(self, points: Vector, error_m: float) -> bool:
        towards = points - np.array(self.position)
        distances = np.maximum(np.linalg.norm(towards, axis=1), _STEP_M)
        misses = np.arccos(np.clip(towards @ np.array(self.direction) / distances, -1, 1))
        off = one_place_m(error_m)
        return bool(((misses <= _MISS + np.arctan2(off, distances)) & (distances <= self.reach_m + off)).any())

    def document(self) -> dict[str, Any]:
        """Return the line as JSON values, but for how far plates are read."""
        return {"position": list(self.position), "direction": list(self.direction)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], reach_m: float) -> Sight:
        """Build a line from its `document`."""
        return cls(tuple(document["position"]), tuple(document["direction"]), reach_m)


def sights_of(
    matches: Iterable[Match], places: Container[str], poses: Mapping[str, Pose], reach_m: float
) -> dict[str, list[Sight]]:
    """Return the lines of sight of the plates without a place, by their names."""
    views: dict[str, dict[Detection, Pose]] = defaultdict(dict)
    for match in matches:
        pose = poses.get(match.detection.image)
        if match.plate and match.plate not in places and pose is not None:
            views[match.plate][match.detection] = pose
    return {name: [Sight.of(pose, seen, reach_m) for seen, pose in some.items()] for name, some in views.items()}
