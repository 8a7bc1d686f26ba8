"""Plan the links of a data modeling project: what to create, to remove and to leave to people. Sends nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np

from capture360.cdf.link_ports import ImageLinks, LeftLinks
from capture360.cdf.links.provenance import LinkEdge, LinkKey, is_unchanged
from capture360.cdf.links.snapshot import LinkSnapshot, image_ref
from capture360.geometry.polygons import clipped
from capture360.geometry.spherical_polygons import Outline, polygon_data
from capture360.model import Match, PublishedImage

_STEPS_A_RADIAN = 1e9
_SAME_ANGLE = 1.5e-9
"""Radians; a step of the rounding, since a number may fall on either side of it."""


@dataclass(frozen=True, slots=True)
class WantedLink:
    """All polygons of one asset on one image, as CDF's list of numbers; `names` is the asset's name.

    `confidence` is that of the surest of its matches.
    """

    data: tuple[float, ...]
    names: str
    confidence: float

    def is_shown_by(self, edge: LinkEdge) -> bool:
        """Return whether an edge has these polygons, but for rounding."""
        return len(edge.polygon) == len(self.data) and bool(
            np.allclose(edge.polygon, self.data, rtol=0, atol=_SAME_ANGLE)
        )


@dataclass(slots=True)
class LinkPlan:
    """What `Image360Links.write` has to do."""

    create: list[LinkKey] = field(default_factory=list)
    mark: dict[LinkKey, LinkEdge] = field(default_factory=dict)
    """Edges that a run created and did not live to mark."""
    replaced: dict[LinkKey, list[LinkEdge]] = field(default_factory=dict)
    """Capture360's edges to delete once the pair has the wanted one: duplicates, and those with other polygons."""
    outdated: dict[LinkKey, list[LinkEdge]] = field(default_factory=dict)
    """Capture360's edges of pairs that are no longer wanted."""
    orphans: list[LinkEdge] = field(default_factory=list)
    """Capture360's edges whose asset was deleted."""
    decided: list[LinkKey] = field(default_factory=list)
    """Wanted pairs that others linked, changed or unlinked."""
    left: list[LinkKey] = field(default_factory=list)
    """Pairs that capture360 linked before and does not remove, whether or not people removed them."""
    kept: int = 0

    @property
    def changed(self) -> list[LinkKey]:
        """Wanted pairs that capture360 linked, and that people changed or unlinked since."""
        ours = set(self.left)
        return [pair for pair in self.decided if pair in ours]


def wanted_links(
    images: Sequence[PublishedImage], matches: Sequence[Match]
) -> tuple[dict[LinkKey, WantedLink], list[str]]:
    """Return the approved matches by pair, and sentences about polygons that exceed CDF's limit."""
    refs = {image.external_id: image_ref(image) for image in images}
    outlines: dict[LinkKey, list[Outline]] = defaultdict(list)
    names: dict[LinkKey, str] = {}
    confidence: dict[LinkKey, float] = defaultdict(float)
    for match in matches:
        if match.status != "approved" or match.asset is None:
            continue
        polygon = clipped(match.detection.polygon)
        if polygon is None:
            raise ValueError(f"the outline of {match.detection.text!r} lies outside its face")
        pair = LinkKey(match.asset.ref, refs[match.detection.image])
        outlines[pair].append((match.detection.face, polygon))
        names[pair] = match.asset.name
        confidence[pair] = max(confidence[pair], match.confidence)
    wanted: dict[LinkKey, WantedLink] = {}
    problems = []
    for pair, parts in outlines.items():
        data, left_out = polygon_data(sorted(parts))
        wanted[pair] = WantedLink(tuple(_cut(number) for number in data), names[pair], confidence[pair])
        if left_out:
            problems.append(
                f"{left_out} of {len(parts)} outlines of {names[pair]} on {pair.image} are more than CDF accepts."
            )
    return wanted, problems


def plan_links(
    before: LeftLinks,
    wanted: Mapping[LinkKey, WantedLink],
    there: LinkSnapshot,
    lost: AbstractSet[LinkKey] = frozenset(),
) -> LinkPlan:
    """Compare the wanted pairs, and those that the last run left, with what CDF shows.

    What was `lost` of these, as no person chose to, is created again.
    """
    expected = expected_links(before, there) - lost
    marked = [pair for pair, edges in there.links.items() if any(edge.is_marked for edge in edges)]
    plan = LinkPlan(orphans=our_orphans(wanted, there))
    without_asset = _pairs_of(plan.orphans, expected)
    for pair in dict.fromkeys([*wanted, *sorted({*expected, *marked})]):
        wish, edges = wanted.get(pair), there.links.get(pair, [])
        ours = our_edges(edges, wish)
        if not edges:
            if pair in expected and pair not in without_asset:
                plan.left.append(pair)
                if wish is not None:
                    plan.decided.append(pair)
            elif wish is not None:
                plan.create.append(pair)
        elif any(edge not in ours or not _is_untouched(pair, edge) for edge in edges):
            if wish is not None:
                plan.decided.append(pair)
            if ours:
                plan.left.append(pair)
        elif wish is None:
            plan.outdated[pair] = edges
        elif shown := [edge for edge in edges if wish.is_shown_by(edge)]:
            good = next((edge for edge in shown if edge.is_marked), shown[0])
            plan.kept += 1
            plan.left.append(pair)
            plan.replaced[pair] = [edge for edge in edges if edge is not good]
            if not good.is_marked:
                plan.mark[pair] = good
        else:
            plan.create.append(pair)
            plan.replaced[pair] = edges
    return plan


