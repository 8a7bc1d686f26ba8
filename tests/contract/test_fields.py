"""Fields that clients rely on in data modeling, by path and type, checked without the specification."""

from __future__ import annotations

from typing import Any

import pytest

from dms_requests import GETS, POSTS, prepare
from local_cdf import RunningSandbox

TIMES = {"createdTime": int, "lastUpdatedTime": int}
ITS_SPACE = {"space": str, "isGlobal": bool, **TIMES}
CONTAINER = {**ITS_SPACE, "externalId": str, "usedFor": str, "properties": dict, "constraints": dict, "indexes": dict}
VIEW = {**ITS_SPACE, "externalId": str, "version": str, "usedFor": str, "writable": bool, "queryable": bool,
        "properties": dict, "mappedContainers": list}  # fmt: skip
MODEL = {**ITS_SPACE, "externalId": str, "version": str, "views": list}
REFERENCE = {"space": str, "externalId": str}
VERSIONED = {**REFERENCE, "version": str}
INSTANCE = {"instanceType": str, "space": str, "externalId": str, "version": int, **TIMES}
WITH_PROPERTIES = INSTANCE | {"properties": dict}

FIELDS: dict[str, dict[str, dict[str, type]]] = {
    "/models/spaces": {"items.0": ITS_SPACE},
    "/models/spaces/byids": {"items.0": ITS_SPACE},
    "/models/spaces/delete": {"items.0": {"space": str}},
    "/models/containers": {"items.0": CONTAINER},
    "/models/containers/byids": {"items.0": CONTAINER},
    "/models/containers/delete": {"items.0": REFERENCE},
    "/models/views": {"items.0": VIEW},
    "/models/views/byids": {"items.0": VIEW},
    "/models/views/delete": {"items.0": VERSIONED},
    "/models/datamodels": {"items.0": MODEL},
    "/models/datamodels/byids": {"items.0": MODEL},
    "/models/datamodels/delete": {"items.0": VERSIONED},
    "/models/instances": {"items.0": INSTANCE | {"wasModified": bool}, "deleted.0": REFERENCE | {"instanceType": str}},
    "/models/instances/byids": {"items.0": WITH_PROPERTIES, "typing": {}},
    "/models/instances/list": {"items.0": WITH_PROPERTIES, "typing": {}},
    "/models/instances/query": {"items.things.0": WITH_PROPERTIES, "items.edges": {}, "nextCursor": {}, "typing": {}},
    "/models/instances/search": {"items.0": WITH_PROPERTIES},
    "/models/instances/aggregate": {
        "items.0": {"instanceType": str, "group": dict, "aggregates": list},
        "items.0.aggregates.0": {"aggregate": str, "value": int},
    },
    "/models/instances/sync": {"items.things.0": WITH_PROPERTIES, "nextCursor": {"things": str}},
    "/models/instances/delete": {"items.0": REFERENCE | {"instanceType": str}},
}
LISTED = {"spaces": ITS_SPACE, "containers": CONTAINER, "views": VIEW, "datamodels": MODEL}
COUNTED = ("spaces", "containers", "views", "dataModels", "containerProperties")


@pytest.fixture(scope="module")
def prepared(running: RunningSandbox) -> RunningSandbox:
    prepare(running.client())
    return running


def at(document: Any, path: str) -> Any:
    for part in path.split("."):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def test_the_table_has_every_endpoint() -> None:
    assert set(FIELDS) == set(POSTS)


@pytest.mark.parametrize("path", POSTS)
def test_answers(prepared: RunningSandbox, path: str) -> None:
    with prepared.http() as http:
        answer = http.post(path, json=POSTS[path])
    assert answer.status_code == 200, answer.text
    for place, fields in FIELDS[path].items():
        found = at(answer.json(), place)
        wrong = {name: found.get(name) for name, kind in fields.items() if type(found.get(name)) is not kind}
        assert wrong == {}, place


@pytest.mark.parametrize("url", GETS)
def test_lists(prepared: RunningSandbox, url: str) -> None:
    kind = url.removeprefix("/models/").partition("?")[0]
    with prepared.http() as http:
        answer = http.get(url).raise_for_status().json()
    if kind == "statistics":
        assert all(type(answer[each][part]) is int for each in COUNTED for part in ("count", "limit"))
        assert all(type(answer["instances"][part]) is int for part in ("nodes", "edges", "instances", "instancesLimit"))
        return
    wrong = [
        (name, item) for item in answer["items"] for name, t in LISTED[kind].items() if type(item.get(name)) is not t
    ]
    assert answer["items"]
    assert wrong == []
