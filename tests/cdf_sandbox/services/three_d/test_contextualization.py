"""Links from 360 images to assets: side effects, one to one, nothing keyed, refusals that change nothing."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import core_project as core
from cdf_sandbox.core.options import ProjectMode
from local_cdf import PLAIN, RunningSandbox, fast_options, run_sandbox

URL = "/3d/contextualization/image360"
TRIANGLE = [3, 1.5, 0.1, 1.5, 0.2, 1.6, 0.2]
Start = Callable[..., AbstractContextManager[RunningSandbox]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = fast_options(tmp_path_factory.mktemp("sandbox"), ProjectMode.DATA_MODELING)
    with run_sandbox(options) as sandbox:
        client = sandbox.client()
        for collection in ("collection", "other"):
            core.make_collection(client, collection)
        for asset in ("pump", "valve", "tank", "lonely", "seen"):
            core.make_asset(client, asset)
        for image in ("one", "two", "three", "four"):
            core.make_image(client, image)
        core.make_image(client, "elsewhere", collection="other")
        yield sandbox


def item(asset: str, image: str, data: list[float] | None = None) -> dict[str, Any]:
    polygon = {"version": "2.0.0", "data": data or TRIANGLE}
    return {"asset": core.ref(asset), "image360": core.ref(image), "polygon": polygon}


def body(*items: dict[str, Any], collection: str = "collection") -> dict[str, Any]:
    config = {
        "object3DSpace": core.SPACE, "contextualizationSpace": core.SPACE, "revision": core.ref(collection)
    }  # fmt: skip
    return {"items": list(items), "dmsContextualizationConfig": config}


def pairs(client: CogniteClient) -> list[tuple[str, str]]:
    return sorted((edge.start_node.external_id, edge.end_node.external_id) for edge in core.edges(client))


def test_object_and_edge_are_made_and_the_object_is_kept(client: CogniteClient, http: httpx.Client) -> None:
    assert http.post(URL, json=body(item("pump", "one"), item("pump", "two")), headers=core.BETA).json() == {}
    thing = core.object_of(client, "pump")
    assert thing is not None
    found = [edge for edge in core.edges(client) if edge.start_node.external_id == thing["externalId"]]
    assert [edge.end_node.external_id for edge in found] == ["one", "two"]
    assert {(edge.type.space, edge.type.external_id) for edge in found} == {("cdf_cdm", "image-360-annotation")}
    properties = found[0].properties[core.ANNOTATION]
    assert (properties["polygon"], properties["formatVersion"]) == (TRIANGLE, "2.0.0")
    node = client.data_modeling.instances.retrieve(
        nodes=NodeId(thing["space"], thing["externalId"]), sources=core.OBJECT
    )
    assert len(node.nodes) == 1
    http.post(URL, json=body(item("pump", "three")), headers=core.BETA)
    assert core.object_of(client, "pump") == thing


def test_what_is_sent_twice_is_there_twice_and_goes_by_pair(client: CogniteClient, http: httpx.Client) -> None:
    for _ in range(2):
        assert http.post(URL, json=body(item("valve", "one"), item("valve", "two")), headers=core.BETA).is_success
    thing = core.object_of(client, "valve")
    assert thing is not None
    name = thing["externalId"]
    assert [pair for pair in pairs(client) if pair[0] == name] == [(name, "one")] * 2 + [(name, "two")] * 2
    pair = {"asset": core.ref("valve"), "image360": core.ref("one")}
    for _ in range(2):
        assert http.post(f"{URL}/delete", json=body(pair), headers=core.BETA).json() == {}
        assert [pair for pair in pairs(client) if pair[0] == name] == [(name, "two")] * 2
    assert core.object_of(client, "valve") == thing


@pytest.mark.parametrize("version", ["beta", "20230101-beta", "alpha", "20230101-alpha"])
def test_headers_that_open_it(http: httpx.Client, version: str) -> None:
    pair = {"asset": core.ref("lonely"), "image360": core.ref("one")}
    assert http.post(f"{URL}/delete", json=body(pair), headers={"cdf-version": version}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"cdf-version": "20230101"}, {"cdf-version": "betamax"}])
def test_without_the_header_it_is_closed(http: httpx.Client, headers: dict[str, str]) -> None:
    answer = http.post(URL, json=body(item("pump", "one")), headers=headers)
    assert (answer.status_code, "beta" in answer.json()["error"]["message"]) == (400, True)


def changed(*place: str | int, to: Any) -> dict[str, Any]:
    """A valid body with something else at one place; `to` None takes it away."""
    whole = copy.deepcopy(body(item("tank", "one")))
    holder: Any = whole
    for key in place[:-1]:
        holder = holder[key]
    if to is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = to
    return whole


DATA = ("items", 0, "polygon", "data")
CONFIG = "dmsContextualizationConfig"
REFUSED = [
    (body(), "at least 1"),
    (body(*[item("tank", "one")] * 101), "at most 100"),
    (changed(*DATA, to=[3, 1, 1, 1, 1, 1]), "at least 7"),
    (changed(*DATA, to=TRIANGLE * 143), "at most 1000"),
    (changed(*DATA, to=[2, 1, 1, 1, 1, 3, 1]), "at least 3"),
    (changed(*DATA, to=[3.5, 1, 1, 1, 1, 1, 1]), "vertex count"),
    (changed(*DATA, to=[4, *TRIANGLE[1:]]), "end before"),
    (changed(*DATA, to=[*TRIANGLE, 3]), "end before"),
    (changed(*DATA, to=[*TRIANGLE, 1.0]), "at least 3"),
    (changed(*DATA, to=[3, 1.5, 2 * math.pi, 1.5, 0.2, 1.6, 0.2]), "azimuth"),
    (changed(*DATA, to=[3, 1.5, -0.1, 1.5, 0.2, 1.6, 0.2]), "azimuth"),
    (changed(*DATA, to=[3, 3.2, 0.1, 1.5, 0.2, 1.6, 0.2]), "polar"),
    (changed(*DATA, to=[3, "1", 0.1, 1.5, 0.2, 1.6, 0.2]), "data"),
    (changed("items", 0, "polygon", "version", to="1.0.1"), "2.0.0"),
    (changed("items", 0, "polygon", to=None), "polygon"),
    (changed("items", 0, "asset", to=core.ref("nobody")), "Assets not found"),
    (changed("items", 0, "asset", to=core.ref("one")), "Assets not found"),
    (changed("items", 0, "image360", to=core.ref("nobody")), "360 images not found"),
    (changed("items", 0, "image360", to=core.ref("pump")), "360 images not found"),
    (changed("items", 0, "image360", to=core.ref("elsewhere")), "does not belong to collection"),
    (changed(CONFIG, "revision", to=core.ref("one")), "360 image collections not found"),
    (changed(CONFIG, "revision", to=None), "revision"),
    (changed(CONFIG, "revisionInstanceId", to={"space": "s", "externalId": "x"}), "Unexpected field"),
    (changed(CONFIG, "object3DSpace", to="cdf_cdm"), "cdf_cdm is global"),
    (changed(CONFIG, "contextualizationSpace", to="cdf_cdm_3d"), "cdf_cdm_3d is global"),
]


@pytest.mark.parametrize(("wrong", "said"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_refused_whole(running: RunningSandbox, http: httpx.Client, wrong: dict[str, Any], said: str) -> None:
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    answer = http.post(URL, json=wrong, headers=core.BETA)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before


@pytest.mark.parametrize("name", ["object3DSpace", "contextualizationSpace"])
@pytest.mark.parametrize("url", [URL, f"{URL}/delete"])
@pytest.mark.parametrize(("space", "status"), [("nowhere", 500), ("cdf_cdm", 400)])
def test_a_missing_space_fails_without_saying_so(
    http: httpx.Client, url: str, name: str, space: str, status: int
) -> None:
    """And a global one is refused by name."""
    wrong = changed(CONFIG, name, to=space)
    if url != URL:
        del wrong["items"][0]["polygon"]
    answer = http.post(url, json=wrong, headers=core.BETA)
    assert answer.status_code == status
    assert (space in answer.text) == (status == 400)


def test_one_wrong_item_refuses_the_others(client: CogniteClient, http: httpx.Client) -> None:
    answer = http.post(URL, json=body(item("lonely", "one"), item("nobody", "one")), headers=core.BETA)
    assert answer.status_code == 400
    assert core.object_of(client, "lonely") is None


@pytest.mark.parametrize("mode", [ProjectMode.ASSET_CENTRIC, ProjectMode.HYBRID])
def test_other_projects_refuse_it(start_sandbox: Start, mode: ProjectMode) -> None:
    with start_sandbox(mode=mode) as running, running.http() as http:
        for url in (URL, f"{URL}/delete"):
            pair = item("pump", "one")
            if url != URL:
                del pair["polygon"]
            answer = http.post(url, json=body(pair), headers=core.BETA)
            assert answer.status_code == 400
            assert "data modeling only" in answer.json()["error"]["message"]


def test_who_may_not_write_the_spaces_is_refused(running: RunningSandbox) -> None:
    scope = {"all": {}}
    capabilities = [{acl: {"actions": ["READ"], "scope": scope}} for acl in ("dataModelInstancesAcl", "dataModelsAcl")]
    made = PLAIN.post(
        f"{running.base_url}/sandbox/clients", json={"clientId": "reader", "capabilities": capabilities},
    ).json()  # fmt: skip
    client = running.client("reader", made["clientSecret"])
    with pytest.raises(Exception, match="dataModelInstancesAcl:WRITE"):
        client.post(f"/api/v1/projects/{client.config.project}{URL}", json=body(item("seen", "one")), headers=core.BETA)


@pytest.mark.parametrize(
    ("schemas", "spaces", "said"),
    [
        (False, [core.SPACE, "objects", "collections"], "dataModelsAcl:READ"),
        (True, [core.SPACE, "objects"], "spaces collections"),
        (True, [core.SPACE, "collections"], "spaces objects"),
        (True, [core.SPACE, "collections", "objects"], None),
    ],
)
def test_what_is_read_must_be_readable(
    running: RunningSandbox, client: CogniteClient, schemas: bool, spaces: list[str], said: str | None
) -> None:
    """The data models, the collection, and the object that the asset has already."""
    client.data_modeling.spaces.apply([SpaceApply("objects"), SpaceApply("collections")])
    revision, thing = {"space": "collections", "externalId": "far"}, {"space": "objects", "externalId": "thing"}
    core.make_asset(client, "far")
    core.make_image(client, "far_image")
    sent = body(item("far", "far_image"))
    with running.http() as full:
        full.post("/models/instances", json={"items": [
            _node(**thing, in_="cdf_cdm", view="Cognite3DObject", properties={"name": "thing"}),
            _node(**revision, in_="cdf_cdm", view="Cognite360ImageCollection", properties={"type": "Image360"}),
            _node(core.SPACE, "far", "cdf_cdm", "CogniteAsset", {"object3D": thing}),
            _node(core.SPACE, "far_image", "cdf_cdm", "Cognite360Image", {"collection360": revision}),
        ]}).raise_for_status()  # fmt: skip
    sent[CONFIG]["revision"] = {"instanceId": revision}
    narrow = {"spaceIdScope": {"spaceIds": spaces}}
    may: list[dict[str, object]] = [
        {"dataModelInstancesAcl": {"actions": ["READ"], "scope": narrow}},
        {"dataModelInstancesAcl": {"actions": ["WRITE"], "scope": {"spaceIdScope": {"spaceIds": [core.SPACE]}}}},
    ]
    may += [{"dataModelsAcl": {"actions": ["READ"], "scope": {"all": {}}}}] if schemas else []
    with running.http(*running.make_client("narrow", may)) as http:
        for url in (URL, f"{URL}/delete"):
            if url != URL:
                del sent["items"][0]["polygon"]
            answer = http.post(url, json=sent, headers=core.BETA)
            assert answer.status_code == (403 if said else 200), answer.text
            assert (said or "") in answer.text


def _node(space: str, externalId: str, in_: str, view: str, properties: dict[str, Any]) -> dict[str, Any]:
    source = {"type": "view", "space": in_, "externalId": view, "version": "v1"}
    return {
        "instanceType": "node", "space": space, "externalId": externalId,
        "sources": [{"source": source, "properties": properties}],
    }  # fmt: skip


def test_bodies_fit_the_published_schemas(shared: Path) -> None:
    """The path is in beta and in no stable specification, the schemas of its bodies are."""
    document = json.loads((shared / "reference/cdf-openapi-subset.json").read_text())
    registry = Registry().with_resource("cdf:", Resource(document, DRAFT202012))
    pair = {"asset": core.ref("pump"), "image360": core.ref("one")}
    for schema, sent in (
        ("ContextualizeImage360AnnotationRCBody", body(item("pump", "one"))),
        ("DeleteContextualizedImage360AnnotationsRCBody", body(pair)),
    ):
        validator = Draft202012Validator({"$ref": f"cdf:#/components/schemas/{schema}"}, registry=registry)
        assert not [error.message for error in validator.iter_errors(sent)]