def our_edges(edges: Sequence[LinkEdge], wish: WantedLink | None) -> list[LinkEdge]:
    """Return the edges that capture360 created.

    An edge that nobody marked and that has exactly the wanted polygons is from a run that was killed before it could
    mark it.
    """
    return [edge for edge in edges if edge.is_marked or (edge.is_bare and wish is not None and wish.is_shown_by(edge))]


def _is_untouched(pair: LinkKey, edge: LinkEdge) -> bool:
    return edge.is_bare or is_unchanged(pair, edge)


def expected_links(before: LeftLinks, there: LinkSnapshot) -> set[LinkKey]:
    """Return the pairs that the last run left, on images that were not created anew since."""
    return {
        LinkKey(asset, image)
        for image, created in there.created.items()
        if (left := before.get(image)) is not None and left.created == created
        for asset in left.assets
    }


def our_orphans(wanted: Mapping[LinkKey, WantedLink], there: LinkSnapshot) -> list[LinkEdge]:
    """Return capture360's edges whose asset was deleted, as `our_edges` does."""
    wishes: dict[str, list[WantedLink]] = defaultdict(list)
    for pair, wish in wanted.items() if there.orphans else ():
        wishes[pair.image].append(wish)
    return [
        edge
        for image, edges in there.orphans.items()
        for edge in edges
        if edge.is_marked or (edge.is_bare and any(wish.is_shown_by(edge) for wish in wishes[image]))
    ]


def _pairs_of(orphans: Sequence[LinkEdge], pairs: set[LinkKey]) -> set[LinkKey]:
    """Return which of the pairs these edges linked: their mark tells it, though they lead to no asset any more."""
    on: dict[str, list[LinkKey]] = defaultdict(list)
    for pair in pairs if orphans else ():
        on[pair.image].append(pair)
    return {pair for edge in orphans for pair in on.get(edge.image, ()) if is_unchanged(pair, edge)}


def _cut(number: float) -> float:
    """Round down to nine digits: pi rounded up exceeds pi, which CDF refuses."""
    return math.floor(number * _STEPS_A_RADIAN) / _STEPS_A_RADIAN


def ours_and_others(wanted: Mapping[LinkKey, WantedLink], there: LinkSnapshot) -> tuple[list[LinkEdge], list[LinkEdge]]:
    """Return capture360's edges, and those of others."""
    ours = [edge for pair, edges in there.links.items() for edge in our_edges(edges, wanted.get(pair))]
    ours += our_orphans(wanted, there)
    edges = [edge for group in (there.links, there.orphans) for some in group.values() for edge in some]
    names = {edge.name for edge in ours}
    return ours, [edge for edge in edges if edge.name not in names]


def spaces_left(before: LeftLinks) -> tuple[list[str], list[str]]:
    """Return the spaces of the links that the last run left, and those of their objects."""
    objects = {thing.partition("/")[0] for links in before.values() for thing in links.objects.values()}
    return sorted({space for links in before.values() for space in links.spaces}), sorted(objects)


def left_by_image(pairs: Sequence[LinkKey], there: LinkSnapshot, new: Mapping[LinkKey, LinkEdge]) -> LeftLinks:
    """Return the pairs as they are recorded; an image without any replaces what was left on it before."""
    assets: dict[str, list[str]] = {image: [] for image in there.created}
    objects: dict[str, dict[str, str]] = {image: {} for image in there.created}
    spaces: dict[str, set[str]] = {image: set() for image in there.created}
    for pair in sorted(pairs):
        assets[pair.image].append(pair.asset)
        if edges := [new[pair]] if pair in new else there.links.get(pair):
            objects[pair.image][pair.asset] = "/".join(edges[0].start)
            spaces[pair.image].add(edges[0].space)
    return {
        image: ImageLinks(there.created[image], tuple(some), objects[image], tuple(sorted(spaces[image])))
        for image, some in sorted(assets.items())
    }
