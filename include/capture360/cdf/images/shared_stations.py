"""Station nodes that images of other captures stand on too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from capture360.cdf.instances import PAGE, Instances, View, relation

_MOST_REFERENCES = 1_000


def of_these_images_alone(
    instances: Instances, space: str, stations: Collection[str], image: View, identifier: str, images: Collection[str]
) -> Sequence[str]:
    """Those of `stations`, by external id and sorted, that only `images` point at with the relation `identifier`."""
    names = sorted(stations)
    shared: set[str] = set()
    for first in range(0, len(names), _MOST_REFERENCES):
        query = _pointing_query(space, names[first : first + _MOST_REFERENCES], image, identifier)
        shared.update(_others(instances, query, image, identifier, images))
    return [name for name in names if name not in shared]


def _others(
    instances: Instances, query: dict[str, Any], image: View, identifier: str, images: Collection[str]
) -> Iterator[str]:
    mine = set(images)
    for page in instances.pages(query, "images"):
        for node in page["images"]:
            if node.external_id not in mine:
                yield image.properties_of(node)[identifier]["externalId"]


def _pointing_query(space: str, stations: Sequence[str], image: View, identifier: str) -> dict[str, Any]:
    return {
        "with": {
            "stations": {
                "nodes": {"filter": {"instanceReferences": [relation(space, name) for name in stations]}},
                "limit": _MOST_REFERENCES,
            },
            "images": {
                "nodes": {
                    "from": "stations",
                    "through": {"source": image.ref, "identifier": identifier},
                    "direction": "inwards",
                },
                "limit": PAGE,
            },
        },
        "select": {"images": {"sources": [{"source": image.ref, "properties": [identifier]}]}},
    }
