"""Cases of instances: write, patch, replace, refuse, find and delete nodes and edges."""

from __future__ import annotations

from typing import Any

from capture360_local.conformance.case import ANYTHING, CONFLICT, REFUSED, SPACE, Case, Kept, Own
from capture360_local.conformance.cases.schemas import VIEW

URL = "/models/instances"
_REFERENCE = {"instanceType": "node", "space": SPACE, "externalId": Own("a")}
_OF_OURS = {"equals": {"property": ["node", "space"], "value": SPACE}}
_A = {"space": SPACE, "externalId": Own("a")}
_B = {"space": SPACE, "externalId": Own("b")}


def _node(suffix: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "instanceType": "node",
        "space": SPACE,
        "externalId": Own(suffix),
        "sources": [{"source": VIEW, "properties": properties}],
        **fields,
    }


def _edge(suffix: str, end: dict[str, Any]) -> dict[str, Any]:
    return {
        "instanceType": "edge",
        "space": SPACE,
        "externalId": Own(suffix),
        "type": {"space": SPACE, "externalId": "connects"},
        "startNode": _A,
        "endNode": end,
    }


_TWO = [
    _node("a", {"name": "a", "size": 1.5, "tags": ["x", "y"], "at": "2026-01-01T00:00:00Z"}),
    _node("b", {"name": "b", "parent": _A}),
]
_THINGS = {"nodes": {"filter": {"and": [{"hasData": [VIEW]}, _OF_OURS]}}, "limit": 10}

