"""Allowed changes and deletions of schemas that others depend on."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dms_requests import CONTAINER, SPACE, VIEW, prepare
from local_cdf import RunningSandbox

CONTAINERS, VIEWS, MODELS = "/models/containers", "/models/views", "/models/datamodels"
TEXT = {"type": {"type": "text"}}
BASE = {"type": "container", "space": SPACE, "externalId": "Base"}
SEEN = {"type": "view", "space": SPACE, "externalId": "Seen", "version": "v1"}


def container(name: str, **fields: Any) -> dict[str, Any]:
    """A container with two texts."""
    return {"space": SPACE, "externalId": name, "properties": {"p": TEXT, "q": TEXT}, **fields}


@pytest.fixture(scope="module")
def session(running: RunningSandbox) -> Iterator[httpx.Client]:
    """A connection to a project with a container, and a view and a data model of it, none with data."""
    prepare(running.client())
    mapped = {"p": {"container": BASE, "containerPropertyIdentifier": "p"}}
    pointing = {"to": {"type": {"type": "direct", "container": {**BASE, "externalId": "Aim"}}}}
    with running.http() as http:
        for path, items in (
            (CONTAINERS, [container("Base", indexes={"i": {"properties": ["p"]}}), container("Aim")]),
            (CONTAINERS, [container("Pointing", properties=pointing)]),
            (VIEWS, [{"space": SPACE, "externalId": "Seen", "version": "v1", "properties": mapped}]),
            (MODELS, [{"space": SPACE, "externalId": "Of", "version": "v1", "views": [SEEN]}]),
        ):
            assert http.post(path, json={"items": items}).status_code == 200
        yield http


def refusal(session: httpx.Client, path: str, *items: dict[str, Any]) -> str:
    """The words of a refusal."""
    answer = session.post(path, json={"items": items})
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"]["message"])


def test_a_mapped_property_stays(session: httpx.Client) -> None:
    assert session.post(CONTAINERS, json={"items": [container("Base", properties={"q": TEXT})]}).status_code == 200
    assert session.post(VIEWS + "/byids", json={"items": [SEEN]}).json()["items"][0]["properties"].keys() == {"p"}


def test_a_container_that_relations_need_stays(session: httpx.Client) -> None:
    words = refusal(session, CONTAINERS + "/delete", {"space": SPACE, "externalId": "Aim"})
    assert words.endswith("cannot be deleted: property 'to' of the container 'table:Pointing' points to it")
    both = [{"space": SPACE, "externalId": name} for name in ("Aim", "Pointing")]
    assert session.post(CONTAINERS + "/delete", json={"items": both}).status_code == 200


def test_a_view_of_a_data_model_stays(session: httpx.Client) -> None:
    words = refusal(session, VIEWS + "/delete", {name: SEEN[name] for name in ("space", "externalId", "version")})
    assert words.endswith("cannot be deleted: the data model 'table:Of/v1' holds it")
    answer = session.get(MODELS, params={"space": SPACE, "inlineViews": "true"})
    assert "Of" in {each["externalId"] for each in answer.json()["items"]}


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("/models/spaces", {"space": "twice"}),
        (CONTAINERS, container("Twice")),
        (VIEWS, {"space": SPACE, "externalId": "Twice", "version": "v1", "implements": [VIEW]}),
        (MODELS, {"space": SPACE, "externalId": "Twice", "version": "v1", "views": [VIEW]}),
    ],
)
def test_nothing_is_defined_twice_in_a_request(session: httpx.Client, path: str, item: dict[str, Any]) -> None:
    assert "is defined more than once" in refusal(session, path, item, {**item, "name": "other"})


def test_a_view_in_two_data_models_may_be_defined_in_both_alike(session: httpx.Client) -> None:
    mapped = {"name": {"container": CONTAINER, "containerPropertyIdentifier": "name"}}
    inline = {"space": SPACE, "externalId": "Inline", "version": "v1", "properties": mapped}
    models = [{"space": SPACE, "externalId": name, "version": "v1", "views": [inline]} for name in ("One", "Two")]
    assert session.post(MODELS, json={"items": models}).status_code == 200
    models[1]["views"] = [{**inline, "name": "other"}]
    assert "is defined more than once" in refusal(session, MODELS, *models)
