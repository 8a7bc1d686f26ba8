"""Cases of instances: write, patch, replace, refuse, find and delete nodes and edges."""

from __future__ import annotations

from typing import Any

from capture360_local.conformance.case import ANYTHING, CONFLICT, REFUSED, SPACE, Case, Kept, Own
from capture360_local.conformance.cases.schemas import VIEW

URL = "/models/instances"
_REFERENCE = {"instanceType": "node", "space": SPACE, "externalId": Own("a")}
_SIZE = [SPACE, "Thing/v1", "size"]
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
    Case("instances-create", "POST", URL, body={"items": _TWO}, writes="two nodes"),
    Case("instances-create-again", "POST", URL, body={"items": _TWO}, writes="nothing new"),
    Case("instances-patch", "POST", URL, body={"items": [_node("a", {"size": 2.5})]}, writes="one property"),
    Case(
        "instances-patch-kept-the-rest",
        "POST",
        f"{URL}/byids",
        body={"items": [_REFERENCE], "sources": [{"source": VIEW}], "includeTyping": True},
    ),
    Case(
        "instances-replace",
        "POST",
        URL,
        body={"items": [_node("a", {"name": "a"})], "replace": True},
        writes="one node without what is not named",
    ),
    Case(
        "instances-replace-removed-the-rest",
        "POST",
        f"{URL}/byids",
        body={"items": [_REFERENCE], "sources": [{"source": VIEW}]},
        keep={"replacedVersion": "items.0.version"},
    ),
    Case(
        "instances-version-conflict",
        "POST",
        URL,
        CONFLICT,
        {"items": [_node("a", {"size": 3.5}, existingVersion=1)]},
    ),
    Case(
        "instances-version-conflict-skipped",
        "POST",
        URL,
        body={"items": [_node("a", {"size": 3.5}, existingVersion=1)], "skipOnVersionConflict": True},
        writes="nothing",
    ),
    Case("instances-unknown-property", "POST", URL, REFUSED, {"items": [_node("c", {"name": "c", "colour": "red"})]}),
    Case("instances-wrong-type", "POST", URL, REFUSED, {"items": [_node("c", {"name": "c", "size": "large"})]}),
    Case("instances-wrong-timestamp", "POST", URL, REFUSED, {"items": [_node("c", {"name": "c", "at": "yesterday"})]}),
    Case("instances-required-missing", "POST", URL, REFUSED, {"items": [_node("c", {"size": 1.0})]}),
    Case(
        "instances-unknown-view",
        "POST",
        URL,
        REFUSED,
        {"items": [_node("c", {}) | {"sources": [{"source": VIEW | {"version": "v9"}, "properties": {}}]}]},
    ),
    Case(
        "instances-one-bad-refuses-all",
        "POST",
        URL,
        REFUSED,
        {"items": [_node("d", {"name": "d"}), _node("e", {"name": 5})]},
    ),
    Case(
        "instances-nothing-of-it-was-written",
        "POST",
        f"{URL}/byids",
        body={"items": [{"instanceType": "node", "space": SPACE, "externalId": Own("d")}]},
    ),
    Case("edges-create", "POST", URL, body={"items": [_edge("edge", _B)]}, writes="an edge"),
    Case(
        "edges-unknown-end",
        "POST",
        URL,
        REFUSED,
        {"items": [_edge("bad_edge", {"space": SPACE, "externalId": Own("nobody")})], "autoCreateEndNodes": False},
    ),
    Case(
        "instances-list",
        "POST",
        f"{URL}/list",
        body={
            "instanceType": "node",
            "sources": [{"source": VIEW}],
            "filter": {"and": [{"hasData": [VIEW]}, _OF_OURS]},
            "sort": [{"property": ["node", "externalId"], "direction": "ascending"}],
            "limit": 10,
        },
        until=("items.1", ANYTHING),
    ),
    Case("instances-list-limit", "POST", f"{URL}/list", REFUSED, {"instanceType": "node", "limit": 1001}),
    Case(
        "instances-list-unknown-property",
        "POST",
        f"{URL}/list",
        REFUSED,
        {"instanceType": "node", "filter": {"exists": {"property": [SPACE, "Thing/v1", "colour"]}}},
    ),
    Case(
        "instances-search",
        "POST",
        f"{URL}/search",
        body={"view": VIEW, "query": "a", "properties": ["name"], "limit": 5},
        until=("items.0", ANYTHING),
    ),
    Case(
        "instances-aggregate",
        "POST",
        f"{URL}/aggregate",
        body={"view": VIEW, "aggregates": [{"count": {}}, {"avg": {"property": "size"}}]},
    ),
    Case(
        "query-through",
        "POST",
        f"{URL}/query",
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
        "POST",
        f"{URL}/query",
        REFUSED,
        {"with": {"things": _THINGS}, "select": {"things": {}}, "cursors": {"things": "nonsense"}},
    ),
    Case(
        "query-from-nowhere",
        "POST",
        f"{URL}/query",
        REFUSED,
        {"with": {"things": {"nodes": {"from": "nowhere"}}}, "select": {"things": {}}},
    ),
    Case(
        "query-limit",
        "POST",
        f"{URL}/query",
        REFUSED,
        {"with": {"things": _THINGS | {"limit": 10_001}}, "select": {"things": {}}},
    ),
    Case(
        "query-unknown-view",
        "POST",
        f"{URL}/query",
        REFUSED,
        {
            "with": {"things": _THINGS},
            "select": {"things": {"sources": [{"source": VIEW | {"externalId": "Nothing"}, "properties": ["*"]}]}},
        },
    ),
    Case(
        "sync",
        "POST",
        f"{URL}/sync",
        body={"with": {"things": _THINGS}, "select": {"things": {"sources": [{"source": VIEW, "properties": ["*"]}]}}},
    ),
    Case(
        "instances-delete",
        "POST",
        f"{URL}/delete",
        body={"items": [{"instanceType": "node", **_B}]},
        writes="one node less",
    ),
    Case("instances-delete-again", "POST", f"{URL}/delete", body={"items": [{"instanceType": "node", **_B}]}),
    Case(
        "instances-current-version-is-no-conflict",
        "POST",
        URL,
        body={"items": [_node("a", {"size": 4.5}, existingVersion=Kept("replacedVersion"))]},
        writes="one property",
    ),
)