INSTANCES = (
    Case("instances-create", f"POST {URL}", body={"items": _TWO}, writes="two nodes"),
    Case("instances-create-again", f"POST {URL}", body={"items": _TWO}, writes="nothing new"),
    Case("instances-patch", f"POST {URL}", body={"items": [_node("a", {"size": 2.5})]}, writes="one property"),
    Case(
        "instances-patch-kept-the-rest",
        f"POST {URL}/byids",
        body={"items": [_REFERENCE], "sources": [{"source": VIEW}], "includeTyping": True},
    ),
    Case(
        "instances-replace",
        f"POST {URL}",
        body={"items": [_node("a", {"name": "a"})], "replace": True},
        writes="one node without what is not named",
    ),
    Case(
        "instances-replace-removed-the-rest",
        f"POST {URL}/byids",
        body={"items": [_REFERENCE], "sources": [{"source": VIEW}]},
        keep={"replacedVersion": "items.0.version"},
    ),
    Case(
        "instances-version-conflict", f"POST {URL}", CONFLICT, {"items": [_node("a", {"size": 3.5}, existingVersion=1)]}
    ),
    Case(
        "instances-version-conflict-skipped",
        f"POST {URL}",
        body={"items": [_node("a", {"size": 3.5}, existingVersion=1)], "skipOnVersionConflict": True},
        writes="nothing",
    ),
    Case("instances-unknown-property", f"POST {URL}", REFUSED, {"items": [_node("c", {"name": "c", "colour": "red"})]}),
    Case("instances-wrong-type", f"POST {URL}", REFUSED, {"items": [_node("c", {"name": "c", "size": "large"})]}),
    Case(
        "instances-wrong-timestamp", f"POST {URL}", REFUSED, {"items": [_node("c", {"name": "c", "at": "yesterday"})]}
    ),
    Case("instances-required-missing", f"POST {URL}", REFUSED, {"items": [_node("c", {"size": 1.0})]}),
    Case(
        "instances-unknown-view",
        f"POST {URL}",
        REFUSED,
        {"items": [_node("c", {}) | {"sources": [{"source": VIEW | {"version": "v9"}, "properties": {}}]}]},
    ),
    Case(
        "instances-one-bad-refuses-all",
        f"POST {URL}",
        REFUSED,
        {"items": [_node("d", {"name": "d"}), _node("e", {"name": 5})]},
    ),
    Case(
        "instances-nothing-of-it-was-written",
        f"POST {URL}/byids",
        body={"items": [{"instanceType": "node", "space": SPACE, "externalId": Own("d")}]},
    ),
    Case("edges-create", f"POST {URL}", body={"items": [_edge("edge", _B)]}, writes="an edge"),
    Case(
        "edges-unknown-end",
        f"POST {URL}",
        REFUSED,
        {"items": [_edge("bad_edge", {"space": SPACE, "externalId": Own("nobody")})], "autoCreateEndNodes": False},
    ),
    Case(
        "instances-list",
        f"POST {URL}/list",
        body={
            "instanceType": "node",
            "sources": [{"source": VIEW}],
            "filter": {"and": [{"hasData": [VIEW]}, _OF_OURS]},
            "sort": [{"property": ["node", "externalId"], "direction": "ascending"}],
            "limit": 10,
        },
        until=("items.1", ANYTHING),
    ),
    Case("instances-list-limit", f"POST {URL}/list", REFUSED, {"instanceType": "node", "limit": 1001}),
    Case(
        "instances-list-unknown-property",
        f"POST {URL}/list",
        REFUSED,
        {"instanceType": "node", "filter": {"exists": {"property": [SPACE, "Thing/v1", "colour"]}}},
    ),
    Case(
        "instances-search",
        f"POST {URL}/search",
        body={"view": VIEW, "query": "a", "properties": ["name"], "limit": 5},
        until=("items.0", ANYTHING),
    ),
    Case(
        "instances-aggregate",
        f"POST {URL}/aggregate",
        body={"view": VIEW, "aggregates": [{"count": {}}, {"avg": {"property": "size"}}]},
    ),
    Case(
        "query-through",
        f"POST {URL}/query",
        body={
            "with": {
                "things": {
                    "nodes": {"filter": {"equals": {"property": ["node", "externalId"], "value": {"parameter": "id"}}}},
                    "limit": 10,
                },
                "children": {
                    "nodes": {
                        "from": "things",
                        "through": {"source": VIEW, "identifier": "parent"},
                        "direction": "inwards",
                    },
                    "limit": 10,
                },
                "edges": {"edges": {"from": "things", "direction": "outwards"}, "limit": 10},
            },
            "select": {
                "things": {"sources": [{"source": VIEW, "properties": ["name"]}]},
                "children": {"sources": [{"source": VIEW, "properties": ["*"]}]},
                "edges": {},
            },
            "parameters": {"id": Own("a")},
        },
    ),
    Case(
        "query-bad-cursor",
        f"POST {URL}/query",
        REFUSED,
        {"with": {"things": _THINGS}, "select": {"things": {}}, "cursors": {"things": "nonsense"}},
    ),
    Case(
        "query-from-nowhere",
        f"POST {URL}/query",
        REFUSED,
        {"with": {"things": {"nodes": {"from": "nowhere"}}}, "select": {"things": {}}},
    ),
    Case(
        "query-limit",
        f"POST {URL}/query",
        REFUSED,
        {"with": {"things": _THINGS | {"limit": 10_001}}, "select": {"things": {}}},
    ),
    Case(
        "query-unknown-view",
        f"POST {URL}/query",
        REFUSED,
        {
            "with": {"things": _THINGS},
            "select": {"things": {"sources": [{"source": VIEW | {"externalId": "Nothing"}, "properties": ["*"]}]}},
        },
    ),
    Case(
        "sync",
        f"POST {URL}/sync",
        body={"with": {"things": _THINGS}, "select": {"things": {"sources": [{"source": VIEW, "properties": ["*"]}]}}},
    ),
    Case(
        "instances-delete",
        f"POST {URL}/delete",
        body={"items": [{"instanceType": "node", **_B}]},
        writes="one node less",
    ),
    Case("instances-delete-again", f"POST {URL}/delete", body={"items": [{"instanceType": "node", **_B}]}),
    Case(
        "instances-current-version-is-no-conflict",
        f"POST {URL}",
        body={"items": [_node("a", {"size": 4.5}, existingVersion=Kept("replacedVersion"))]},
        writes="one property",
    ),
)
