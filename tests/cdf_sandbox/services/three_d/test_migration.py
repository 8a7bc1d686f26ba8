"""3D models in spaces, and the migration of classic models where the project's flag for it is on."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

import core_project as core
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox_calls import items
from local_cdf import RunningSandbox

Start = Callable[..., AbstractContextManager[RunningSandbox]]
URL = "/3d/migrate/models"


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"migration_of_3d": True}


@pytest.fixture
def model(http: httpx.Client) -> int:
    http.post("/models/spaces", json=items({"space": "m"})).raise_for_status()
    made: int = http.post("/3d/models", json=items({"name": "hall"})).raise_for_status().json()["items"][0]["id"]
    return made


@pytest.mark.parametrize(("space", "status"), [("nowhere", 500), ("cdf_cdm", 400), ("m", 201)])
def test_the_space_of_a_new_model(http: httpx.Client, model: int, space: str, status: int) -> None:
    answer = http.post("/3d/models", json=items({"name": "n", "space": space, "type": "Image360"}))
    assert answer.status_code == status
    assert "nowhere" not in answer.text


def test_a_classic_model_gets_its_node(http: httpx.Client, model: int) -> None:
    wanted = {"modelId": model, "space": "m", "type": "PointCloud"}
    (shown,) = http.post(URL, json=items(wanted)).raise_for_status().json()["items"]
    assert (shown["id"], shown["space"], shown["name"]) == (model, "m", "hall")
    view = {"type": "view", "space": "cdf_cdm", "externalId": "Cognite3DModel", "version": "v1"}
    node = {"instanceType": "node", "space": "m", "externalId": f"cog_3d_model_{model}"}
    found = http.post("/models/instances/byids", json={"items": [node], "sources": [{"source": view}]}).json()["items"]
    assert found[0]["properties"]["cdf_cdm"]["Cognite3DModel/v1"] == {"name": "hall", "type": "PointCloud"}
    again = http.post(URL, json=items(wanted))
    assert (again.status_code, "already" in again.text) == (400, True)


@pytest.mark.parametrize(
    ("change", "status"),
    [({"space": "nowhere"}, 500), ({"space": "cdf_cdm"}, 400), ({"type": "Video"}, 400), ({"modelId": 5}, 400)],
)
def test_migrations_that_are_refused(http: httpx.Client, model: int, change: dict[str, Any], status: int) -> None:
    wanted = {"modelId": model, "space": "m", "type": "Image360"} | change
    assert http.post(URL, json=items(wanted)).status_code == status
    assert "space" not in http.get(f"/3d/models/{model}").json()


@pytest.mark.parametrize("count", [0, 2])
def test_one_model_is_migrated_at_a_time(http: httpx.Client, model: int, count: int) -> None:
    answer = http.post(URL, json=items(*[{"modelId": model, "space": "m", "type": "CAD"}] * count))
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] != "Migration endpoint not enabled"


@pytest.mark.parametrize(
    "options", [{}, {"mode": ProjectMode.DATA_MODELING, "migration_of_3d": True}], ids=["no flag", "data modeling"]
)
def test_without_the_flag_every_request_says_so(start_sandbox: Start, options: dict[str, Any]) -> None:
    with start_sandbox(**options) as running, running.http() as http:
        for body in (items(), items({"modelId": 5, "space": "nowhere", "type": "CAD"})):
            answer = http.post(URL, json=body)
            assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Migration endpoint not enabled")


def test_images_can_be_contextualized_in_a_hybrid_project_with_the_flag(
    running: RunningSandbox, http: httpx.Client
) -> None:
    client = running.client()
    core.make_collection(client, "collection")
    core.make_asset(client, "pump")
    core.make_image(client, "one")
    polygon = {"version": "2.0.0", "data": [3, 1.5, 0.1, 1.5, 0.2, 1.6, 0.2]}
    item = {"asset": core.ref("pump"), "image360": core.ref("one"), "polygon": polygon}
    config = {
        "object3DSpace": core.SPACE, "contextualizationSpace": core.SPACE, "revision": core.ref("collection")
    }  # fmt: skip
    body = {"items": [item], "dmsContextualizationConfig": config}
    http.post("/3d/contextualization/image360", json=body, headers=core.BETA).raise_for_status()
    assert len(core.edges(client)) == 1
