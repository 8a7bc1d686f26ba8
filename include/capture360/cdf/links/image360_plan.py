"""Plan the links of a data modeling project: what to create, to remove and to leave to people. Sends nothing."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from capture360.cdf.links.provenance import LinkKey, LinkRecord, LinkRegistry
from capture360.cdf.links.snapshot import LinkEdge, LinkSnapshot, image_ref
from capture360.geometry.polygons import clipped
from capture360.geometry.spherical_polygons import Outline, polygon_data
from capture360.model import Match, PublishedImage

_STEPS_A_RADIAN = 1e9
_SAME_ANGLE = 1e-4


@dataclass(frozen=True, slots=True)
class WantedLink:
    """All polygons of one asset on one image, as CDF's list of numbers; `names` is the asset's name."""

    data: tuple[float, ...]
    names: str

    @property
    def digest(self) -> str:
        return _digest(self.data)

    def is_shown_by(self, edge: LinkEdge) -> bool:
        return len(edge.polygon) == len(self.data) and bool(
            np.allclose(edge.polygon, self.data, rtol=0, atol=_SAME_ANGLE)
        )


@dataclass(slots=True)
class LinkPlan:
    """What `Image360Links.write` has to do."""

    create: list[LinkKey] = field(default_factory=list)
    remove: dict[LinkKey, list[LinkEdge]] = field(default_factory=dict)
    """Capture360's edges to delete: pairs that are no longer wanted or have other polygons, and duplicates."""
    adopt: dict[LinkKey, LinkEdge] = field(default_factory=dict)
    """Pairs linked by a run that was killed before it read the edge."""
    forget: list[LinkKey] = field(default_factory=list)
    decided: list[LinkKey] = field(default_factory=list)
    """Wanted pairs that others linked or changed."""
    kept: int = 0


def wanted_links(
    images: Sequence[PublishedImage], matches: Sequence[Match]
) -> tuple[dict[LinkKey, WantedLink], list[str]]:
    """Return the approved matches by pair, and sentences about polygons that exceed CDF's limit."""
    refs = {image.external_id: image_ref(image) for image in images}
    outlines: dict[LinkKey, list[Outline]] = defaultdict(list)
    names: dict[LinkKey, str] = {}
    for match in matches:
        if match.status != "approved" or match.asset is None:
            continue
        polygon = clipped(match.detection.polygon)
        if polygon is None:
            raise ValueError(f"the outline of {match.detection.text!r} lies outside its face")
        pair = LinkKey(match.asset.ref, refs[match.detection.image])
        outlines[pair].append((match.detection.face, polygon))
        names[pair] = match.asset.name
    wanted: dict[LinkKey, WantedLink] = {}
    problems = []
    for pair, parts in outlines.items():
        data, left_out = polygon_data(sorted(parts))
        wanted[pair] = WantedLink(tuple(_cut(number) for number in data), names[pair])
        if left_out:
            problems.append(
                f"{left_out} of {len(parts)} outlines of {names[pair]} on {pair.image} are more than CDF accepts."
            )
    return wanted, problems


def plan_links(
    registry: LinkRegistry, images: Sequence[str], wanted: Mapping[LinkKey, WantedLink], there: LinkSnapshot
) -> LinkPlan:
    """Compare the wanted and the recorded pairs of these images with what CDF shows."""
    plan = LinkPlan()
    for pair in dict.fromkeys([*wanted, *registry.of(images)]):
        wish, made, edges = wanted.get(pair), registry.get(pair), there.links.get(pair, [])
        ours = our_edges(registry, pair, edges, wish)
        if made is None:
            if edges:
                plan.decided.append(pair)
            else:
                plan.create.append(pair)
        elif len(ours) < len(edges) or (made.edges and {edge.name: edge.version for edge in ours} != made.edges):
            if wish is not None:
                plan.decided.append(pair)
        elif wish is None:
            if edges:
                plan.remove[pair] = edges
            else:
                plan.forget.append(pair)
        elif good := next((edge for edge in edges if _is_as_wished(wish, made, edge)), None):
            plan.kept += 1
            if len(edges) > 1:
                plan.remove[pair] = [edge for edge in edges if edge is not good]
            if not made.edges:
                plan.adopt[pair] = good
        else:
            plan.create.append(pair)
            if edges:
                plan.remove[pair] = edges
    return plan


def forgotten_links(
    registry: LinkRegistry, plan: LinkPlan, wanted: Mapping[LinkKey, WantedLink], there: LinkSnapshot
) -> dict[LinkKey, LinkEdge]:
    """Return unrecorded pairs whose edges equal the wanted polygons exactly, which nobody else would create."""
    found: dict[LinkKey, LinkEdge] = {}
    for pair in plan.decided:
        ours = next((edge for edge in there.links[pair] if wanted[pair].is_shown_by(edge)), None)
        if ours is not None and registry.get(pair) is None:
            found[pair] = ours
    return found


def our_edges(
    registry: LinkRegistry, pair: LinkKey, edges: Sequence[LinkEdge], wish: WantedLink | None = None
) -> list[LinkEdge]:
    """Return the edges that capture360 created.

    Of a recorded pair whose edges were never read, those with the polygons that were about to be sent, or are
    wanted now: others may have linked the pair since.
    """
    made = registry.get(pair)
    if made is None:
        return []
    if made.edges:
        return [edge for edge in edges if edge.name in made.edges]
    return [edge for edge in edges if _digest(edge.polygon) == made.digest or (wish and wish.is_shown_by(edge))]


def is_recorded(registry: LinkRegistry, pairs: Sequence[LinkKey], edge: LinkEdge) -> bool:
    """Return whether this edge was recorded for one of the pairs."""
    return any(edge.name in made.edges for pair in pairs if (made := registry.get(pair)))


def _is_as_wished(wish: WantedLink, made: LinkRecord, edge: LinkEdge) -> bool:
    """Compare by the recorded digest if there is one, since CDF may round numbers; by its numbers otherwise."""
    return wish.digest == made.digest if made.edges else wish.is_shown_by(edge)


def record_of(wanted: WantedLink, edge: LinkEdge) -> LinkRecord:
    """Return the record of a pair that this edge shows."""
    return LinkRecord(wanted.digest, {edge.name: edge.version})


def _digest(polygon: Sequence[float]) -> str:
    return hashlib.sha256(json.dumps(list(polygon)).encode()).hexdigest()[:16]


def _cut(number: float) -> float:
    """Round down to nine digits: pi rounded up exceeds pi, which CDF refuses."""
    return math.floor(number * _STEPS_A_RADIAN) / _STEPS_A_RADIAN
