"""Snapshot of the links on some images of a data modeling project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from capture360.batches import batched
from capture360.cdf.core_views import ANNOTATION, ASSET, IMAGE
from capture360.cdf.instances import PAGE, Instances, relation
from capture360.cdf.links.provenance import CONTENT, MARK, LinkEdge, LinkKey
from capture360.model import PublishedImage

_IMAGES_EACH = 150
"""Images of one query, so that their links are a few pages."""


@dataclass(slots=True)
class LinkSnapshot:
    """Collections, times of creation (ms) and links of some images, by their references.

    `orphans` are edges whose Cognite3DObject belongs to no asset.
    """

    collections: dict[str, tuple[str, str]] = field(default_factory=dict)
    created: dict[str, int] = field(default_factory=dict)
    links: dict[LinkKey, list[LinkEdge]] = field(default_factory=lambda: defaultdict(list))
    orphans: dict[str, list[LinkEdge]] = field(default_factory=lambda: defaultdict(list))


def image_ref(image: PublishedImage) -> str:
    """Return the reference of an image, as link keys hold it."""
    return f"{image.space}/{image.external_id}"


def orphan_sentence(image: str, edge: LinkEdge) -> str:
    """Return what an edge without an asset does to viewers, and the fix."""
    return (
        f"Viewers cannot enter image {image}: link {edge.name} belongs to a Cognite3DObject without an asset. "
        "Delete that link, or set object3D of its asset."
    )


def read_links(instances: Instances, images: Sequence[PublishedImage]) -> LinkSnapshot:
    """Read the links on these images, whoever created them; those of a pair sorted by name."""
    there = LinkSnapshot()
    for page in (page for some in batched(images, _IMAGES_EACH) for page in instances.pages(_query(some), "links")):
        for node in page["images"]:
            there.created[f"{node.space}/{node.external_id}"] = int(node.created_time)
            collection = IMAGE.properties_of(node).get("collection360")
            if collection:
                there.collections[f"{node.space}/{node.external_id}"] = (
                    collection["space"], collection["externalId"],
                )  # fmt: skip
        owners: dict[tuple[str, str], str] = {}
        for node in page["assets"]:
            thing = ASSET.properties_of(node)["object3D"]
            owners[thing["space"], thing["externalId"]] = f"{node.space}/{node.external_id}"
        for link in page["links"]:
            ends = _ref(link.type), _ref(link.start_node), _ref(link.end_node)
            times = int(link.last_updated_time), int(link.created_time)
            edge = LinkEdge(
                link.space, link.external_id, link.version, *ends, ANNOTATION.properties_of(link), *times
            )  # fmt: skip
            owner = owners.get(edge.start)
            if owner is None:
                there.orphans[edge.image].append(edge)
            else:
                there.links[LinkKey(owner, edge.image)].append(edge)
    for edges in there.links.values():
        edges.sort(key=lambda edge: edge.name)
    return there


def _ref(relation: Any) -> tuple[str, str]:
    return relation.space, relation.external_id


def _query(images: Sequence[PublishedImage]) -> dict[str, Any]:
    """Build the query for the images, their links, the objects where these start, and the objects' assets."""
    refs = [relation(image.space, image.external_id) for image in images]
    return {
        "with": {
            "images": {"nodes": {"filter": {"instanceReferences": refs}}, "limit": PAGE},
            "links": {
                "edges": {
                    "from": "images",
                    "direction": "inwards",
                    "maxDistance": 1,
                    "filter": {"hasData": [ANNOTATION.ref]},
                },
                "limit": PAGE,
            },
            "objects": {"nodes": {"from": "links"}, "limit": PAGE},
            "assets": {
                "nodes": {
                    "from": "objects",
                    "through": {"source": ASSET.ref, "identifier": "object3D"},
                    "direction": "inwards",
                },
                "limit": PAGE,
            },
        },
        "select": {
            "images": {"sources": [{"source": IMAGE.ref, "properties": ["collection360"]}]},
            "links": {"sources": [{"source": ANNOTATION.ref, "properties": [*CONTENT, *MARK]}]},
            "assets": {"sources": [{"source": ASSET.ref, "properties": ["object3D"]}]},
        },
    }
