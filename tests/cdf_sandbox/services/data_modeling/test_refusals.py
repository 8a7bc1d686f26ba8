"""Refusals of data modeling: endpoint, bad body, status and message. No refusal writes anything."""

import copy
from typing import Any

import httpx
import pytest

from cdf_sandbox_calls import items
from dms_requests import CONTAINER, POSTS, SPACE, VIEW, edge, node
from local_cdf import RunningSandbox

UPSERT, LIST, QUERY = "/models/instances", "/models/instances/list", "/models/instances/query"
SYNC, BYIDS, SEARCH = "/models/instances/sync", "/models/instances/byids", "/models/instances/search"
AGGREGATE, DELETE = "/models/instances/aggregate", "/models/instances/delete"
SPACES, CONTAINERS, VIEWS, MODELS = "/models/spaces", "/models/containers", "/models/views", "/models/datamodels"
MISSING_VIEW = {**VIEW, "version": "v9"}
IMAGE = {"type": "view", "space": "cdf_cdm", "externalId": "Cognite360Image", "version": "v1"}
FILE = {"type": "view", "space": "cdf_cdm", "externalId": "CogniteFile", "version": "v1"}
NODES: dict[str, Any] = {"nodes": {}}


def written(source: dict[str, str], **properties: Any) -> dict[str, Any]:
    return {**node(), "sources": [{"source": source, "properties": properties}]}


def queried(**sets: Any) -> dict[str, Any]:
    return {"with": sets, "select": {name: {} for name in sets}}


def container(**fields: Any) -> dict[str, Any]:
    return items({"space": SPACE, "externalId": "New", "properties": {"p": {"type": {"type": "text"}}}, **fields})


def view(**fields: Any) -> dict[str, Any]:
    return items({"space": SPACE, "externalId": "New", "version": "v1", **fields})


def mapped(identifier: str, source: dict[str, str] = CONTAINER, **fields: Any) -> dict[str, Any]:
    return {"p": {"container": source, "containerPropertyIdentifier": identifier, **fields}}


