"""Answers of data modeling as real CDF was seen to give them."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local_cdf import RunningSandbox

CONTAINER = "/models/containers"


def container(space: str, *, nullable: bool) -> dict[str, Any]:
    kind = {"type": "enum", "values": {"on": {}, "off": {}}}
    properties = {
        "n": {"type": {"type": "text"}, "nullable": nullable},
        "state": {"type": kind},
        "tags": {"type": {"type": "text", "list": True}},
    }
    indexes = {"i": {"properties": ["n"]}, "v": {"properties": ["tags"], "indexType": "inverted"}}
    return {"items": [{"space": space, "externalId": "C", "properties": properties, "indexes": indexes}]}


def node(space: str, **properties: Any) -> dict[str, Any]:
    source = {"type": "container", "space": space, "externalId": "C"}
    sources = [{"source": source, "properties": properties}]
    return {"items": [{"instanceType": "node", "space": space, "externalId": "x", "sources": sources}]}


def view(space: str) -> dict[str, Any]:
    source = {"type": "container", "space": space, "externalId": "C"}
    properties = {name: {"container": source, "containerPropertyIdentifier": name} for name in ("n", "state", "tags")}
    return {"items": [{"space": space, "externalId": "V", "version": "1", "properties": properties}]}


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "pending"), ({"n": "a"}, "current"), ({"state": "on"}, "failed"), ({"n": None}, "failed")],
)
def test_a_property_may_become_required_whatever_its_data(
    http: httpx.Client, space: str, before: dict[str, Any] | None, after: str
) -> None:
    http.post(CONTAINER, json=container(space, nullable=True)).raise_for_status()
    http.post("/models/views", json=view(space)).raise_for_status()
    if before is not None:
        http.post("/models/instances", json=node(space, **before)).raise_for_status()
    changed = http.post(CONTAINER, json=container(space, nullable=False)).raise_for_status().json()["items"][0]
    assert changed["properties"]["n"]["constraintState"] == {"nullability": after}
    key = {"space": space, "externalId": "C"}
    for answer in (
        http.post(f"{CONTAINER}/byids", json={"items": [key]}),
        http.get(CONTAINER, params={"space": space}),
        http.post("/models/views/byids", json={"items": [{"space": space, "externalId": "V", "version": "1"}]}),
        http.get("/models/views", params={"space": space}),
    ):
        assert answer.json()["items"][0]["properties"]["n"]["constraintState"] == {"nullability": after}
    refused = http.post("/models/instances", json=node(space, n=None))
    assert refused.json()["error"]["message"] == "Invalid value for non-nullable property 'n'. Value cannot be null."


def test_schema_answers_name_their_defaults(http: httpx.Client, space: str) -> None:
    made = http.post(CONTAINER, json=container(space, nullable=True)).raise_for_status().json()["items"][0]
    assert made["properties"]["state"]["type"]["list"] is False
    index = {"indexType": "btree", "properties": ["n"], "cursorable": False, "bySpace": False, "state": "current"}
    assert made["indexes"]["i"] == index
    assert made["indexes"]["v"] == {"indexType": "inverted", "properties": ["tags"], "state": "current"}


@pytest.mark.parametrize(
    ("space", "name", "indexed"),
    [("cdf_cdm_3d", "Cognite360Image", ["collection360"]), ("cdf_cdm", "CogniteVisualizable", ["object3D"])],
)
def test_indexes_of_the_core_model(http: httpx.Client, space: str, name: str, indexed: list[str]) -> None:
    body = {"items": [{"space": space, "externalId": name}]}
    (found,) = http.post(f"{CONTAINER}/byids", json=body).json()["items"]
    assert [index["properties"] for index in found["indexes"].values()] == [[each] for each in indexed]
    assert {index["indexType"] for index in found["indexes"].values()} == {"btree"}


def test_reading_in_an_unknown_space_passes_over(http: httpx.Client, space: str) -> None:
    http.post("/models/instances", json={"items": [{"instanceType": "node", "space": space, "externalId": "a"}]})
    wanted = [{"instanceType": "node", "space": each, "externalId": "a"} for each in (space, "nowhere")]
    answer = http.post("/models/instances/byids", json={"items": wanted})
    assert [each["space"] for each in answer.raise_for_status().json()["items"]] == [space]


def test_an_empty_list_is_a_value(http: httpx.Client, space: str) -> None:
    http.post(CONTAINER, json=container(space, nullable=True)).raise_for_status()
    http.post("/models/instances", json=node(space, tags=[])).raise_for_status()
    prop = [space, "C", "tags"]
    for condition, found in (({"exists": {"property": prop}}, 1), ({"not": {"exists": {"property": prop}}}, 0)):
        in_space = {"equals": {"property": ["node", "space"], "value": space}}
        body = {"filter": {"and": [condition, in_space]}}
        assert len(http.post("/models/instances/list", json=body).json()["items"]) == found
    source = {"type": "view", "space": space, "externalId": "V", "version": "1"}
    http.post("/models/views", json=view(space)).raise_for_status()
    (read,) = http.post("/models/instances/list", json={"sources": [{"source": source}]}).json()["items"]
    assert read["properties"][space]["V/1"] == {"tags": []}


@pytest.mark.parametrize("field", ["externalId", "space", "version", "type", "createdTime", "lastUpdatedTime"])
def test_instance_fields_can_be_counted_and_grouped_by(http: httpx.Client, space: str, field: str) -> None:
    http.post(CONTAINER, json=container(space, nullable=True)).raise_for_status()
    http.post("/models/views", json=view(space)).raise_for_status()
    http.post("/models/instances", json=node(space, n="a")).raise_for_status()
    body = {
        "view": {"type": "view", "space": space, "externalId": "V", "version": "1"},
        "aggregates": [{"count": {"property": field}}], "groupBy": [field], "includeTyping": True,
    }  # fmt: skip
    answer = http.post("/models/instances/aggregate", json=body).raise_for_status().json()
    (item,) = answer["items"]
    assert item["aggregates"][0]["value"] == (0 if field == "type" else 1)
    assert item["group"].keys() == (set() if field == "type" else {field})
    assert answer["typing"].keys() == {field}


def test_searching_in_an_unknown_property_is_refused(http: httpx.Client) -> None:
    body = {"view": {"type": "view", "space": "cdf_cdm", "externalId": "CogniteAsset", "version": "v1"}}
    answer = http.post("/models/instances/search", json=body | {"query": "a", "properties": ["nothing"]})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("Unknown property 'nothing'")


@pytest.mark.parametrize(("value", "status"), [("f" * 255, 200), ("f" * 256, 400), ("", 400), (5, 400)])
def test_a_face_of_a_classic_image_is_a_reference_to_a_file(
    http: httpx.Client, space: str, value: Any, status: int
) -> None:
    source = {"type": "view", "space": "cdf_360_image_schema", "externalId": "Image360", "version": "v1"}
    sources = [{"source": source, "properties": {"cubeMapFront": value}}]
    item = {"instanceType": "node", "space": space, "externalId": "i", "sources": sources}
    assert http.post("/models/instances", json={"items": [item]}).status_code == status
    (shown,) = http.post("/models/views/byids", json={"items": [source]}).json()["items"]
    assert shown["properties"]["cubeMapFront"]["type"] == {"type": "file", "list": False}


def test_nulls_beside_a_filter_count_as_left_out(http: httpx.Client, space: str) -> None:
    http.post("/models/instances", json={"items": [{"instanceType": "node", "space": space, "externalId": "a"}]})
    leaf = {"equals": {"property": ["node", "space"], "value": space}, "range": None}
    body = {"filter": {"and": [leaf | {"exists": None}], "or": None, "not": None}}
    found = http.post("/models/instances/list", json=body).raise_for_status().json()["items"]
    assert [each["externalId"] for each in found] == ["a"]
    assert http.post("/models/instances/list", json={"filter": {"and": None}}).status_code == 400


OWN = ["node", "externalId"]
LEAVES: list[dict[str, Any]] = [
    {"exists": {"property": OWN}}, {"equals": {"property": OWN, "value": "a"}},
    {"equals": {"property": OWN, "value": {"property": OWN, "odd": None}}},
    {"in": {"property": OWN, "values": ["a"]}}, {"prefix": {"property": OWN, "value": "a"}},
    {"range": {"property": OWN, "gte": "a", "lt": None}}, {"matchAll": {}},
    {"hasData": []}, {"not": {"nested": {"scope": ["node", "type"], "filter": {"matchAll": {}}}}},
]  # fmt: skip


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: next(iter(leaf)))
def test_nulls_in_a_filter_count_as_left_out(http: httpx.Client, space: str, leaf: dict[str, Any]) -> None:
    http.post("/models/instances", json={"items": [{"instanceType": "node", "space": space, "externalId": "a"}]})

    def with_nulls(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        return {name: with_nulls(value) for name, value in part.items()} | {"unknown": None}

    in_space = {"equals": {"property": ["node", "space"], "value": space}}
    body = {"filter": {"and": [with_nulls(leaf), with_nulls(in_space)]}}
    found = http.post("/models/instances/list", json=body)
    assert [each["externalId"] for each in found.raise_for_status().json()["items"]] == ["a"]


def test_nulls_in_a_list_of_instances_count_as_left_out(http: httpx.Client, space: str) -> None:
    http.post("/models/instances", json={"items": [{"instanceType": "node", "space": space, "externalId": "a"}]})
    reference = {"space": space, "externalId": "a", "instanceType": None}
    found = http.post("/models/instances/list", json={"filter": {"instanceReferences": [reference]}})
    assert len(found.raise_for_status().json()["items"]) == 1


@pytest.mark.parametrize("operation", ["union", "unionAll", "intersection", "except"])
def test_at_most_fifty_sets_are_combined(http: httpx.Client, operation: str) -> None:
    def combined(number: int) -> httpx.Response:
        sets = {"union": ["a"]} | {operation: ["a"] * number, "limit": 7}
        sets = {name: value for name, value in sets.items() if name != "union" or operation in ("union", "except")}
        return http.post("/models/instances/query", json={"with": {"a": {"nodes": {}}, "b": sets}, "select": {"b": {}}})

    assert combined(50).status_code == 200
    assert combined(51).status_code == 400


def test_all_of_a_union_is_paged(five_nodes: httpx.Client) -> None:
    sets = {"a": BASE | {"limit": 5}, "b": {"unionAll": ["a", "a"], "limit": 4}}
    sets["a"]["nodes"] = {"filter": {"equals": {"property": ["node", "space"], "value": "five"}}}
    asked: dict[str, Any] = {"with": sets, "select": {"b": {}}}
    seen: list[str] = []
    for _ in range(3):
        answer = five_nodes.post(f"{INSTANCES}/query", json=asked).raise_for_status().json()
        seen += [each["externalId"] for each in answer["items"]["b"]]
        asked["cursors"] = answer["nextCursor"]
    assert seen == [*"01234", *"01234"]


def test_spaces_have_statistics(http: httpx.Client, space: str) -> None:
    http.post(CONTAINER, json=container(space, nullable=True)).raise_for_status()
    http.post("/models/views", json=view(space)).raise_for_status()
    http.post("/models/instances", json=node(space, n="a")).raise_for_status()
    http.post("/models/instances", json={"items": [{"instanceType": "node", "space": space, "externalId": "b"}]})
    deleted = {"items": [{"instanceType": "node", "space": space, "externalId": "b"}]}
    http.post("/models/instances/delete", json=deleted).raise_for_status()
    body = {"items": [{"space": space}, {"space": "nowhere"}]}
    (counts,) = http.post("/models/statistics/spaces/byids", json=body).raise_for_status().json()["items"]
    expected = {"containers": 1, "views": 1, "dataModels": 0, "nodes": 1, "edges": 0}
    assert counts == {"space": space, "softDeletedNodes": 1, "softDeletedEdges": 0} | expected
    assert counts in http.get("/models/statistics/spaces").json()["items"]
    for items in ([], [{"space": space}] * 101):
        assert http.post("/models/statistics/spaces/byids", json={"items": items}).status_code == 400


def test_deleted_instances_count_for_three_days(start_sandbox: Callable[..., Any]) -> None:
    with start_sandbox(instance_limit=2) as running:
        _fill_and_empty(running)


def _fill_and_empty(running: RunningSandbox) -> None:
    def send(path: str, *names: str) -> httpx.Response:
        nodes = [{"instanceType": "node", "space": "s", "externalId": name} for name in names]
        with running.http() as http:
            return http.post(path, json={"items": nodes})

    with running.http() as http:
        http.post("/models/spaces", json={"items": [{"space": "s"}]}).raise_for_status()
    assert send("/models/instances", "a", "b").status_code == 200
    assert send("/models/instances/delete", "a", "b").status_code == 200
    running.advance(3 * 86400 - 60)
    assert "2 of them deleted lately" in send("/models/instances", "c").json()["error"]["message"]
    running.advance(60)
    assert send("/models/instances", "c").status_code == 200
    with running.http() as http:
        assert http.get("/models/statistics").json()["instances"]["softDeletedNodes"] == 0


def test_a_deletion_may_name_the_version_that_it_expects(http: httpx.Client, space: str) -> None:
    http.post(CONTAINER, json=container(space, nullable=True)).raise_for_status()
    for text in ("a", "b"):
        http.post("/models/instances", json=node(space, n=text)).raise_for_status()
    named = {"instanceType": "node", "space": space, "externalId": "x", "existingVersion": 1}
    refused = http.post("/models/instances/delete", json={"items": [named]})
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        409, "A version conflict caused the ingest to fail."
    )  # fmt: skip
    skipped = http.post("/models/instances", json={"items": [], "delete": [named], "skipOnVersionConflict": True})
    assert skipped.raise_for_status().json()["deleted"] == []
    current = named | {"existingVersion": 2}
    assert len(http.post("/models/instances/delete", json={"items": [current]}).json()["items"]) == 1


INSTANCES = "/models/instances"
CREATED = {"range": {"property": ["node", "createdTime"], "gte": 0}}
BASE: dict[str, Any] = {"nodes": {"filter": {"hasData": []}}, "limit": 2}
BUILT: dict[str, Any] = {
    "query": ({"unionAll": ["a"], "limit": 1}, {"union": ["a"], "limit": 1}),
    "sync": ({"edges": {"from": "a"}}, {"edges": {"from": "a", "direction": "inwards"}}),
}
"""A set that builds on `a`, and another one."""


@pytest.fixture(scope="module")
def five_nodes(running: RunningSandbox) -> Iterator[httpx.Client]:
    with running.http() as http:
        http.post("/models/spaces", json={"items": [{"space": "five"}]}).raise_for_status()
        nodes = [{"instanceType": "node", "space": "five", "externalId": str(number)} for number in range(5)]
        http.post(INSTANCES, json={"items": nodes}).raise_for_status()
        yield http


@pytest.mark.parametrize(
    "change",
    [
        {"filter": CREATED}, {"instanceType": "edge", "sort": []}, {"sort": [{"property": ["node", "space"]}]},
        {"sources": [{"source": {"type": "view", "space": "cdf_cdm", "externalId": "CogniteAsset", "version": "v1"}}]},
    ],
)  # fmt: skip
def test_a_cursor_is_good_for_the_same_list(five_nodes: httpx.Client, change: dict[str, Any]) -> None:
    body = {"limit": 2, "sort": [{"property": ["node", "externalId"]}]}
    cursor = five_nodes.post(f"{INSTANCES}/list", json=body).json()["nextCursor"]
    more = five_nodes.post(f"{INSTANCES}/list", json={**body, "limit": 3, "includeTyping": True, "cursor": cursor})
    assert len(more.json()["items"]) == 3
    refused = five_nodes.post(f"{INSTANCES}/list", json={**body, **change, "cursor": cursor})
    assert (refused.status_code, refused.json()["error"]["message"][:14]) == (400, "Invalid cursor")


@pytest.mark.parametrize("path", BUILT)
@pytest.mark.parametrize("changed", ["the set", "what it builds on", "parameters"])
def test_a_cursor_is_good_for_the_same_result_set(five_nodes: httpx.Client, path: str, changed: str) -> None:
    """And for those that it builds on; other sets, and limits, are free."""
    built, other = BUILT[path]
    asked = {"with": {"a": BASE, "b": built}, "select": {"b": {}}, "parameters": {"p": 1}}
    answer = five_nodes.post(f"{INSTANCES}/{path}", json=asked).raise_for_status().json()
    asked["cursors"] = answer["nextCursor"]
    assert asked["cursors"]["b"]
    free = {"a": BASE | {"limit": 3}, "b": built | {"limit": 2}, "c": BASE}
    five_nodes.post(f"{INSTANCES}/{path}", json={**asked, "with": free}).raise_for_status()
    change = {
        "the set": {"with": {"a": BASE, "b": other}},
        "what it builds on": {"with": {"a": {**BASE, "nodes": {"filter": CREATED}}, "b": built}},
        "parameters": {"parameters": {"p": 2}},
    }[changed]
    refused = five_nodes.post(f"{INSTANCES}/{path}", json={**asked, **change})
    assert (refused.status_code, refused.json()["error"]["message"][:14]) == (400, "Invalid cursor")
