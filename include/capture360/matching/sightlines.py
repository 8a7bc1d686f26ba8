"""Lines of sight of readings: which readings of different stations may be of one plate.

A reading is compared only with those of the nearest stations, found by a k-d tree, so the work is linear in the number
of readings: a word such as PUMP may be read at every station of a site.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import acos, atan2, cos, radians
from typing import Any

import numpy as np
import numpy.typing as npt

from capture360.geometry.boxes import bounds
from capture360.geometry.rays import (
    Crossing,
    Vector,
    crossing,
    crossing_error,
    joined_crossings,
    line_height,
    pair_crossings,
    passing,
    ray_to,
    seen_at,
)
from capture360.model import Detection, Pose
from capture360.settings.matching import ConsensusSettings

NEAREST = 16
"""Stations that each station's readings are compared with: all within 5 m at a spacing of 2.5 m."""
_MAX_SIZE_RATIO = 1.5
_BESIDE_DEG = 2.0
"""Largest angle between two readings of one image that are parts of one plate."""
_MOST_CELLS = 4_000_000
"""Points times rays that are compared at once: some hundred megabytes."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Readings whose lines of sight meet in one point, as indices in the list of detections."""

    members: tuple[int, ...]
    crossing: Crossing


class Sightlines:
    """Rays to detections, by their index in a list; a detection of an image without a pose has none."""

    def __init__(self, detections: Sequence[Detection], poses: Mapping[str, Pose], settings: ConsensusSettings) -> None:
        self._detections = detections
        self._poses = poses
        self._settings = settings
        self._rays = {
            position: ray_to(pose, each)
            for position, each in enumerate(detections)
            if (pose := poses.get(each.image)) is not None
        }
        self.by_image: dict[str, list[int]] = defaultdict(list)
        for position in self._rays:
            self.by_image[detections[position].image].append(position)
        self._images = list(self.by_image)

    def has(self, position: int) -> bool:
        """Return whether a reading has a ray: its image has a pose."""
        return position in self._rays

    def pairs(self, positions: Sequence[int], others: Sequence[int] | None = None) -> npt.NDArray[np.int64]:
        """Return pairs (n, 2) of readings on different, near images: of `positions`, or of these with `others`."""
        from scipy.spatial import cKDTree

        ones = self._grouped(positions)
        seconds = ones if others is None else self._grouped(others)
        if not ones or not seconds:
            return np.empty((0, 2), np.int64)
        images = list(seconds)
        tree = cKDTree(np.array([self._poses[image].position for image in images]))
        count = min(NEAREST + 1, len(images))
        asked = list(ones)
        _, near = tree.query(np.array([self._poses[image].position for image in asked]), k=count)
        found: set[tuple[int, int]] = set()
        for image, places in zip(asked, np.reshape(near, (len(asked), count)), strict=True):
            for other in (images[place] for place in places):
                if other != image:
                    found.update(
                        (min(one, two), max(one, two)) for one in ones[image] for two in seconds[other] if one != two
                    )
        return np.array(sorted(found), np.int64).reshape(-1, 2)

    def _grouped(self, positions: Sequence[int]) -> dict[str, list[int]]:
        grouped: dict[str, list[int]] = defaultdict(list)
        for position in positions:
            if position in self._rays:
                grouped[self._detections[position].image].append(position)
        return grouped

    def residuals(self, pairs: npt.NDArray[np.int64]) -> Vector:
        """(n,) angle in radians by which the rays of each pair miss each other, parallel ones left out."""
        met = pair_crossings(self._origins, self._directions, pairs)
        return np.asarray(met.residuals[np.isfinite(met.residuals)])

    def meeting(self, pairs: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return the pairs whose rays meet, the most exact first."""
        settings = self._settings
        met = pair_crossings(self._origins, self._directions, pairs)
        good = np.isfinite(met.residuals) & (met.angles >= radians(settings.min_ray_angle_deg))
        good &= (met.depths >= settings.min_depth_m).all(axis=1) & (met.depths <= settings.max_depth_m).all(axis=1)
        good &= met.residuals <= radians(settings.max_residual_deg)
        order = np.flatnonzero(good)[np.argsort(met.residuals[good], kind="stable")]
        return [(int(one), int(other)) for one, other in pairs[order]]

    def roughly_meeting(self, pairs: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return the pairs that may show one plate at unknown distance, including rays that cross at a small angle."""
        settings = self._settings
        met = pair_crossings(self._origins, self._directions, pairs)
        rough = radians(2 * settings.max_residual_deg)
        near = (met.depths >= settings.min_depth_m).all(axis=1) & (met.depths <= 2 * settings.max_depth_m).all(axis=1)
        good = (np.isfinite(met.residuals) & near & (met.residuals <= rough)) | (
            met.angles <= radians(settings.min_ray_angle_deg)
        )
        return [(int(one), int(other)) for one, other in pairs[good]]

    def met(self, positions: Sequence[int]) -> Crossing | None:
        """Return where rays of different images meet; None if they do not."""
        settings = self._settings
        if len({self._detections[position].image for position in positions}) < len(positions):
            return None
        met = crossing([self._rays[position] for position in positions])
        if met is None or met.widest_angle < radians(settings.min_ray_angle_deg):
            return None
        near_enough = (met.depths >= settings.min_depth_m).all() and (met.depths <= settings.max_depth_m).all()
        return met if near_enough and met.residuals.max() <= radians(settings.max_residual_deg) else None

    def error_m(self, positions: Sequence[int]) -> float | None:
        """Standard deviation of the place where rays meet, in metres along its worst direction; None if they do not."""
        return crossing_error([self._rays[position] for position in positions])

    def meetings(self, positions: Sequence[int], taken: set[int]) -> list[Meeting]:
        """Cluster readings, one of each image, the largest cluster around a reading first; adds them to `taken`.

        Stations and plates are often equally high: then any two lines of sight to two plates side by side meet, and
        only a third one tells where the plate is.
        """
        pairs = self.meeting(self.pairs([position for position in positions if position not in taken]))
        near: dict[int, list[int]] = defaultdict(list)
        for one, other in pairs:
            near[one].append(other)
            near[other].append(one)
        found = []
        for one, other in pairs:
            if one in taken or other in taken:
                continue
            largest = self._grown((one, other), near, taken)
            for rival, count in self._rivals((one, other), near, taken):
                if count <= len(largest.members):
                    break
                grown = self._grown(rival, near, taken)
                if len(grown.members) > len(largest.members):
                    largest = grown
            taken.update(largest.members)
            found.append(Meeting(tuple(sorted(largest.members)), largest.crossing))
        return found

    def _rivals(
        self, pair: tuple[int, int], near: Mapping[int, Sequence[int]], taken: set[int]
    ) -> list[tuple[tuple[int, int], int]]:
        """Return the pairs that share a ray with this one, by the number of images that see their crossing, most first.

        To grow the cluster of each would take minutes where one tag hangs twenty times in a room.
        """
        around = set(pair) | {each for end in pair for each in near[end]} - taken
        found = {(min(each, end), max(each, end)) for end in pair for each in near[end] if each not in taken} - {pair}
        if not found:
            return []
        rivals = np.array(sorted(found), np.int64)
        asked = np.array(sorted(around.union(*(near[each] for each in around)) - taken), np.int64)
        asked = asked[np.argsort(self._image_numbers[asked], kind="stable")]
        starts = np.flatnonzero(np.diff(self._image_numbers[asked], prepend=-1))
        points = pair_crossings(self._origins, self._directions, rivals).points
        # A crossing of a narrow pair may be off along its rays, so the count takes more than can meet there.
        angle = radians(4 * self._settings.max_residual_deg)
        counts = np.concatenate(
            [
                np.logical_or.reduceat(
                    passing(self._origins[asked], self._directions[asked], some, angle), starts, axis=1
                ).sum(axis=1)
                for some in np.array_split(points, 1 + len(points) * len(asked) // _MOST_CELLS)
            ]
        )
        order = np.argsort(-counts, kind="stable")
        return [((int(rivals[at, 0]), int(rivals[at, 1])), int(counts[at])) for at in order]

    def _grown(self, pair: tuple[int, int], near: Mapping[int, Sequence[int]], taken: set[int]) -> Meeting:
        """Return the cluster of a pair that meets: all readings that meet it there, one of each image."""
        members = list(pair)
        met = self.met(members)
        assert met is not None
        asked = list(dict.fromkeys([*near[pair[0]], *near[pair[1]]]))
        while True:
            images = {self._detections[member].image for member in members}
            asked = [each for each in asked if each not in taken and self._detections[each].image not in images]
            for place in self._joining(members, asked):
                larger = self.met([*members, asked[place]])
                if larger is not None:
                    members.append(asked[place])
                    met = larger
                    asked = list(dict.fromkeys([*asked[place + 1 :], *near[asked[place]]]))
                    break
            else:
                return Meeting(tuple(members), met)

    def _joining(self, members: Sequence[int], asked: Sequence[int]) -> list[int]:
        """Return the places in a list of the readings that each meet all members, as `met` does, found all at once."""
        settings = self._settings
        rays = [self._rays[member] for member in members]
        residuals, depths = joined_crossings(rays, self._origins[list(asked)], self._directions[list(asked)])
        good = (depths >= settings.min_depth_m) & (depths <= settings.max_depth_m)
        good &= residuals <= radians(settings.max_residual_deg)
        return [int(place) for place in np.flatnonzero(good.all(axis=1))]

    def images_near(self, point: Vector) -> list[str]:
        """Return the images from which a plate at a point could be read."""
        if not self._images:
            return []
        return [self._images[place] for place in sorted(self._tree.query_ball_point(point, self._settings.max_depth_m))]

    def is_at(self, position: int, point: Vector) -> bool:
        """Return whether a point of the site lies behind a text."""
        detection = self._detections[position]
        place = seen_at(self._poses[detection.image], detection, point)
        if place is None:
            return False
        x_min, y_min, x_max, y_max = bounds(detection.extent)
        return x_min <= place[0] <= x_max and y_min <= place[1] <= y_max

    def are_of_one_size(self, positions: Sequence[int], point: Vector) -> bool:
        """Return whether the texts would be equally high at the point; a plate in front of it would not."""
        detections = [self._detections[position] for position in positions]
        heights = [line_height(self._poses[each.image], each, point) for each in detections]
        return 0 < max(heights) <= _MAX_SIZE_RATIO * min(heights)

    def passes(self, position: int, point: Vector, error_m: float) -> bool:
        """Return whether a ray may go through a point that is known with a standard deviation in metres."""
        ray = self._rays[position]
        towards = point - ray.origin
        distance = float(np.linalg.norm(towards))
        miss = acos(min(1.0, float(ray.direction @ towards) / distance)) if distance else 0.0
        return miss <= radians(2 * self._settings.max_residual_deg) + atan2(2 * error_m, distance)

    def are_beside(self, one: int, other: int) -> bool:
        """Return whether two readings of one image lie so near to each other that they are parts of one plate."""
        return float(self._rays[one].direction @ self._rays[other].direction) >= cos(radians(_BESIDE_DEG))

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(np.array([self._poses[image].position for image in self._images]))

    @cached_property
    def _image_numbers(self) -> npt.NDArray[np.int64]:
        numbers = {image: number for number, image in enumerate(self._images)}
        return np.array([numbers.get(detection.image, -1) for detection in self._detections], np.int64)

    @cached_property
    def _origins(self) -> Vector:
        return self._table([ray.origin for ray in self._rays.values()])

    @cached_property
    def _directions(self) -> Vector:
        return self._table([ray.direction for ray in self._rays.values()])

    def _table(self, vectors: Sequence[Vector]) -> Vector:
        table = np.full((len(self._detections), 3), np.nan)
        table[list(self._rays)] = np.array(vectors).reshape(-1, 3)
        return table
