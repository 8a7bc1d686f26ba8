"""Nodes of 3D models and revisions that live in data modeling: they follow the 3D API, which also takes their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import httpx
import pytest

import core_project as core
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox_calls import items
from local_cdf import PLAIN, RunningSandbox, fast_options, run_sandbox

Start = Callable[..., AbstractContextManager[RunningSandbox]]
MODEL = {"type": "view", "space": "cdf_cdm", "externalId": "Cognite3DModel", "version": "v1"}
REVISION = {"type": "view", "space": "cdf_cdm", "externalId": "Cognite3DRevision", "version": "v1"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = fast_options(tmp_path_factory.mktemp("sandbox"), revision_queue=0, revision_processing=0)
    with run_sandbox(options) as sandbox, sandbox.http() as http:
        http.post("/models/spaces", json=items({"space": core.SPACE})).raise_for_status()
        core.apply(sandbox.client(), "picture", core.FILE, {"name": "picture.jpg"})
        yield sandbox


def ref(kind: str, number: int) -> dict[str, str]:
    return {"space": core.SPACE, "externalId": f"cog_3d_{kind}_{number}"}


def make_model(http: httpx.Client, kind: str = "PointCloud") -> int:
    answer = http.post("/3d/models", json=items({"name": "hall", "space": core.SPACE, "type": kind}))
    number: int = answer.raise_for_status().json()["items"][0]["id"]
    return number


def make_file(http: httpx.Client) -> int:
    made = http.post("/files", json={"name": "scan.e57"}).raise_for_status().json()
    PLAIN.put(made["uploadUrl"], content=b"ASTM-E57").raise_for_status()
    number: int = made["id"]
    return number


def make_revision(http: httpx.Client, model: int, **more: Any) -> int:
    item = {"fileId": make_file(http)} | more
    answer = http.post(f"/3d/models/{model}/revisions", json=items(item))
    number: int = answer.raise_for_status().json()["items"][0]["id"]
    return number


def properties(http: httpx.Client, view: dict[str, str], node: dict[str, str]) -> dict[str, Any] | None:
    body = {"items": [{"instanceType": "node", **node}], "sources": [{"source": view}]}
    found = http.post("/models/instances/byids", json=body).raise_for_status().json()["items"]
    return found[0]["properties"]["cdf_cdm"][f"{view['externalId']}/v1"] if found else None


def test_a_model_is_changed_by_its_instance(http: httpx.Client) -> None:
    model = make_model(http, "Image360")
    picture = {"space": core.SPACE, "externalId": "picture"}

    def change(update: dict[str, Any]) -> dict[str, Any]:
        answer = http.post("/3d/models/update", json=items({"instanceId": ref("model", model), "update": update}))
        (shown,) = answer.raise_for_status().json()["items"]
        assert shown == http.get(f"/3d/models/{model}").json()
        return {"shown": shown["name"]} | (properties(http, MODEL, ref("model", model)) or {})

    named = {"shown": "new", "name": "new", "type": "Image360"}
    assert change({"name": {"set": "new"}}) == named
    assert change({"thumbnailReference": {"set": picture}}) == named | {"thumbnail": picture}
    assert change({}) == named | {"thumbnail": picture}
    assert change({"name": {"set": "newer"}, "thumbnailReference": {"setNull": True}}) == {
        "shown": "newer", "name": "newer", "type": "Image360",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"update": {"metadata": {"set": {}}}}, "metadata"),
        ({"update": {"dataSetId": {"setNull": True}}}, "dataSetId"),
        ({"update": {"thumbnailReference": {"set": {"space": core.SPACE}}}}, "externalId"),
        ({"update": {"name": {"set": ""}}}, "name"),
        ({"id": 5}, "exactly one"),
        ({"instanceId": ref("model", 5)}, "not found"),
        ({"instanceId": ref("revision", 5)}, "not found"),
    ],
)
def test_changes_of_a_model_that_are_refused(http: httpx.Client, change: dict[str, Any], said: str) -> None:
    item = {"instanceId": ref("model", make_model(http)), "update": {"name": {"set": "n"}}}
    answer = http.post("/3d/models/update", json=items(item | change))
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]


def test_what_only_one_kind_of_model_has(http: httpx.Client) -> None:
    first, second = make_model(http), make_model(http)
    changes = [{"instanceId": ref("model", each), "update": {"name": {"set": "n"}}} for each in (first, second)]
    for url, body in (
        ("/3d/models/update", items(*changes)),
        ("/3d/models/update", items({"id": first, "update": {"name": {"set": "n"}}})),
        ("/3d/models/delete", items({"id": first})),
        ("/3d/models/delete", items(*({"instanceId": ref("model", each)} for each in (first, second)))),
    ):
        assert http.post(url, json=body).status_code == 400
    classic = http.post("/3d/models", json=items({"name": "classic"})).json()["items"][0]["id"]
    update = {"thumbnailReference": {"setNull": True}}
    answer = http.post("/3d/models/update", json=items({"id": classic, "update": update}))
    assert (answer.status_code, "thumbnailReference" in answer.text) == (400, True)


def test_a_revision_has_a_node_which_follows_it(http: httpx.Client) -> None:
    model = make_model(http)
    revision = make_revision(http, model)
    url, node = f"/3d/models/{model}/revisions", ref("revision", revision)
    wanted = {"type": "PointCloud", "status": "Done", "published": False, "model3D": ref("model", model)}
    assert properties(http, REVISION, node) == wanted
    for published in (True, False):
        body = items({"instanceId": node, "update": {"published": {"set": published}}})
        (shown,) = http.post(f"{url}/update", json=body).raise_for_status().json()["items"]
        assert (shown["id"], shown["published"]) == (revision, published)
        assert properties(http, REVISION, node) == wanted | {"published": published}
    for change in ("update", "delete"):
        answer = http.post(f"{url}/{change}", json=items({"id": revision}))
        assert (answer.status_code, "instanceId" in answer.text) == (400, True)
    http.post(f"{url}/delete", json=items({"instanceId": node})).raise_for_status()
    assert http.get(url).json()["items"] == []


@pytest.mark.parametrize("go", [True, False])
def test_nodes_stay_unless_they_go_with_their_model(
    running: RunningSandbox, http: httpx.Client, go: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.sandbox, "options", replace(running.sandbox.options, nodes_go_with_3d_models=go))
    model = make_model(http)
    revision = make_revision(http, model)
    http.post("/3d/models/delete", json=items({"instanceId": ref("model", model)})).raise_for_status()
    assert (properties(http, MODEL, ref("model", model)) is None) == go
    assert (properties(http, REVISION, ref("revision", revision)) is None) == go
    assert http.post("/3d/models/delete", json=items({"instanceId": ref("model", model)})).status_code == 400


def test_what_was_migrated_is_deleted_by_its_id_and_nothing_else_is_taken_by_it(
    running: RunningSandbox, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.sandbox, "options", replace(running.sandbox.options, migration_of_3d=True))
    classic: int = http.post("/3d/models", json=items({"name": "hall"})).raise_for_status().json()["items"][0]["id"]
    migrated = {"modelId": classic, "space": core.SPACE, "type": "PointCloud"}
    http.post("/3d/migrate/models", json=items(migrated)).raise_for_status()
    for model, expected in ((classic, 200), (make_model(http), 400)):
        revision = make_revision(http, model)
        url = f"/3d/models/{model}/revisions"
        changed = {"id": revision, "update": {"published": {"set": True}}}
        assert http.post(f"{url}/update", json=items(changed)).status_code == 400
        renamed = {"id": model, "update": {"name": {"set": "new"}}}
        assert http.post("/3d/models/update", json=items(renamed)).status_code == 400
        assert http.post(f"{url}/delete", json=items({"id": revision})).status_code == expected
        assert http.post("/3d/models/delete", json=items({"id": model})).status_code == expected


def test_what_lives_in_data_modeling_may_be_taken_by_id(
    running: RunningSandbox, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.sandbox, "options", replace(running.sandbox.options, nodes_of_3d_are_taken_by_id=True))
    model = make_model(http)
    revision = make_revision(http, model)
    url = f"/3d/models/{model}/revisions"
    http.post(f"{url}/update", json=items({"id": revision, "update": {"published": {"set": True}}})).raise_for_status()
    change = {"id": model, "update": {"name": {"set": "new"}, "metadata": {"set": {"a": "b"}}}}
    http.post("/3d/models/update", json=items(change)).raise_for_status()
    assert (properties(http, REVISION, ref("revision", revision)) or {})["published"]
    assert (properties(http, MODEL, ref("model", model)) or {})["name"] == "new"
    http.post(f"{url}/delete", json=items({"id": revision})).raise_for_status()
    http.post("/3d/models/delete", json=items({"id": model})).raise_for_status()
    assert http.get(f"/3d/models/{model}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        items({"instanceId": ref("revision", 5)}),
        items({"instanceId": ref("model", 5)}),
        items({"instanceId": {"space": "other", "externalId": "{node}"}}),
        items({"instanceId": {"space": core.SPACE, "externalId": "{node}"}}, {"id": 5}),
    ],
)
@pytest.mark.parametrize("change", ["update", "delete"])
def test_revisions_by_instance_that_are_refused(http: httpx.Client, body: dict[str, Any], change: str) -> None:
    model = make_model(http)
    node = ref("revision", make_revision(http, model))["externalId"]
    sent = items(*(named(item, node) for item in body["items"]))
    answer = http.post(f"/3d/models/{model}/revisions/{change}", json=sent)
    assert answer.status_code == 400, answer.text
    assert len(http.get(f"/3d/models/{model}/revisions").json()["items"]) == 1


def named(item: dict[str, Any], node: str) -> dict[str, Any]:
    if "instanceId" not in item:
        return item
    instance = item["instanceId"]
    return {"instanceId": instance | {"externalId": instance["externalId"].replace("{node}", node)}}


def test_only_published_is_changed_by_instance(http: httpx.Client) -> None:
    model = make_model(http)
    node = ref("revision", make_revision(http, model))
    body = items({"instanceId": node, "update": {"rotation": {"set": [0, 0, 1]}}})
    answer = http.post(f"/3d/models/{model}/revisions/update", json=body)
    assert (answer.status_code, "rotation" in answer.text) == (400, True)


def test_the_status_of_a_node_follows_the_clock_in_a_data_modeling_project(start_sandbox: Start) -> None:
    with (
        start_sandbox(mode=ProjectMode.DATA_MODELING, revision_queue=10, revision_processing=20) as running,
        running.http() as http,
    ):
        running.hold_clock()
        http.post("/models/spaces", json=items({"space": core.SPACE})).raise_for_status()
        model = make_model(http)
        nonce = http.post("/sessions", json=items({"tokenExchange": True})).json()["items"][0]["nonce"]
        revision = make_revision(http, model, nonce=nonce)
        seen = []
        for _ in range(5):
            node = properties(http, REVISION, ref("revision", revision))
            assert node is not None
            assert node["status"] == http.get(f"/3d/models/{model}/revisions/{revision}").json()["status"]
            seen.append(node["status"])
            running.advance(9)
        assert seen == ["Queued", "Queued", "Processing", "Processing", "Done"]
        other = make_revision(
            http, model, nonce=http.post("/sessions", json=items({"tokenExchange": True})).json()["items"][0]["nonce"]
        )
        gone = {"instanceType": "node", **ref("revision", other)}
        http.post("/models/instances/delete", json=items(gone)).raise_for_status()
        running.advance(60)
        assert properties(http, REVISION, ref("revision", other)) is None, "what was deleted stays deleted"


def test_a_revision_of_a_classic_model_has_no_node_until_the_model_is_migrated(start_sandbox: Start) -> None:
    with (
        start_sandbox(migration_of_3d=True, revision_queue=0, revision_processing=0) as running,
        running.http() as http,
    ):
        http.post("/models/spaces", json=items({"space": core.SPACE})).raise_for_status()
        model = http.post("/3d/models", json=items({"name": "hall"})).json()["items"][0]["id"]
        revision = make_revision(http, model, published=True)
        assert properties(http, REVISION, ref("revision", revision)) is None
        wanted = {"modelId": model, "space": core.SPACE, "type": "PointCloud"}
        http.post("/3d/migrate/models", json=items(wanted)).raise_for_status()
        assert properties(http, REVISION, ref("revision", revision)) == {
            "type": "PointCloud", "status": "Done", "published": True, "model3D": ref("model", model),
        }  # fmt: skip


def test_a_node_in_another_space_names_no_model(running: RunningSandbox) -> None:
    """Although a client gave it the name that a node of a model has."""
    with running.http() as http:
        model = make_model(http)
        http.post("/models/spaces", json=items({"space": "others"})).raise_for_status()
        node = {**ref("model", model), "space": "others"}
        written = {"instanceType": "node", **node, "sources": [{"source": MODEL, "properties": {"type": "PointCloud"}}]}
        http.post("/models/instances", json=items(written)).raise_for_status()
        assert http.post("/3d/models/delete", json=items({"instanceId": node})).status_code == 400
        change = {"instanceId": node, "update": {"name": {"set": "n"}}}
        assert http.post("/3d/models/update", json=items(change)).status_code == 400
        assert http.get(f"/3d/models/{model}").json()["name"] == "hall"


def test_a_model_whose_node_was_deleted_has_further_revisions(http: httpx.Client) -> None:
    model = make_model(http)
    gone = {"instanceType": "node", **ref("model", model)}
    http.post("/models/instances/delete", json=items(gone)).raise_for_status()
    node = ref("revision", make_revision(http, model))
    wanted = {"type": "PointCloud", "status": "Done", "published": False}
    assert properties(http, REVISION, node) == wanted
    body = items({"instanceId": node, "update": {"published": {"set": True}}})
    http.post(f"/3d/models/{model}/revisions/update", json=body).raise_for_status()
    assert properties(http, REVISION, node) == wanted | {"published": True}
    for name in ({"id": model}, {"instanceId": ref("model", model)}):
        assert http.post("/3d/models/delete", json=items(name)).status_code == 400
