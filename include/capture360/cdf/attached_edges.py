"""Edges that start or end at given nodes, whoever created them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from capture360.batches import batched
from capture360.cdf.instances import PAGE, Instances, relation

_NODES = 1_000


def attached_edges(instances: Instances, nodes: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield space and external id of each edge at these nodes, which are given as space and external id."""
    seen: set[tuple[str, str]] = set()
    for some in batched(nodes, _NODES):
        for direction in ("inwards", "outwards"):
            for page in instances.pages(_query(some, direction), "edges"):
                for edge in page["edges"]:
                    if (found := (edge.space, edge.external_id)) not in seen:
                        seen.add(found)
                        yield found


def _query(nodes: Sequence[tuple[str, str]], direction: str) -> dict[str, Any]:
    at = {"instanceReferences": [relation(*node) for node in nodes]}
    return {
        "with": {
            "nodes": {"nodes": {"filter": at}, "limit": _NODES},
            "edges": {"edges": {"from": "nodes", "maxDistance": 1, "direction": direction}, "limit": PAGE},
        },
        "select": {"edges": {}},
    }