REFUSALS: list[tuple[str, Any, int, str]] = [
    (UPSERT, {}, 400, "items: Field required"),
    (UPSERT, [], 400, "valid dictionary"),
    (UPSERT, items({"space": SPACE, "externalId": "n"}), 400, "instance_type"),
    (UPSERT, items({**node(), "instanceType": "thing"}), 400, "does not match any of the expected tags"),
    (UPSERT, items({**node(), "exernalId": "n"}), 400, "Unexpected field"),
    (UPSERT, items({**node(), "externalId": ""}), 400, "at least 1 character"),
    (UPSERT, items({**node(), "externalId": "n" * 257}), 400, "at most 256 characters"),
    (UPSERT, items({**node(), "externalId": "a\0b"}), 400, "U+0000"),
    (UPSERT, items({**node(), "space": "no space"}), 400, "should match pattern"),
    (UPSERT, items({**node(), "space": "nowhere"}), 400, "One or more spaces do not exist: 'nowhere'"),
    (UPSERT, items({**node(), "space": "cdf_cdm"}), 400, "system space 'cdf_cdm'"),
    (UPSERT, items({**node(), "sources": []}), 400, "at least 1 item"),
    (UPSERT, items({**node(), "existingVersion": "1"}), 400, "valid integer"),
    (UPSERT, items({**node(), "type": {"space": "nowhere", "externalId": "t"}}), 400, "spaces do not exist: 'nowhere'"),
    (UPSERT, items(*[node(f"n{n}") for n in range(1001)]), 400, "at most 1000 items"),
    (UPSERT, items(*[node(f"n{n}") for n in range(600)],
                   delete=[{"instanceType": "node", "space": SPACE, "externalId": f"d{n}"} for n in range(401)]),
     400, "1000 instances together"),
    (UPSERT, items(node("n"), node("n")), 400, "'table:n' occurs more than once"),
    (UPSERT, items(node("n"), delete=[{"instanceType": "node", "space": SPACE, "externalId": "n"}]),
     400, "more than once"),
    (UPSERT, items(node(), replace="yes"), 400, "valid boolean"),
    (UPSERT, items(written(MISSING_VIEW, name="n")), 400, "One or more views do not exist: 'table:Thing/v9'"),
    (UPSERT, items(written({**CONTAINER, "externalId": "Nix"}, a=1)), 400, "One or more containers do not exist"),
    (UPSERT, items(node(colour="red")), 400, "Unknown property 'colour' in view 'table:Thing/v1'"),
    (UPSERT, items(written(CONTAINER, name="n", colour="red")), 400, "Unknown property 'colour' in container"),
    (UPSERT, items(written(IMAGE, image={"translationX": 1})), 400, "Unknown property 'image'"),
    (UPSERT, items(written(VIEW, size=1.0)), 400, "Property 'name' in container 'table:Thing'"),
    (UPSERT, items({**node("a"), "sources": [{"source": VIEW, "properties": {"name": None}}]}), 400,
     "Invalid value for non-nullable property 'name'. Value cannot be null."),
    (UPSERT, items({**node("a"), "sources": [{"source": VIEW, "properties": {"code": "2"}}]}), 400, "is immutable"),
    (UPSERT, items(node(code="1")), 409, "uniqueness constraint 'uniqueCode'"),
    (UPSERT, items(node(size="1.0")), 400, 'expected float64, got "1.0"'),
    (UPSERT, items(node(size=True)), 400, "expected float64, got true"),
    (UPSERT, items(node(size=[1.0])), 400, "expected float64, got [1.0]"),
    (UPSERT, items(node(size=10**400)), 400, "out of the range of float64"),
    (UPSERT, items(node(rank=1.5)), 400, "expected int32, got 1.5"),
    (UPSERT, items(node(rank=2**31)), 400, "out of the range of int32"),
    (UPSERT, items(node(at="yesterday")), 400, "expected a timestamp"),
    (UPSERT, items(node(at="2026-02-30T00:00:00Z")), 400, "no timestamp that exists"),
    (UPSERT, items(node(at=1700000000000)), 400, "expected a timestamp as text"),
    (UPSERT, items(node(notes="text")), 400, "expected a JSON object, got"),
    (UPSERT, items(node(notes={"k": "x" * 41_000})), 400, "exceeds 40960 bytes"),
    (UPSERT, items(node(tags="t")), 400, "expected a list of text"),
    (UPSERT, items(node(tags=["t"] * 1001)), 400, "at most 1000 values, got 1001"),
    (UPSERT, items(node(tags=["t"] * 1001)), 400, "got 1001"),
    (UPSERT, items(node(tags=["t", None])), 400, "null inside a list"),
    (UPSERT, items(node(tags=["a\0"])), 400, "U+0000"),
    (UPSERT, items(written(VIEW, name="x" * 128_001)),
     400, "exceeds 128000 bytes"),
    (UPSERT, items(node(parent="a")), 400, "expected a direct relation"),
    (UPSERT, items(node(parent={"space": SPACE, "externalId": "a", "type": "node"})), 400, "and nothing else"),
    (UPSERT, items(node(parent={"space": SPACE, "externalId": ""})), 400, "not a valid external id"),
    (UPSERT, items(node(parent={"space": "nowhere", "externalId": "x"})), 400, "spaces do not exist: 'nowhere'"),
    (UPSERT, items(node(parent={"space": SPACE, "externalId": "x"}), autoCreateDirectRelations=False), 400,
     "Node with external id 'x' was referenced as the target of a direct relation, but it does not exist."),
    (UPSERT, items(written(IMAGE, front={"space": SPACE, "externalId": "a"})), 400,
     "Cannot auto-create a direct relation target in node 'table:n'"),
    (UPSERT, items(written(IMAGE, station360={"space": SPACE, "externalId": "x"})), 400, "Cannot auto-create"),
    (UPSERT, items(written(FILE, name="f", isUploaded=True)), 400, "is set by CDF"),
    (UPSERT, items(written({**CONTAINER, "space": "cdf_cdm", "externalId": "CogniteFile"}, directory="/")), 400,
     "'describablePresent' requires"),
    (UPSERT, items(written({**VIEW, "space": "cdf_cdm", "externalId": "Cognite3DObject"}, asset=1)),
     400, "a connection"),
    (UPSERT, items(written({**VIEW, "space": "cdf_cdm", "externalId": "Cognite360ImageStation"},
     groupType="Hall")), 400,
     "expected one of Station360"),
    (UPSERT, items({**edge(), "sources": [{"source": FILE, "properties": {"name": "f"}}]}), 400, "it is not for edges"),
    (UPSERT, items({key: value for key, value in edge().items() if key != "type"}), 400, "type: Field required"),
    (UPSERT, items(edge(startNode={"space": SPACE, "externalId": "zz"})), 400,
     "was referenced as the start node of the edge"),
    (UPSERT, items(edge("a")), 400, "exists already and is a node"),
    (DELETE, items(), 400, "at least 1 item"),
    (DELETE, items({"instanceType": "node", "space": "nowhere", "externalId": "a"}),
     400, "spaces do not exist: 'nowhere'"),
    (DELETE, items({"space": SPACE, "externalId": "a"}), 400, "instanceType: Field required"),
    (BYIDS, items(), 400, "at least 1 item"),
    (BYIDS, items({"instanceType": "node", "space": SPACE, "externalId": "a"}, sources=[{"source": MISSING_VIEW}]), 400,
     "views do not exist"),
    (BYIDS, items({"instanceType": "node", "space": SPACE, "externalId": "a"}, sources=[{"source": CONTAINER}]), 400,
     "sources.0.source"),
    (LIST, {"limit": 1001}, 400, "less than or equal to 1000"),
    (LIST, {"limit": 0}, 400, "greater than or equal to 1"),
    (LIST, {"sources": [{"source": VIEW}] * 11}, 400, "at most 10 items"),
    (LIST, {"sort": [{"property": ["node", "externalId"]}] * 6}, 400, "at most 5 items"),
    (LIST, {"sort": [{"property": [SPACE, "Thing", "tags"]}]}, 400, "has no order"),
    (LIST, {"sort": [{"property": [SPACE, "Thing", "nix"]}]}, 400, "Unknown property 'nix'"),
    (LIST, {"cursor": "garbage"}, 400, "Invalid cursor"),
    (LIST, {"cursor": "eyJhIjoxfQ"}, 400, "Invalid cursor"),
    (LIST, {"filter": {"equals": {"property": ["node", "space"], "value": {"parameter": "p"}}}},
     400, "only available in"),
    (QUERY, queried(), 400, "at least 1 item"),
    (QUERY, {"with": {"a": NODES}}, 400, "select: Field required"),
    (QUERY, {"with": {"a": NODES}, "select": {"b": {}}}, 400, "'b', which 'with' does not define"),
    (QUERY, {**queried(a=NODES), "cursors": {"b": "x"}}, 400, "'b', which 'with' does not define"),
    (QUERY, {**queried(a=NODES), "cursors": {"a": "x"}}, 400, "Invalid cursor"),
    (QUERY, queried(a={"nodes": {}, "limit": 10_001}), 400, "less than or equal to 10000"),
    (QUERY, queried(a={"nodes": {"from": "b"}}), 400, "'b' is not defined"),
    (QUERY, queried(a={"nodes": {"from": "a", "through": {"view": VIEW, "identifier": "parent"}}}),
     400, "builds on itself"),
    (QUERY, queried(a=NODES, b={"nodes": {"from": "a"}}), 400, "only be chained from nodes with 'through'"),
    (QUERY, queried(a={"nodes": {"through": {"view": VIEW, "identifier": "parent"}}}), 400, "'through' needs 'from'"),
    (QUERY, queried(a=NODES, b={"nodes": {"from": "a", "through": {"view": VIEW, "identifier": "name"}}}), 400,
     "needs a direct relation"),
    (QUERY, queried(a=NODES, b={"nodes": {"from": "a", "through": {"view": VIEW, "identifier": "nix"}}}), 400,
     "Unknown property 'nix'"),
    (QUERY, queried(a=NODES, b={"nodes": {"from": "a", "direction": "sideways"}}), 400, "direction"),
    (QUERY, queried(a=NODES, e={"edges": {}}, u={"union": ["a", "e"]}), 400, "mixes nodes and edges"),
    (QUERY, {"with": {"a": NODES}, "select": {"a": {"sources": [{"source": VIEW}]}}},
     400, "properties: Field required"),
    (QUERY, {"with": {"a": NODES}, "select": {"a": {"sources": [{"source": VIEW, "properties": ["nix"]}]}}}, 400,
     "Unknown property 'nix' in view"),
    (QUERY, queried(a={"nodes": {"filter": {"equals": {"property": ["node", "space"],
     "value": {"parameter": "p"}}}}}), 400,
     'The parameter "p" has no value'),
    (QUERY, queried(**{f"s{n}": NODES for n in range(51)}), 400, "at most 50 items"),
    (SYNC, {**queried(a=NODES), "cursors": {"a": "x"}}, 400, "Invalid cursor"),
    (SYNC, queried(a={"nodes": {}, "limit": 2001}), 400, "less than or equal to 2000"),
    (SYNC, queried(a={"nodes": {}, "backfillSort": [{"property": ["node", "space"]}]}), 400,
     "Backfill sort can only be used with two-phase sync."),
    (SYNC, queried(a={"nodes": {}, "mode": "twoPhase", "backfillSort": [{"property": ["node", "space"]}]}), 400,
     "cursorable index"),
    (SEARCH, {"query": "a"}, 400, "view: Field required"),
    (SEARCH, {"view": VIEW, "properties": ["size"]}, 400, "it is no text property"),
    (SEARCH, {"view": VIEW, "sort": [{"property": ["name"], "nullsFirst": True}]}, 400, "Unexpected field"),
    (AGGREGATE, {"view": VIEW}, 400, "needs aggregates or groupBy"),
    (AGGREGATE, {"view": VIEW, "aggregates": [{}]}, 400, "exactly one of"),
    (AGGREGATE, {"view": VIEW, "aggregates": [{"avg": {"property": "name"}}]}, 400, "it is no number"),
    (AGGREGATE, {"view": VIEW, "aggregates": [{"count": {}}] * 6}, 400, "at most 5 items"),
    (AGGREGATE, {"view": VIEW, "groupBy": ["tags"]}, 400, "it is a list or JSON"),
    (AGGREGATE, {"view": VIEW, "groupBy": ["nix"]}, 400, "has no such property"),
    (AGGREGATE, {"view": VIEW, "groupBy": ["at"]}, 400, "Cannot group by 'at': its type is timestamp"),
    (AGGREGATE, {"view": VIEW, "aggregates": [{"count": None}]}, 400, "exactly one of"),
    (AGGREGATE, {"view": VIEW, "aggregates": [{"avg": {"property": "size"}, "count": {}}]}, 400, "exactly one of"),
    (QUERY, queried(a=NODES, b={"edges": {"from": "a", "limitEach": 2}}), 400, "limitEach needs maxDistance 1"),
    (QUERY, queried(a=NODES, b={"edges": {"from": "a", "limitEach": 2, "maxDistance": 2}}), 400,
     "limitEach needs maxDistance 1"),
    (QUERY, queried(b={"edges": {"limitEach": 2, "maxDistance": 1}}), 400, "limitEach needs maxDistance 1"),
    (QUERY, queried(a=NODES, b={"union": ["a"]}, c={"nodes": {"from": "b", "direction": "outwards",
     "through": {"source": VIEW, "identifier": "parent"}}}), 400, "only inwards"),
    (SYNC, queried(a=NODES, b={"edges": {"from": "a", "limitEach": 2, "maxDistance": 1}}), 400, "limitEach"),
    (SPACES, items({"space": "cdf"}), 400, "'cdf' is reserved"),
    (SPACES, items({"space": "cdf_cdm"}), 400, "belongs to CDF"),
    (SPACES, items({"space": "1st"}), 400, "should match pattern"),
    (SPACES, items({"space": "a" * 44}), 400,
     "Request had 1 constraint violations. Please fix the request and try again. [space size must be between 0 and"),
    (SPACES, items({"space": "s", "name": "n" * 256}), 400, "[name size must be between 0 and 255]"),
    (SPACES, items(*[{"space": f"s{n}"} for n in range(101)]), 400, "at most 100 items"),
    (SPACES + "/delete", items({"space": SPACE}), 400, "it is not empty"),
    (SPACES + "/delete", items({"space": "cdf_cdm"}), 400, "belongs to CDF"),
    (CONTAINERS, container(space="nowhere"), 400, "spaces do not exist: 'nowhere'"),
    (CONTAINERS, container(externalId="Query"), 400, "'Query' is reserved"),
    (CONTAINERS, container(properties={}), 400, "at least 1 item"),
    (CONTAINERS, container(properties={"externalId": {"type": {"type": "text"}}}), 400, "is reserved"),
    (CONTAINERS, container(properties={"p": {"type": {"type": "colour"}}}),
     400, "does not match any of the expected tags"),
    (CONTAINERS, container(properties={"p": {"type": {"type": "enum", "values": {}}}}), 400, "at least 1 item"),
    (CONTAINERS, container(properties={"p": {"type": {"type": "int32"}, "defaultValue": "x"}}),
     400, "defaultValue: expected"),
    (CONTAINERS, container(properties={"p": {"type": {"type": "text", "maxListSize": 3}}}), 400, "only for lists"),
    (CONTAINERS, container(constraints={"u": {"constraintType": "uniqueness", "properties": ["q"]}}),
     400, "do not exist: q"),
    (CONTAINERS, container(constraints={"r": {"constraintType": "requires", "require": {**CONTAINER,
     "externalId": "Nix"}}}),
     400, "Target container 'table:Nix'"),
    (CONTAINERS, container(properties={"p": {"type": {"type": "direct", "container": {**CONTAINER,
     "externalId": "Nix"}}}}),
     400, "does not exist."),
    (CONTAINERS, container(externalId="Thing", usedFor="all", properties={"name": {"type": {"type": "int32"}}}), 400,
     "cannot be changed"),
    (CONTAINERS, container(externalId="Thing", usedFor="edge"), 400, "usedFor of the container"),
    (CONTAINERS + "/delete", items({"space": SPACE, "externalId": "Thing"}), 400, "the view 'table:Thing/v1' maps it"),
    (CONTAINERS + "/delete", items({"space": "cdf_cdm", "externalId": "CogniteFile"}), 400, "belongs to CDF"),
    (VIEWS, view(properties=mapped("nix")), 400, "maps 'nix', which container 'table:Thing' does not have"),
    (VIEWS, view(properties=mapped("name", {**CONTAINER, "externalId": "Nix"})), 400, "containers do not exist"),
    (VIEWS, view(properties=mapped("name", source=VIEW)), 400, "container"),
    (VIEWS, view(implements=[MISSING_VIEW]), 400, "views do not exist: 'table:Thing/v9'"),
    (VIEWS, view(implements=[{**VIEW, "externalId": "New"}]), 400, "implements itself"),
    (VIEWS, view(filter={"equals": {"property": [SPACE, "Thing", "nix"], "value": 1}}), 400, "Unknown property 'nix'"),
    (VIEWS, view(version="v 1"), 400, "should match pattern"),
    (MODELS, items({"space": SPACE, "externalId": "M", "version": "1", "views": [MISSING_VIEW]}),
     400, "views do not exist"),
    (MODELS, items({"space": "nowhere", "externalId": "M", "version": "1"}), 400, "spaces do not exist"),
]  # fmt: skip


