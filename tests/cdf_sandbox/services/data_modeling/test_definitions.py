"""Definitions of containers and views that the specification forbids."""

from typing import Any

import httpx
import pytest

from dms_requests import CONTAINER, SPACE

CONTAINERS, VIEWS, MODELS = "/models/containers", "/models/views", "/models/datamodels"
TEXT = {"type": {"type": "text"}}


def container(**fields: Any) -> dict[str, Any]:
    """A container with the property `p`."""
    return {"items": [{"space": SPACE, "externalId": "Defined", "properties": {"p": TEXT}, **fields}]}


def typed(**type_: Any) -> dict[str, Any]:
    """A container whose property has this type."""
    return container(properties={"p": {"type": type_}})


def view(properties: int) -> dict[str, Any]:
    """A view with so many properties."""
    mapped = {"container": CONTAINER, "containerPropertyIdentifier": "name"}
    wide = {f"p{number}": mapped for number in range(properties)}
    return {"items": [{"space": SPACE, "externalId": "Wide", "version": "v1", "properties": wide}]}


def uniqueness(count: int) -> dict[str, Any]:
    """So many uniqueness constraints."""
    return {f"u{number}": {"constraintType": "uniqueness", "properties": ["p"]} for number in range(count)}


def requires(count: int) -> dict[str, Any]:
    """So many requirements."""
    return {f"r{number}": {"constraintType": "requires", "require": CONTAINER} for number in range(count)}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (CONTAINERS, typed(type="enum", values={"true": {}}), "'true' is reserved"),
        (CONTAINERS, typed(type="enum", values={"a": {}}, unknownValue="b"), "unknownValue 'b' is none of the values"),
        (CONTAINERS, typed(type="text", collation="klingon"), "collation"),
        (CONTAINERS, container(constraints=uniqueness(11)), "at most 10 uniqueness constraints"),
        (CONTAINERS, container(constraints=requires(26)), "at most 25 requires constraints"),
        (CONTAINERS, container(indexes={"i": {"indexType": "inverted", "properties": ["p"], "cursorable": True}}),
         "'cursorable'"),
        (CONTAINERS, container(indexes={"i": {"indexType": "inverted", "properties": ["p"], "bySpace": False}}),
         "'bySpace'"),
        (VIEWS, view(101), "at most 100 items"),
    ],
)  # fmt: skip
def test_refused(session: httpx.Client, path: str, body: dict[str, Any], words: str) -> None:
    answer = session.post(path, json=body)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CONTAINERS, container(constraints={**uniqueness(10), **requires(25)})),
        (CONTAINERS, container(externalId="Chosen", properties={
            "p": {"type": {"type": "enum", "values": {"a": {}, "b": {}}, "unknownValue": "b"}},
            "q": {"type": {"type": "text", "collation": "en-US-u-va-posix"}},
            "r": {"type": {"type": "text", "collation": "zh-Hant-TW", "list": True}},
        }, indexes={"i": {"indexType": "inverted", "properties": ["r"]}})),
        (VIEWS, view(100)),
    ],
)  # fmt: skip
def test_accepted(session: httpx.Client, path: str, body: dict[str, Any]) -> None:
    answer = session.post(path, json=body)
    assert answer.status_code == 200, answer.text


def test_the_unknown_value_of_an_enumeration_cannot_be_written(session: httpx.Client) -> None:
    values = {"type": {"type": "enum", "values": {"a": {}, "b": {}}, "unknownValue": "b"}}
    body = container(externalId="Listed", properties={"p": values})
    assert session.post(CONTAINERS, json=body).status_code == 200
    for value, status in (("a", 200), ("b", 400)):
        source = {"source": {**CONTAINER, "externalId": "Listed"}, "properties": {"p": value}}
        listed = {"instanceType": "node", "space": SPACE, "externalId": "listed", "sources": [source]}
        assert session.post("/models/instances", json={"items": [listed]}).status_code == status


@pytest.mark.parametrize("path", ["/models/containers", "/models/views", "/models/datamodels"])
def test_no_list_is_of_a_reserved_space(session: httpx.Client, path: str) -> None:
    answer = session.get(path, params={"space": "system"})
    assert answer.status_code == 400 and "'system' is reserved" in answer.json()["error"]["message"]
