"""Optimizer jobs: a file of scans and two models in, a collection of the one and a revision of the other out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply

import core_project as core
from cdf_sandbox.core.options import ExtractionNames, ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox
from scans import scan
from viewer_reads import Viewer
from waiting import eventually, when_it_waits

Start = Callable[..., Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = fast_options(
        tmp_path_factory.mktemp("sandbox"), ProjectMode.DATA_MODELING, revision_queue=0, revision_processing=0
    )
    with run_sandbox(options) as sandbox:
        yield sandbox


def upload(client: CogniteClient, name: str, content: bytes) -> None:
    client.data_modeling.spaces.apply(SpaceApply(core.SPACE))
    core.apply(client, name, core.FILE, {"name": f"{name}.e57", "mimeType": "model/e57"})
    client.files.upload_content_bytes(content, instance_id=NodeId(core.SPACE, name))


def model(http: httpx.Client, kind: str) -> dict[str, Any]:
    body = {"items": [{"name": kind, "space": core.SPACE, "type": kind}]}
    number = http.post("/3d/models", json=body).json()["items"][0]["id"]
    return {"space": core.SPACE, "externalId": f"cog_3d_model_{number}"}


def job(client: CogniteClient, http: httpx.Client, name: str, file: str = "scan") -> dict[str, Any]:
    return {
        "space": core.SPACE, "externalId": name, "name": "scans", "type": "Optimizer",
        "source": {"type": "CogniteFile", **core.ref(file)},
        "configuration": {
            "image360ModelInstanceId": model(http, "Image360"), "pointCloudModelInstanceId": model(http, "PointCloud"),
        },
        "nonce": client.iam.sessions.create().nonce,
    }  # fmt: skip


def status_of(http: httpx.Client, name: str) -> str | None:
    items = http.post("/3d/jobs/list", json={}).json()["items"]
    (found,) = (item["status"] for item in items if item["externalId"] == name)
    return found if found in ("Succeeded", "Failed") else None


def run(http: httpx.Client, item: dict[str, Any]) -> str:
    answer = http.post("/3d/jobs", json={"items": [item]}, headers=core.BETA)
    assert answer.status_code == 201, answer.text
    return eventually(lambda: status_of(http, item["externalId"]))


def revisions(client: CogniteClient) -> dict[str, dict[str, Any]]:
    found = client.data_modeling.instances.list("node", sources=core.REVISION, limit=None)
    return {node.external_id: dict(node.properties[core.REVISION]) for node in found}


def number_of(model: dict[str, str]) -> str:
    return model["externalId"].removeprefix("cog_3d_model_")


def revisions_of(http: httpx.Client, model: dict[str, str]) -> list[dict[str, Any]]:
    url = f"/3d/models/{number_of(model)}/revisions"
    found: list[dict[str, Any]] = http.get(url).raise_for_status().json()["items"]
    return found


def file_id(http: httpx.Client, name: str) -> int:
    number: int = http.post("/files/byids", json={"items": [core.ref(name)]}).json()["items"][0]["id"]
    return number


@pytest.mark.parametrize("names", ["tidy", "random_ids", "no_stations", "two_collections"])
def test_viewers_open_what_it_makes(running: RunningSandbox, names: ExtractionNames) -> None:
    object.__setattr__(running.sandbox.options, "extraction_names", names)
    client = running.client()
    upload(client, "scan", scan())
    with running.http() as http:
        item = job(client, http, f"job-{names}")
        assert run(http, item) == "Succeeded"
        configuration = item["configuration"]
        made = revisions(client)
        collections = [
            name for name, each in made.items() if each["model3D"] == configuration["image360ModelInstanceId"]
        ]
        (cloud,) = (each for each in made.values() if each["model3D"] == configuration["pointCloudModelInstanceId"])
        assert cloud == {"type": "PointCloud", "status": "Done", "published": True, "model3D": cloud["model3D"]}
        (revision,) = revisions_of(http, configuration["pointCloudModelInstanceId"])
        assert made[f"cog_3d_revision_{revision['id']}"] == cloud
        assert (revision["status"], revision["published"], revision["fileId"]) == ("Done", True, file_id(http, "scan"))
        url = f"/3d/models/{number_of(configuration['pointCloudModelInstanceId'])}/revisions"
        logs = http.get(f"{url}/{revision['id']}/logs", params={"severity": 3}).json()["items"]
        assert [each["type"] for each in logs] == ["CONVERTER/STARTED", "CONVERTER/SUCCESS"]
        change = core.ref(f"cog_3d_revision_{revision['id']}") | {"update": {"published": {"set": False}}}
        answer = http.post(f"{url}/update", json={"items": [change]})
        assert answer.raise_for_status().json()["items"] == [revision | {"published": False}]
        assert len(collections) == (2 if names == "two_collections" else 1)
        if names != "no_stations":  # the test's viewer takes the label of a station
            opened = [Viewer(http, "4.35").open_core(core.SPACE, each) for each in collections]
            assert sorted(image.label for each in opened for image in each.images.values()) == [
                "Stop 1", "Stop 2", "Stop 3",
            ]  # fmt: skip
        assert http.post("/3d/job/results/list", json={"job": {"space": core.SPACE, "externalId": item["externalId"]}}
                         ).json()["items"] == []  # fmt: skip


def test_nothing_of_it_is_there_before_its_end(start_sandbox: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        start_sandbox(mode=ProjectMode.DATA_MODELING, revision_queue=10, revision_processing=20) as running,
        running.http() as http,
    ):
        running.hold_clock()
        ready = when_it_waits(running, monkeypatch)
        client = running.client()
        upload(client, "scan", scan((1,)))
        item = job(client, http, "slow")
        http.post("/3d/jobs", json={"items": [item]}, headers=core.BETA).raise_for_status()
        assert ready.wait(60)
        for _ in range(2):
            assert revisions(client) == {}
            assert revisions_of(http, item["configuration"]["pointCloudModelInstanceId"]) == []
            running.advance(14.5)
        assert status_of(http, "slow") is None
        running.advance(2)
        assert eventually(lambda: status_of(http, "slow")) == "Succeeded"
        assert [each["status"] for each in revisions(client).values()] == ["Done", "Done"]


def test_a_file_that_is_no_scan_fails_the_job(running: RunningSandbox) -> None:
    client = running.client()
    upload(client, "no-scan", b"x" * 2000)
    with running.http() as http:
        before = revisions(client)
        assert run(http, job(client, http, "no-scan-job", "no-scan")) == "Failed"
        assert revisions(client) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": {"type": "CogniteFile", **core.ref("nothing")}}, "Files not found"),
        ({"configuration": {}}, "pointCloudModelInstanceId"),
        ({"configuration": "one model"}, "image360ModelInstanceId"),
        ({"configuration": "the same model twice"}, "PointCloud models not found"),
        ({"space": "cdf_cdm"}, "global"),
    ],
)
def test_refused(running: RunningSandbox, changes: dict[str, Any], said: str) -> None:
    client = running.client()
    upload(client, "scan", scan((1,)))
    with running.http() as http:
        item = job(client, http, "refused") | changes
        images = model(http, "Image360")
        if changes.get("configuration") == "one model":
            item["configuration"] = {"pointCloudModelInstanceId": images}
        elif changes.get("configuration") == "the same model twice":
            item["configuration"] = {"pointCloudModelInstanceId": images, "image360ModelInstanceId": images}
        answer = http.post("/3d/jobs", json={"items": [item]}, headers=core.BETA)
        assert answer.status_code == 400, answer.text
        assert said in answer.json()["error"]["message"]


def test_it_is_in_beta(running: RunningSandbox) -> None:
    client = running.client()
    upload(client, "scan", scan((1,)))
    with running.http() as http:
        answer = http.post("/3d/jobs", json={"items": [job(client, http, "stable")]})
        assert answer.status_code == 400
        assert "beta" in answer.json()["error"]["message"]