LEAF = {"equals": {"property": [SPACE, "Thing", "name"], "value": "a"}}


def nested(depth: int) -> dict[str, Any]:
    filter_: dict[str, Any] = LEAF
    for _ in range(depth):
        filter_ = {"nested": {"scope": [SPACE, "Thing", "parent"], "filter": filter_}}
    return filter_


@pytest.mark.parametrize(
    ("filter_", "status"),
    [
        ({"or": [LEAF] * 998}, 200),
        ({"hasData": [VIEW] * 998}, 200),
        ({"prefix": {"property": [SPACE, "Thing", "tags"], "value": ["t"] * 998}}, 200),
        ({"or": [nested(1)] * 400}, 200),
        (nested(8), 200),
        (nested(29), 400),
        (nested(40), 400),
    ],
)
def test_wide_and_deep_filters(session: httpx.Client, filter_: dict[str, Any], status: int) -> None:
    assert session.post(LIST, json={"filter": filter_}).status_code == status
    body = items({"space": SPACE, "externalId": "Wide", "version": "v1", "filter": filter_})
    assert session.post(VIEWS, json=body).status_code == status
    session.post(VIEWS + "/delete", json=items({"space": SPACE, "externalId": "Wide", "version": "v1"}))


@pytest.mark.parametrize(("path", "body", "status", "words"), REFUSALS)
def test_refusals(
    prepared: RunningSandbox, session: httpx.Client, path: str, body: Any, status: int, words: str
) -> None:
    rows = prepared.sandbox.counters.snapshot()["rowsChanged"]
    answer = session.post(path, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, status), answer.text
    assert words in error["message"], error["message"]
    assert prepared.sandbox.counters.snapshot()["rowsChanged"] == rows


def test_searches_have_no_overlaps(session: httpx.Client) -> None:
    at = [SPACE, "Thing", "at"]
    overlaps = {"overlaps": {"startProperty": at, "endProperty": at, "gte": "2026-01-01T00:00:00Z"}}
    for condition in (overlaps, {"not": overlaps}):
        assert session.post(LIST, json={"filter": condition}).status_code == 200
        answer = session.post("/models/instances/search", json={"view": VIEW, "filter": condition})
        assert answer.status_code == 400
        assert "'overlaps' is not available" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", [path for path in POSTS if not path.endswith("delete")])
def test_unknown_fields_are_refused(session: httpx.Client, path: str) -> None:
    body = {**copy.deepcopy(POSTS[path]), "surprise": 1}
    answer = session.post(path, json=body)
    assert answer.status_code == 400 and "surprise" in answer.json()["error"]["message"]
