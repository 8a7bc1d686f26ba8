"""Plates that several stations see, and what is odd about their places: scattered assets, poses that cannot be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from capture360.geometry.rays import Vector
from capture360.matching.evidence import APPROVABLE
from capture360.matching.policy import ScoredMatch
from capture360.matching.readings import Reading
from capture360.matching.sightlines import Sightlines
from capture360.model import Asset
from capture360.rules.finding import Finding
from capture360.rules.links import L02, L03
from capture360.settings.matching import ConsensusSettings


@dataclass(frozen=True, slots=True)
class Sighting:
    """A plate seen by several stations. `members` are indices in the list of scored matches.

    `error_m` is the standard deviation of `point` along its worst direction, None if its rays hardly meet.
    """

    asset: Asset
    point: tuple[float, float, float]
    residual_deg: float
    error_m: float | None
    members: tuple[int, ...]


def scattered(sightings: Iterable[Sighting], scored: Sequence[ScoredMatch], apart_m: float) -> Iterator[Finding]:
    """Yield a finding for each asset whose plates are seen more than `apart_m` metres apart."""
    places: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        if all(scored[position].evidence.kind in APPROVABLE for position in sighting.members):
            places[sighting.asset.ref].append(sighting)
    for some in places.values():
        far = _extent(np.array([sighting.point for sighting in some]))
        if far > apart_m:
            yield L02.finding(where=some[0].asset.name, value=f"{far:.1f} m")


@dataclass(frozen=True, slots=True)
class RayMisses:
    """Angle in degrees by which the rays to the plates of one asset usually miss each other, over some assets."""

    usual_deg: float
    assets: int


def ray_misses(
    readings: Sequence[Reading], by_asset: Mapping[str, Sequence[int]], sight: Sightlines, settings: ConsensusSettings
) -> RayMisses | None:
    """Return by how much rays to one plate miss each other; None if too few assets are seen from several stations.

    Parts and look-alikes count too: most are the tag as which they are read, and rooms with few plates need them.
    """
    usual_of_assets: list[float] = []
    for ref, numbers in by_asset.items():
        sure = [number for number in numbers if readings[number].says(ref)]
        residuals = sight.residuals(sight.pairs(sure)) if len(sure) > 1 else np.empty(0)
        if len(residuals):
            usual_of_assets.append(float(np.degrees(np.median(residuals))))
    if len(usual_of_assets) < settings.pose_min_assets:
        return None
    return RayMisses(median(usual_of_assets), len(usual_of_assets))


def wrong_poses_of(misses: RayMisses | None, settings: ConsensusSettings) -> Finding | None:
    """Return a finding if the rays to most plates miss each other widely: then the poses are wrong."""
    if misses is None or misses.usual_deg <= settings.pose_residual_deg:
        return None
    return L03.finding(
        where=f"{misses.assets} assets seen by several stations", value=f"{misses.usual_deg:.1f} degrees"
    )


def _extent(points: Vector) -> float:
    """Return the largest distance from one of the outermost points (n, 3) along an axis to any other."""
    outermost = points[np.unique([points.argmin(axis=0), points.argmax(axis=0)])]
    return max(float(np.linalg.norm(points - one, axis=1).max()) for one in outermost)
