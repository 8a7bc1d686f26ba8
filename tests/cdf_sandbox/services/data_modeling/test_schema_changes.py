"""Changes of schemas that exist, as tests of Cognite's neat find them in CDF."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import httpx
import pytest

from dms_requests import SPACE, prepare
from local_cdf import RunningSandbox

CONTAINERS, VIEWS, MODELS = "/models/containers", "/models/views", "/models/datamodels"
Change = Callable[[dict[str, Any]], object]


def core(name: str, kind: str = "view") -> dict[str, str]:
    """A container or view of the core data model."""
    return {"type": kind, "space": "cdf_cdm", "externalId": name} | ({"version": "v1"} if kind == "view" else {})


def own(name: str) -> dict[str, str]:
    """A view of the space."""
    return {"type": "view", "space": SPACE, "externalId": name, "version": "v1"}


IN_CHANGED = {"type": "container", "space": SPACE, "externalId": "Changed"}
CONTAINER: dict[str, Any] = {
    "space": SPACE, "externalId": "Changed", "usedFor": "node",
    "properties": {
        "t": {"type": {"type": "text", "maxTextSize": 100}}, "t2": {"type": {"type": "text"}},
        "i": {"type": {"type": "int32", "list": True}}, "d": {"type": {"type": "direct"}},
        "f": {"type": {"type": "float32", "unit": {"externalId": "length:m", "sourceUnit": "meters"}}},
        "e": {"type": {"type": "enum", "values": {"a": {}, "b": {"name": "B"}}}},
    },
    "constraints": {
        "u": {"constraintType": "uniqueness", "properties": ["t"], "bySpace": True},
        "r": {"constraintType": "requires", "require": core("CogniteDescribable", "container")},
    },
    "indexes": {"x": {"indexType": "btree", "properties": ["t"], "bySpace": True, "cursorable": True}},
}  # fmt: skip
VIEW: dict[str, Any] = {
    **{key: value for key, value in own("Changing").items() if key != "type"},
    "implements": [core("CogniteDescribable"), core("CogniteVisualizable")],
    "properties": {
        "t": {"container": IN_CHANGED, "containerPropertyIdentifier": "t"},
        "d": {"container": IN_CHANGED, "containerPropertyIdentifier": "d", "source": own("A")},
        "edge": {
            "connectionType": "single_edge_connection", "source": own("A"), "direction": "outwards",
            "type": {"space": SPACE, "externalId": "type"},
        },
        "back": {
            "connectionType": "single_reverse_direct_relation", "source": own("A"),
            "through": {"source": own("A"), "identifier": "d"},
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def session(running: RunningSandbox) -> Iterator[httpx.Client]:
    """A connection to a project with the container, two views of it, and the view that is changed."""
    prepare(running.client())
    mapped = {"d": {"container": IN_CHANGED, "containerPropertyIdentifier": "d"}}
    with running.http() as http:
        put(http, CONTAINERS, CONTAINER)
        for name in ("A", "B"):
            put(http, VIEWS, {"space": SPACE, "externalId": name, "version": "v1", "properties": mapped})
        put(http, VIEWS, VIEW)
        yield http


def put(session: httpx.Client, path: str, item: dict[str, Any]) -> Any:
    """What is answered and read back of an item."""
    answer = session.post(path, json={"items": [item]})
    assert answer.status_code == 200, answer.text
    key = {name: item[name] for name in ("space", "externalId", "version") if name in item}
    (read,) = session.post(path + "/byids", json={"items": [key]}).json()["items"]
    assert read == answer.json()["items"][0]
    return read


def changed(item: dict[str, Any], change: Change) -> dict[str, Any]:
    """The item with a change."""
    new = deepcopy(item)
    change(new)
    return new


@pytest.mark.parametrize(
    "change",
    [
        lambda new: new["properties"].pop("f"),
        lambda new: new["properties"]["f"]["type"].pop("unit"),
        lambda new: new["properties"]["e"]["type"]["values"].pop("b"),
    ],
)
def test_what_a_container_keeps(session: httpx.Client, change: Change) -> None:
    before = put(session, CONTAINERS, CONTAINER)
    assert put(session, CONTAINERS, changed(CONTAINER, change))["properties"] == before["properties"]


def test_changes_of_a_container_that_take_effect(session: httpx.Client) -> None:
    def change(new: dict[str, Any]) -> None:
        properties = new["properties"]
        properties["e"]["type"]["values"] = {"a": {"description": "first"}, "b": {"name": "B2"}, "c": {}}
        properties["e"]["type"]["unknownValue"] = "c"
        properties["f"]["type"]["unit"] = {"externalId": "length:ft", "sourceUnit": "feet"}
        properties["t"] |= {"name": "T", "description": "text", "immutable": True}
        new["indexes"]["y"] = {"properties": ["t2"]}

    try:
        new = changed(CONTAINER, change)
        read = put(session, CONTAINERS, new)
        assert read["properties"]["e"]["type"] == {**new["properties"]["e"]["type"], "list": False}
        assert read["properties"]["f"]["type"]["unit"] == new["properties"]["f"]["type"]["unit"]
        assert (read["properties"]["t"]["name"], read["properties"]["t"]["immutable"]) == ("T", True)
        assert read["indexes"].keys() == {"x", "y"}
    finally:
        put(session, CONTAINERS, CONTAINER)


@pytest.mark.parametrize(
    ("status", "word", "change"),
    [
        (400, "usedFor", lambda new: new.update(usedFor="edge")),
        (400, "type", lambda new: new["properties"]["i"].update(type={"type": "int32"})),
        (400, "'u'", lambda new: new["constraints"]["u"].update(properties=["t", "f"])),
        (400, "'u'", lambda new: new["constraints"]["u"].update(bySpace=False)),
        (400, "'u'", lambda new: new["constraints"].update(u=new["constraints"]["r"])),
        (400, "'r'", lambda new: new["constraints"]["r"].update(require=core("CogniteAsset", "container"))),
        (400, "'x'", lambda new: new["indexes"].update(x={"indexType": "inverted", "properties": ["t"]})),
        (400, "'x'", lambda new: new["indexes"]["x"].update(properties=["t", "f"])),
        (400, "'x'", lambda new: new["indexes"]["x"].update(bySpace=False)),
        (400, "'x'", lambda new: new["indexes"]["x"].update(cursorable=False)),
        (500, "Internal server error", lambda new: new["properties"]["t"]["type"].update(collation="en")),
    ],
)
def test_changes_of_a_container_that_are_refused(session: httpx.Client, status: int, word: str, change: Change) -> None:
    answer = session.post(CONTAINERS, json={"items": [changed(CONTAINER, change)]})
    assert (answer.status_code, word in answer.json()["error"]["message"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("implements", lambda new: new["implements"].append(core("CogniteSourceable"))),
        ("implements", lambda new: new["implements"].pop()),
        (
            "property 't' would change type from text to int32 list",
            lambda new: new["properties"]["t"].update(containerPropertyIdentifier="i"),
        ),
        ("source", lambda new: new["properties"]["d"].update(source=own("B"))),
        ("source", lambda new: new["properties"]["edge"].update(source=own("B"))),
        ("source", lambda new: new["properties"]["back"].update(source=own("B"))),
        (
            "'edge' would change type from single_edge_connection to multi_edge_connection",
            lambda new: new["properties"]["edge"].update(connectionType="multi_edge_connection"),
        ),
        (
            "'back' would change type from single_reverse_direct_relation to multi_reverse_direct_relation",
            lambda new: new["properties"]["back"].update(connectionType="multi_reverse_direct_relation"),
        ),
        ("'t' would change type", lambda new: new["properties"].update(t=new["properties"]["edge"])),
    ],
)
def test_changes_of_a_view_that_are_refused(session: httpx.Client, words: str, change: Change) -> None:
    answer = session.post(VIEWS, json={"items": [changed(VIEW, change)]})
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]["message"]


def test_changes_of_a_view_that_take_effect(session: httpx.Client) -> None:
    def change(new: dict[str, Any]) -> None:
        new |= {"name": "New", "filter": {"equals": {"property": ["node", "externalId"], "value": "x"}}}
        new["implements"].reverse()
        new["properties"]["t"]["containerPropertyIdentifier"] = "t2"
        new["properties"]["edge"] |= {
            "type": {"space": SPACE, "externalId": "other"}, "direction": "inwards", "edgeSource": own("B"),
        }  # fmt: skip
        new["properties"]["back"]["through"]["source"] = own("B")

    try:
        new = changed(VIEW, change)
        read = put(session, VIEWS, new)
        assert {name: read[name] for name in ("name", "filter", "implements")} == {
            name: new[name] for name in ("name", "filter", "implements")
        }
        assert read["properties"]["t"]["containerPropertyIdentifier"] == "t2"
        assert read["properties"]["edge"].items() >= new["properties"]["edge"].items()
        assert read["properties"]["back"]["through"] == new["properties"]["back"]["through"]
    finally:
        put(session, VIEWS, VIEW)


def test_what_views_and_data_models_keep(session: httpx.Client) -> None:
    before = put(session, VIEWS, VIEW)
    after = put(session, VIEWS, changed(VIEW, lambda new: new["properties"].pop("t")))
    assert after["properties"] == before["properties"]
    model = {"space": SPACE, "externalId": "Model", "version": "v1", "views": [own("A"), own("B")]}
    put(session, MODELS, model)
    assert put(session, MODELS, {**model, "views": [own("B")]})["views"] == [own("B"), own("A")]
    newer = {**own("A"), "version": "v2"}
    put(session, VIEWS, {**{key: value for key, value in newer.items() if key != "type"}, "implements": [own("A")]})
    assert put(session, MODELS, {**model, "views": [newer]})["views"] == [newer, own("B")]
