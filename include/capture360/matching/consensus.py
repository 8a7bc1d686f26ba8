"""Resolve what several stations read of one plate: agreement promotes and contradiction demotes.

One reading in forty is wrong, but two independent readings of one plate hardly ever agree on the same wrong text (one
pair in two thousand, measured on rendered plates with PP-OCRv6). So a second station may stand in for an engine score
that was too low. It may not stand in for evidence that is wrong in the same way from everywhere: an ambiguous tag, a
plate that goes on, letters that look alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import degrees, radians
from statistics import median

import numpy as np

from capture360.geometry.polygons import bounds, touches_border
from capture360.geometry.rays import Crossing, Ray, Vector, crossing, line_height, ray_to, seen_at
from capture360.matching.edits import EditIndex, one_edit_apart
from capture360.matching.evidence import APPROVABLE
from capture360.matching.normalise import key
from capture360.matching.policy import ScoredMatch, Status, with_status
from capture360.model import MAX_TEXT_LENGTH, Asset, Pose
from capture360.rules.finding import Finding
from capture360.rules.links import L01, L02, L03
from capture360.settings.matching import ConsensusSettings

_MAX_SIZE_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """A plate seen by several stations. `members` are positions in the list of scored matches."""

    asset: Asset
    point: tuple[float, float, float]
    residual_deg: float
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Consensus:
    """The matches after all stations were compared, in the order given, where the plates are, and what is odd."""

    scored: list[ScoredMatch]
    sightings: list[Sighting]
    findings: list[Finding]


def resolve_consensus(
    scored: Sequence[ScoredMatch], poses: Mapping[str, Pose], settings: ConsensusSettings | None = None
) -> Consensus:
    """Compare all stations. `poses` is by external id of the image; a match without a pose is left as it is."""
    return ConsensusResolver(scored, poses, settings or ConsensusSettings()).resolve()


class ConsensusResolver:
    def __init__(self, scored: Sequence[ScoredMatch], poses: Mapping[str, Pose], settings: ConsensusSettings) -> None:
        self._scored = list(scored)
        self._poses = poses
        self._settings = settings
        self._findings: list[Finding] = []
        self._rays: dict[int, Ray] = {}
        self._by_asset: dict[str, list[int]] = defaultdict(list)
        self._by_image: dict[str, list[int]] = defaultdict(list)
        for position, each in enumerate(scored):
            pose = poses.get(each.match.detection.image)
            if each.match.asset is not None and pose is not None:
                self._rays[position] = ray_to(pose, each.match.detection)
                self._by_asset[each.match.asset.ref].append(position)
                self._by_image[each.match.detection.image].append(position)
        self._images = list(self._by_image)
        self._origins = np.array([poses[image].position for image in self._images]).reshape(-1, 3)

    def resolve(self) -> Consensus:
        wrong_poses = self._wrong_poses()
        if wrong_poses is not None:  # then where rays meet says nothing
            return Consensus(self._scored, [], [wrong_poses])
        sightings = [sighting for positions in self._by_asset.values() for sighting in self._sightings(positions)]
        self._promote(sightings)
        self._demote_in(sightings)
        self._demote_pairs(sightings)
        self._tell_places(sightings)
        return Consensus(self._scored, sightings, self._findings)

    def _sightings(self, positions: Sequence[int]) -> list[Sighting]:
        """Greedy clusters of one asset's rays, so that two plates of one tag stay two; best pairs first."""
        pairs = []
        for one, other in combinations(positions, 2):
            met = self._met([one, other])
            if met is not None:
                pairs.append((float(met.residuals.max()), one, other))
        taken: set[int] = set()
        sightings = []
        for _, one, other in sorted(pairs):
            if one in taken or other in taken:
                continue
            members = [one, other]
            for position in positions:
                if position not in taken and position not in members and self._met([*members, position]) is not None:
                    members.append(position)
            met = self._met(members)
            asset = self._scored[one].match.asset
            if met is None or asset is None:
                continue
            taken.update(members)
            x, y, z = (round(float(value), 3) for value in met.point)
            residual = degrees(float(met.residuals.max()))
            sightings.append(Sighting(asset, (x, y, z), residual, tuple(sorted(members))))
        return sightings

    def _met(self, positions: Sequence[int]) -> Crossing | None:
        """Where rays of different stations meet, if they do."""
        settings = self._settings
        if not self._are_apart(positions):
            return None
        met = crossing([self._rays[position] for position in positions])
        if met is None or met.widest_angle < radians(settings.min_ray_angle_deg):
            return None
        near_enough = (met.depths >= settings.min_depth_m).all() and (met.depths <= settings.max_depth_m).all()
        return met if near_enough and met.residuals.max() <= radians(settings.max_residual_deg) else None

    def _are_apart(self, positions: Sequence[int]) -> bool:
        images = {self._scored[position].match.detection.image for position in positions}
        return len(images) == len(positions)

    def _promote(self, sightings: Sequence[Sighting]) -> None:
        for sighting in sightings:
            good = [position for position in sighting.members if self._is_good(self._scored[position])]
            for position in good if len(good) > 1 else ():
                each = self._scored[position]
                if each.match.status == "suggested":
                    self._set(position, "approved", f"{len(good)} stations agree; alone: {each.match.reason}")

    def _is_good(self, each: ScoredMatch) -> bool:
        match, settings = each.match, self._settings
        return (
            each.evidence.kind in APPROVABLE
            and match.confidence >= settings.min_confidence
            and match.detection.score >= settings.min_score
            and not touches_border(match.detection.polygon)
            and len(match.detection.text) < MAX_TEXT_LENGTH
        )

    def _demote_in(self, sightings: Sequence[Sighting]) -> None:
        """A station that reads another tag exactly where others, meeting in one point, read this one."""
        for sighting in sightings:
            agreeing = {self._scored[position].match.detection.image for position in sighting.members}
            distances = np.linalg.norm(self._origins - np.array(sighting.point), axis=1)
            for place in np.flatnonzero(distances <= self._settings.max_depth_m):
                image = self._images[place]
                # A station that sees this tag by itself as well sees two plates.
                others = [] if image in agreeing else self._by_image[image]
                if any(self._names(position) == sighting.asset.ref for position in others):
                    continue
                for position in others:
                    if self._may_be_misread(position, sighting):
                        self._conflict([position, *sighting.members])

    def _may_be_misread(self, position: int, sighting: Sighting) -> bool:
        """Whether a text may be another reading of the plate: a sibling's tag, in its place and of its size."""
        point = np.array(sighting.point)
        members = [position, *sighting.members]
        siblings = any(one_edit_apart(a, b) for a in self._tags(position) for b in self._tags(sighting.members[0]))
        return siblings and self._is_at(position, point) and self._are_of_one_size(members, point)

    def _are_of_one_size(self, positions: Sequence[int], point: Vector) -> bool:
        """Whether the texts would be equally high if they hung there; a plate in front of the point would not."""
        detections = [self._scored[position].match.detection for position in positions]
        heights = [line_height(self._poses[each.image], each, point) for each in detections]
        return 0 < max(heights) <= _MAX_SIZE_RATIO * min(heights)

    def _names(self, position: int) -> str:
        asset = self._scored[position].match.asset
        assert asset is not None
        return asset.ref

    def _is_at(self, position: int, point: Vector) -> bool:
        detection = self._scored[position].match.detection
        place = seen_at(self._poses[detection.image], detection, point)
        if place is None:
            return False
        x_min, y_min, x_max, y_max = bounds(detection.polygon)
        return x_min <= place[0] <= x_max and y_min <= place[1] <= y_max

    def _demote_pairs(self, sightings: Sequence[Sighting]) -> None:
        """Two stations, one tag each, siblings, and their rays meet: one plate that one of them misread."""
        settled = {position for sighting in sightings for position in sighting.members}
        holders: dict[str, list[int]] = defaultdict(list)
        for position in self._rays.keys() - settled:
            for tag_key in self._tags(position):
                holders[tag_key].append(position)
        tag_keys = sorted(holders)
        pairs = {
            (min(one, other), max(one, other))
            for tag_key, near in zip(tag_keys, EditIndex(tag_keys).near(tag_keys), strict=True)
            for place in near
            for one in holders[tag_key]
            for other in holders[tag_keys[place]]
            if self._names(one) != self._names(other)
        }
        for one, other in sorted(pairs):
            # Two rays meet somewhere by chance often enough; only a text that may be misread makes it a contradiction.
            if min(self._scored[each].match.detection.score for each in (one, other)) >= self._settings.sure_score:
                continue
            met = None if self._see_both(one, other) else self._met([one, other])
            if met is not None and self._are_of_one_size([one, other], met.point):
                self._conflict([one, other])

    def _tags(self, position: int) -> set[str]:
        asset = self._scored[position].match.asset
        return set(map(key, asset.tags)) if asset else set()

    def _see_both(self, one: int, other: int) -> bool:
        """Whether one of the two stations has the other's tag as well, so that there are two plates."""
        names = {self._names(one), self._names(other)}
        return any(
            names <= {self._names(each) for each in self._by_image[self._scored[position].match.detection.image]}
            for position in (one, other)
        )

    def _conflict(self, positions: Sequence[int]) -> None:
        named = sorted({match.asset.name for position in positions if (match := self._scored[position].match).asset})
        told = " and ".join(named)
        for position in positions:
            each = self._scored[position]
            if each.match.status == "approved" and not each.manual:
                self._set(position, "suggested", f"stations disagree on this plate: {told}")
        first = self._scored[positions[0]].match.detection
        self._findings.append(L01.finding(where=f"{first.image} {first.face}", value=told))

    def _tell_places(self, sightings: Sequence[Sighting]) -> None:
        places: dict[str, list[Sighting]] = defaultdict(list)
        for sighting in sightings:
            if all(self._scored[position].evidence.kind in APPROVABLE for position in sighting.members):
                places[sighting.asset.ref].append(sighting)
        for some in places.values():
            far = max(
                (float(np.linalg.norm(np.subtract(one.point, other.point))) for one, other in combinations(some, 2)),
                default=0.0,
            )
            if far > self._settings.apart_m:
                name = some[0].asset.name
                self._findings.append(L02.finding(where=name, value=f"{far:.1f} m"))

    def _wrong_poses(self) -> Finding | None:
        """If the rays to most plates miss each other widely, the poses are wrong and not the plates."""
        usual_of_assets: list[float] = []
        for positions in self._by_asset.values():
            residuals = []
            for one, other in combinations(positions, 2):
                if self._scored[one].evidence.kind not in APPROVABLE or not self._are_apart([one, other]):
                    continue
                met = crossing([self._rays[one], self._rays[other]])
                if met is not None:
                    residuals.append(degrees(float(met.residuals.max())))
            if residuals:
                usual_of_assets.append(median(residuals))
        if len(usual_of_assets) < self._settings.pose_min_assets:
            return None
        usual = median(usual_of_assets)
        if usual <= self._settings.pose_residual_deg:
            return None
        return L03.finding(
            where=f"{len(usual_of_assets)} assets seen by several stations", value=f"{usual:.1f} degrees"
        )

    def _set(self, position: int, status: Status, reason: str) -> None:
        self._scored[position] = with_status(self._scored[position], status, reason)
