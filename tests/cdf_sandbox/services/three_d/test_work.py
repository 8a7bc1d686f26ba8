"""Work in the background: whatever it meets ends it as failed, and it may do what the client of its session may."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply

import core_project as core
from cdf_sandbox.core.background import WorkError
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.services.three_d import extraction, optimizer, text_detection
from local_cdf import PLAIN, RunningSandbox
from scans import scan
from waiting import eventually

Start = Callable[..., AbstractContextManager[RunningSandbox]]
AT_ONCE = {"revision_queue": 0, "revision_processing": 0, "detection_queue": 0, "detection_processing": 0}


def may(acl: str, *actions: str, spaces: list[str] | None = None) -> dict[str, Any]:
    return {
        acl: {
            "actions": list(actions),
            "scope": {"all": {}} if spaces is None else {"spaceIdScope": {"spaceIds": spaces}},
        }
    }


MAY_EXTRACT = [may("threedAcl", "READ", "CREATE"), may("filesAcl", "READ", "WRITE"), may("sessionsAcl", "CREATE")]
MAY_WRITE = [may("dataModelsAcl", "READ"), may("dataModelInstancesAcl", "READ", "WRITE", spaces=["scans"])]


def extracted(http: httpx.Client, space: str, nonce: str, content: bytes) -> dict[str, Any]:
    """Start the extraction of a file; the revision and how it ended, by its last log entry."""
    made = http.post("/files", json={"name": "scan.e57"}).raise_for_status().json()
    PLAIN.put(made["uploadUrl"], content=content).raise_for_status()
    model = http.post("/3d/models", json={"items": [{"name": "m"}]}).raise_for_status().json()["items"][0]["id"]
    options = {"extractPhotosphereImages": True, "dmsInstancesSpaceId": space}
    item = {"fileId": made["id"], "nonce": nonce, "pipelineConfiguration": {"indexingOptions": options}}
    url = f"/3d/models/{model}/revisions"
    revision = http.post(url, json={"items": [item]}).raise_for_status().json()["items"][0]["id"]

    def ended() -> dict[str, Any] | None:
        now: dict[str, Any] = http.get(f"{url}/{revision}").json()
        return now if now["status"] in ("Done", "Failed") else None

    status = eventually(ended)["status"]
    logs = http.get(f"{url}/{revision}/logs", params={"severity": 3}).json()["items"]
    return {"status": status, "info": logs[-1].get("info", "")}


def nonce_of(http: httpx.Client) -> str:
    nonce: str = http.post("/sessions", json={"items": [{"tokenExchange": True}]}).json()["items"][0]["nonce"]
    return nonce


@pytest.mark.parametrize(
    ("grants", "space", "status", "said"),
    [
        (MAY_EXTRACT, "scans", "Failed", "Missing dataModelsAcl:READ"),
        ([*MAY_EXTRACT, *MAY_WRITE], "elsewhere", "Failed", "Missing dataModelInstancesAcl:WRITE in spaces elsewhere"),
        ([*MAY_EXTRACT, *MAY_WRITE[1:]], "scans", "Failed", "Missing dataModelsAcl:READ"),
        ([*MAY_EXTRACT, *MAY_WRITE], "scans", "Done", ""),
    ],
)
def test_images_are_extracted_with_the_capabilities_of_the_session(
    start_sandbox: Start, grants: list[dict[str, Any]], space: str, status: str, said: str
) -> None:
    with start_sandbox(**AT_ONCE) as running:
        client = running.client()
        client.data_modeling.spaces.apply([SpaceApply("scans"), SpaceApply("elsewhere")])
        with running.http(*running.make_client("surveyor", grants)) as http:
            ended = extracted(http, space, nonce_of(http), scan((1,)))
        assert (ended["status"], said in ended["info"]) == (status, True), ended
        assert len(client.data_modeling.instances.list("node", space=space, limit=None)) == (status == "Done") * 3


def test_the_session_of_another_client_counts(start_sandbox: Start) -> None:
    with start_sandbox(**AT_ONCE) as running:
        running.client().data_modeling.spaces.apply(SpaceApply("scans"))
        with running.http() as http, running.http(*running.make_client("weak", MAY_EXTRACT)) as weak:
            ended = extracted(http, "scans", nonce_of(weak), scan((1,)))
        assert (ended["status"], "insufficient access rights" in ended["info"]) == ("Failed", True)


def test_nothing_is_extracted_into_a_space_of_cdf(start_sandbox: Start) -> None:
    with start_sandbox(**AT_ONCE) as running, running.http() as http:
        ended = extracted(http, "cdf_cdm", nonce_of(http), scan((1,)))
        assert (ended["status"], "cdf_cdm" in ended["info"]) == ("Failed", True)
        assert not running.client().data_modeling.instances.list("node", space="cdf_cdm", limit=None)


def test_a_full_project_fails_an_extraction(start_sandbox: Start) -> None:
    with start_sandbox(**AT_ONCE, instance_limit=2) as running, running.http() as http:
        running.client().data_modeling.spaces.apply(SpaceApply("scans"))
        ended = extracted(http, "scans", nonce_of(http), scan((1,)))
        assert ended["status"] == "Failed"
        assert "limit" in ended["info"]


def test_a_revision_that_was_deleted_meanwhile_leaves_nothing(
    start_sandbox: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = extraction.extracted_spheres
    with start_sandbox(**AT_ONCE) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("scans"))

        def slow(*how: Any) -> Iterator[Any]:
            yield from real(*how)
            with running.sandbox.write() as db:
                db.execute("DELETE FROM three_d_revisions")

        monkeypatch.setattr(extraction, "extracted_spheres", slow)
        with running.http() as http:
            running.sandbox.queue_extraction = None
            made = http.post("/files", json={"name": "scan.e57"}).json()
            PLAIN.put(made["uploadUrl"], content=scan((1,)))
            model = http.post("/3d/models", json={"items": [{"name": "m"}]}).json()["items"][0]["id"]
            options = {"extractPhotosphereImages": True, "dmsInstancesSpaceId": "scans"}
            item = {
                "fileId": made["id"],
                "nonce": nonce_of(http),
                "pipelineConfiguration": {"indexingOptions": options},
            }
            revision = http.post(f"/3d/models/{model}/revisions", json={"items": [item]}).json()["items"][0]["id"]
        with pytest.raises(WorkError, match="deleted meanwhile"):
            extraction.process_revision(running.sandbox, revision)
        assert len(client.data_modeling.instances.list("node", space="scans", limit=None)) == 0
        assert [file.name for file in client.files.list(limit=None)] == ["scan.e57"]
        assert blobs(running) == 1


@pytest.fixture
def jobs(start_sandbox: Start) -> Iterator[RunningSandbox]:
    with start_sandbox(mode=ProjectMode.DATA_MODELING, **AT_ONCE) as running:
        client = running.client()
        core.make_collection(client)
        core.make_image(client, "image", dict.fromkeys(core.FACES, core.picture()))
        yield running


def text_job(http: httpx.Client, name: str, space: str = core.SPACE, nonce: str | None = None) -> dict[str, Any]:
    return {
        "space": space, "externalId": name, "name": "texts", "type": "ImageTextDetection", "configuration": {},
        "source": {"type": "Cognite360ImageCollection", **core.ref("collection")}, "nonce": nonce or nonce_of(http),
    }  # fmt: skip


def status_of(http: httpx.Client, name: str) -> str:
    def look() -> str | None:
        items = http.post("/3d/jobs/list", json={}).json()["items"]
        (found,) = (item["status"] for item in items if item["externalId"] == name)
        return found if found in ("Succeeded", "Failed") else None

    return eventually(look, seconds=60)


def run(http: httpx.Client, item: dict[str, Any]) -> str:
    answer = http.post("/3d/jobs", json={"items": [item]}, headers=core.BETA)
    assert answer.status_code == 201, answer.text
    return status_of(http, item["externalId"])


def blobs(running: RunningSandbox) -> int:
    return len(list((running.sandbox.options.data / "blobs").glob("??/*")))


def test_a_job_whose_space_is_deleted_fails(jobs: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = jobs.client()
    client.data_modeling.spaces.apply(SpaceApply("short_lived"))
    real = text_detection.read_texts

    def slow(content: bytes) -> Any:
        client.data_modeling.spaces.delete("short_lived")
        return real(content)

    before = blobs(jobs)
    monkeypatch.setattr(text_detection, "read_texts", slow)
    with jobs.http() as http:
        assert run(http, text_job(http, "homeless", "short_lived")) == "Failed"
    assert blobs(jobs) == before


def test_an_error_that_nobody_foresaw_fails_a_job_with_its_trace_in_the_log(
    jobs: RunningSandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: bytes) -> Any:
        raise ZeroDivisionError("a fault of the sandbox")

    monkeypatch.setattr(text_detection, "read_texts", broken)
    with jobs.http() as http, caplog.at_level(logging.WARNING):
        assert run(http, text_job(http, "broken")) == "Failed"
    assert "a fault of the sandbox" in caplog.text and "Traceback" in caplog.text


def test_an_empty_face_fails_a_job(jobs: RunningSandbox) -> None:
    jobs.client().files.upload_content_bytes(b"", instance_id=NodeId(core.SPACE, "image_front"))
    with jobs.http() as http:
        assert run(http, text_job(http, "empty")) == "Failed"


def test_a_face_that_is_uploaded_anew_is_read_anew(jobs: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = jobs.client()
    real = text_detection.read_texts
    read: list[bytes] = []
    new = core.picture(("21-PT-1019A", (90, 230)))

    def replacing(content: bytes) -> Any:
        if not read:
            for face in core.FACES[1:]:
                client.files.upload_content_bytes(new, instance_id=NodeId(core.SPACE, f"image_{face}"))
        read.append(content)
        return real(content)

    monkeypatch.setattr(text_detection, "read_texts", replacing)
    with jobs.http() as http:
        assert run(http, text_job(http, "anew")) == "Succeeded"
    assert read[1:] == [new] * 5


def scans_job(client: CogniteClient, http: httpx.Client, name: str) -> dict[str, Any]:
    core.apply(client, "scan", core.FILE, {"name": "scan.e57", "mimeType": "model/e57"})
    client.files.upload_content_bytes(scan((1,)), instance_id=NodeId(core.SPACE, "scan"))
    models = {}
    for kind in ("Image360", "PointCloud"):
        body = {"items": [{"name": kind, "space": core.SPACE, "type": kind}]}
        number = http.post("/3d/models", json=body).raise_for_status().json()["items"][0]["id"]
        models[kind] = {"space": core.SPACE, "externalId": f"cog_3d_model_{number}"}
    return {
        "space": core.SPACE, "externalId": name, "name": "scans", "type": "Optimizer",
        "source": {"type": "CogniteFile", **core.ref("scan")}, "nonce": nonce_of(http),
        "configuration": {
            "image360ModelInstanceId": models["Image360"], "pointCloudModelInstanceId": models["PointCloud"]
        },
    }  # fmt: skip


def test_a_model_that_is_deleted_meanwhile_fails_an_optimizer(
    jobs: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, real = jobs.client(), optimizer.extracted_spheres
    with jobs.http() as http:
        item = scans_job(client, http, "modelless")
        before = blobs(jobs)

        def slow(*how: Any) -> Iterator[Any]:
            model = item["configuration"]["image360ModelInstanceId"]["externalId"]
            client.data_modeling.instances.delete(NodeId(core.SPACE, model))
            yield from real(*how)

        monkeypatch.setattr(optimizer, "extracted_spheres", slow)
        assert run(http, item) == "Failed"
    assert blobs(jobs) == before


@pytest.mark.parametrize("kind", ["ImageTextDetection", "Optimizer"])
def test_a_job_may_do_what_the_client_of_its_session_may(
    jobs: RunningSandbox, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    grants = [may("sessionsAcl", "CREATE"), may("dataModelsAcl", "READ"), may("dataModelInstancesAcl", "READ")]
    with jobs.http() as http, jobs.http(*jobs.make_client("reader", grants)) as reader:
        item = scans_job(jobs.client(), http, "weak") if kind == "Optimizer" else text_job(http, "weak")
        assert run(http, item | {"nonce": nonce_of(reader)}) == "Failed"
    assert "Missing dataModelInstancesAcl:WRITE" in caplog.text


@pytest.mark.parametrize(("space", "status"), [("nowhere", 500), ("cdf_cdm", 400)])
@pytest.mark.parametrize("kind", ["ImageTextDetection", "Optimizer"])
def test_jobs_in_a_space_that_is_missing_or_global(jobs: RunningSandbox, space: str, status: int, kind: str) -> None:
    with jobs.http() as http:
        item = scans_job(jobs.client(), http, "lost") if kind == "Optimizer" else text_job(http, "lost")
        answer = http.post("/3d/jobs", json={"items": [item | {"space": space}]}, headers=core.BETA)
        assert answer.status_code == status
        assert ("nowhere" not in answer.text, "global" in answer.text) == (True, status == 400)


@pytest.mark.parametrize("option", [{"extractPhotosphereImages": True}, {"dmsInstancesSpaceId": "hall"}])
def test_an_optimizer_has_no_option_of_classic_extraction(jobs: RunningSandbox, option: dict[str, Any]) -> None:
    with jobs.http() as http:
        item = scans_job(jobs.client(), http, "classic")
        for options, status in (({"indexPointCloud": True}, 201), (option, 400)):
            item["configuration"]["pipelineConfiguration"] = {"version": "v1", "indexingOptions": options}
            answer = http.post("/3d/jobs", json={"items": [item]}, headers=core.BETA)
            assert answer.status_code == status
            item |= {"externalId": "second", "nonce": nonce_of(http)}
        assert next(iter(option)) in answer.json()["error"]["message"]


def test_the_pipeline_of_an_optimizer_may_be_left_out_and_names_its_version(jobs: RunningSandbox) -> None:
    with jobs.http() as http:
        item = scans_job(jobs.client(), http, "versions")
        for pipeline in ({}, {"indexingOptions": {}}, {"version": "v2"}):
            item["configuration"]["pipelineConfiguration"] = pipeline
            answer = http.post("/3d/jobs", json={"items": [item]}, headers=core.BETA)
            assert answer.status_code == 400
            assert "version" in answer.json()["error"]["message"]
        for number, pipeline in enumerate((None, {"version": "v1"})):
            item |= {"externalId": f"versions {number}", "nonce": nonce_of(http)}
            item["configuration"]["pipelineConfiguration"] = pipeline
            http.post("/3d/jobs", json={"items": [item]}, headers=core.BETA).raise_for_status()
