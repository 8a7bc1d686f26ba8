"""Constraints that are put on data which violate them: they are taken as failed, and bind what is written later."""

from typing import Any

import httpx
import pytest

CONTAINER, INSTANCES = "/models/containers", "/models/instances"


def container(space: str, name: str = "C", *, limits: dict[str, int] | None = None, **fields: Any) -> dict[str, Any]:
    properties = {
        "n": {"type": {"type": "text", **(limits or {})}},
        "many": {"type": {"type": "int32", "list": True, **({"maxListSize": 2} if limits else {})}},
    }
    return {"space": space, "externalId": name, "properties": properties, **fields}


def put(http: httpx.Client, *containers: dict[str, Any]) -> dict[str, Any]:
    answer = http.post(CONTAINER, json={"items": containers}).raise_for_status()
    found: dict[str, Any] = answer.json()["items"][-1]
    key = {"space": found["space"], "externalId": found["externalId"]}
    assert http.post(f"{CONTAINER}/byids", json={"items": [key]}).json()["items"] == [found]
    return found


def write(http: httpx.Client, space: str, name: str, container: str = "C", **properties: Any) -> int:
    source = {"type": "container", "space": space, "externalId": container}
    node = {
        "instanceType": "node", "space": space, "externalId": name,
        "sources": [{"source": source, "properties": properties}],
    }  # fmt: skip
    return http.post(INSTANCES, json={"items": [node]}).status_code


def delete(http: httpx.Client, space: str, name: str) -> None:
    node = {"instanceType": "node", "space": space, "externalId": name}
    http.post(f"{INSTANCES}/delete", json={"items": [node]}).raise_for_status()


UNIQUE = {"constraints": {"u": {"constraintType": "uniqueness", "properties": ["n"]}}}


def test_values_that_should_be_unique(http: httpx.Client, space: str) -> None:
    put(http, container(space))
    for name, value in (("a", "x"), ("b", "x"), ("c", "y")):
        assert write(http, space, name, n=value) == 200
    assert put(http, container(space, **UNIQUE))["constraints"]["u"]["state"] == "failed"
    assert write(http, space, "d", n="x") == 409
    assert write(http, space, "d", n="y") == 409
    assert write(http, space, "d", n="z") == 200
    delete(http, space, "a")
    assert put(http, container(space, **UNIQUE))["constraints"]["u"]["state"] == "current"
    assert write(http, space, "a", n="x") == 409, "the other one still has the value"
    delete(http, space, "b")
    assert write(http, space, "a", n="x") == 200


def test_a_constraint_that_is_left_out_binds_no_more(http: httpx.Client, space: str) -> None:
    put(http, container(space, **UNIQUE))
    assert write(http, space, "a", n="x") == 200
    put(http, container(space))
    assert write(http, space, "b", n="x") == 200


def test_values_within_a_space(http: httpx.Client, space: str) -> None:
    put(http, container(space))
    assert write(http, space, "a", n="x") == 200
    unique = {"constraints": {"u": {"constraintType": "uniqueness", "properties": ["n"], "bySpace": True}}}
    assert put(http, container(space, **unique))["constraints"]["u"]["state"] == "current"
    assert write(http, space, "b", n="x") == 409


def test_a_container_that_should_be_there_too(http: httpx.Client, space: str) -> None:
    put(http, container(space, "Base"), container(space))
    assert write(http, space, "a", n="x") == 200
    required = {"type": "container", "space": space, "externalId": "Base"}
    demanding = container(space, constraints={"r": {"constraintType": "requires", "require": required}})
    assert put(http, demanding)["constraints"]["r"]["state"] == "failed"
    assert write(http, space, "b", n="x") == 400
    assert write(http, space, "a", "Base", n="x") == 200
    assert put(http, demanding)["constraints"]["r"]["state"] == "current"


@pytest.mark.parametrize(
    ("values", "states"),
    [
        ({"n": "long", "many": [1, 2, 3]}, {"n": {"maxTextSize": "failed"}, "many": {"maxListSize": "failed"}}),
        ({"n": "é", "many": [1, 2]}, {"n": {"maxTextSize": "current"}, "many": {"maxListSize": "current"}}),
        ({"n": "éé"}, {"n": {"maxTextSize": "failed"}, "many": {"maxListSize": "current"}}),
    ],
)
def test_limits_of_values(
    http: httpx.Client, space: str, values: dict[str, Any], states: dict[str, dict[str, str]]
) -> None:
    put(http, container(space))
    assert write(http, space, "a", **values) == 200
    shown = put(http, container(space, limits={"maxTextSize": 3}))["properties"]
    assert {name: each["constraintState"] for name, each in shown.items()} == states
    assert write(http, space, "b", n="long") == 400
    assert write(http, space, "b", many=[1, 2, 3]) == 400
    delete(http, space, "a")
    shown = put(http, container(space, limits={"maxTextSize": 3}))["properties"]
    assert {each for prop in shown.values() for each in prop["constraintState"].values()} == {"current"}
    wider = put(http, container(space))["properties"]
    assert [prop["constraintState"] for prop in wider.values()] == [{}, {}]


def test_what_deleted_instances_lack_does_not_count(http: httpx.Client, space: str) -> None:
    put(http, container(space))
    assert write(http, space, "a") == 200
    assert write(http, space, "b", n="x") == 200
    required = container(space)
    required["properties"]["n"]["nullable"] = False
    assert put(http, required)["properties"]["n"]["constraintState"] == {"nullability": "failed"}
    delete(http, space, "a")
    assert put(http, required)["properties"]["n"]["constraintState"] == {"nullability": "current"}
