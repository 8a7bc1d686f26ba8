"""Links that people removed in a data modeling project, as far as it is certain that they are not only hidden.

CDF keeps no trace of a deleted edge, and leaves out without a word what credentials may not read and what an index does
not show yet. So an edge counts as removed only where CDF shows other edges of capture360 on the same images, the
asset still has the Cognite3DObject that the link started at, and a second reading of all that leads from that object to
the image, in any space and view, has none. Links of an asset whose object was deleted or exchanged were not judged one
by one: see `lost_objects`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from capture360.batches import batched
from capture360.cdf.core_views import ASSET, OBJECT_3D
from capture360.cdf.instances import PAGE, WRITE_ITEMS, Instances, parsed_ref, relation
from capture360.cdf.link_ports import SOMEBODY
from capture360.cdf.links.image360_plan import WantedLink
from capture360.cdf.links.provenance import LinkEdge, LinkKey, is_unchanged
from capture360.cdf.links.snapshot import LinkSnapshot, image_ref
from capture360.geometry.polygons import clipped
from capture360.geometry.projection import face_directions
from capture360.geometry.spherical_polygons import polygons
from capture360.matching.decisions import Decided, moment_of
from capture360.model import Match, PublishedImage

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes.data_modeling import DirectRelationReference

_REJECTED = "Rejected"
"""CogniteAnnotation's status."""
_AT_ONCE = 20
"""Pairs of one filter."""
_SET_BACK_VERSION = 4
"""Lowest version of an edge that was set back: it was created, marked as capture360's, rejected and changed again."""
_SAME_CORNER = 1e-8
"""Radians; several steps of the rounding of polygons."""
_Id = tuple[str, str]


def rejected_by_people(wanted: Mapping[LinkKey, WantedLink], there: LinkSnapshot) -> dict[LinkKey, int]:
    """Return the wanted pairs whose edge by capture360, with the outlines that are wanted, somebody marked rejected.

    With the time in ms when they did.
    """
    return {
        pair: edge.updated
        for pair, wish in wanted.items()
        for edge in there.links.get(pair, ())
        if edge.is_marked and edge.properties.get("status") == _REJECTED and wish.is_shown_by(edge)
    }


def restored_by_people(
    known: Sequence[Decided], shown: Mapping[str, PublishedImage], there: LinkSnapshot
) -> Iterator[Decided]:
    """Yield approvals of links that somebody had rejected and whose edges are as capture360 marked them again.

    `shown` are the images by external id. An edge that was not changed since the rejection was not set back, nor was
    one that was created since, that is of another plate, or that capture360 alone has changed.
    """
    for each in known:
        image = shown.get(each.match.detection.image)
        if each.match.asset is None or image is None or (each.status, each.by) != ("rejected", SOMEBODY):
            continue
        pair = LinkKey(each.match.asset.ref, image_ref(image))
        restored = [
            edge.updated
            for edge in there.links.get(pair, ())
            if moment_of(moment_in(edge.created)) <= each.moment < moment_of(moment_in(edge.updated))
            if edge.version >= _SET_BACK_VERSION and is_unchanged(pair, edge) and _shows(edge, each.match)
        ]
        if restored:
            yield replace(each, status="approved", at=moment_in(max(restored)))


def _shows(edge: LinkEdge, match: Match) -> bool:
    """Return whether the outline of a match is one of the edge's polygons, or part of one: they share a corner."""
    outline = clipped(match.detection.polygon)
    if outline is None or not edge.polygon:
        return False
    corners = np.concatenate([*polygons(edge.polygon)])
    apart = corners[:, np.newaxis] - face_directions(match.detection.face, outline)
    return bool(np.linalg.norm(apart, axis=2).min() < _SAME_CORNER)


def moment_in(ms: int) -> str:
    """Return a time of CDF in ISO 8601."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def removed_by_people(client: CogniteClient, pairs: Mapping[LinkKey, str], there: LinkSnapshot) -> list[LinkKey]:
    """Return which of the pairs, that capture360 linked and `there` does not show, people have unlinked.

    `pairs` have the objects where their links started, by reference.
    """
    if not any(edge.is_marked for edges in there.links.values() for edge in edges):
        return []
    missing = [pair for pair in pairs if not there.links.get(pair) and not there.orphans.get(pair.image)]
    objects = _objects_of(client, {pair.asset for pair in missing})
    ends = {
        pair: (objects[pair.asset], parsed_ref(pair.image))
        for pair in missing
        if "/".join(objects.get(pair.asset, ())) == pairs[pair]
    }
    linked = _linked(client, sorted(set(ends.values())))
    return [pair for pair, both in ends.items() if both not in linked]


def _objects_of(client: CogniteClient, assets: set[str]) -> dict[str, _Id]:
    """Return the Cognite3DObjects of the assets, where both exist, by reference of the asset."""
    found: dict[str, _Id] = {}
    instances = Instances(client)
    for some in batched(sorted(assets), WRITE_ITEMS):
        named: dict[str, _Id] = {}
        for node in instances.nodes([parsed_ref(asset) for asset in some], ASSET):
            if related := ASSET.properties_of(node).get("object3D"):
                named[f"{node.space}/{node.external_id}"] = (related["space"], related["externalId"])
        exist = {(node.space, node.external_id) for node in instances.nodes(sorted({*named.values()}), OBJECT_3D)}
        found |= {asset: thing for asset, thing in named.items() if thing in exist}
    return found


def _linked(client: CogniteClient, ends: Sequence[tuple[_Id, _Id]]) -> set[tuple[_Id, _Id]]:
    """Return which of the objects and images an edge joins, whatever its type and properties."""
    found: set[tuple[_Id, _Id]] = set()
    for some in batched(ends, _AT_ONCE):
        each = [
            {
                "and": [
                    {"equals": {"property": ["edge", "startNode"], "value": relation(*start)}},
                    {"equals": {"property": ["edge", "endNode"], "value": relation(*end)}},
                ]
            }
            for start, end in some
        ]
        query = {"with": {"edges": {"edges": {"filter": {"or": each}}, "limit": PAGE}}, "select": {"edges": {}}}
        for page in Instances(client).pages(query, "edges"):
            found |= {(_end(edge.start_node), _end(edge.end_node)) for edge in page["edges"]}
    return found


def _end(node: DirectRelationReference) -> _Id:
    return node.space, node.external_id
