"""Capabilities of the 3D APIs: the core data model, the spaces and the files that a request or its work reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply

import core_project as core
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox
from scans import scan
from waiting import eventually

OWN = "own"
CORE = ["cdf_cdm", "cdf_cdm_3d"]
KINDS = ("ImageTextDetection", "Optimizer")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = fast_options(
        tmp_path_factory.mktemp("sandbox"), ProjectMode.DATA_MODELING, revision_queue=0, revision_processing=0,
        detection_queue=0, detection_processing=0,
    )  # fmt: skip
    with run_sandbox(options) as sandbox:
        client = sandbox.client()
        core.make_collection(client)
        client.data_modeling.spaces.apply(SpaceApply(OWN))
        core.make_image(client, "image", dict.fromkeys(core.FACES, core.picture()))
        core.apply(client, "scan", core.FILE, {"name": "scan.e57", "mimeType": "model/e57"})
        client.files.upload_content_bytes(scan((1,)), instance_id=NodeId(core.SPACE, "scan"))
        yield sandbox


def may(acl: str, *actions: str, spaces: list[str] | None = None) -> dict[str, Any]:
    scope = {"all": {}} if spaces is None else {"spaceIdScope": {"spaceIds": spaces}}
    return {acl: {"actions": list(actions), "scope": scope}}


def grants(*, schemas: list[str] | None = CORE, reading: list[str], writing: list[str]) -> list[dict[str, Any]]:
    return [
        may("sessionsAcl", "CREATE"), may("dataModelsAcl", "READ", spaces=schemas),
        may("dataModelInstancesAcl", "READ", spaces=reading), may("dataModelInstancesAcl", "WRITE", spaces=writing),
    ]  # fmt: skip


def nonce_of(http: httpx.Client) -> str:
    nonce: str = http.post("/sessions", json={"items": [{"tokenExchange": True}]}).json()["items"][0]["nonce"]
    return nonce


def make_model(http: httpx.Client, kind: str, space: str = core.SPACE) -> int:
    answer = http.post("/3d/models", json={"items": [{"name": kind, "space": space, "type": kind}]})
    number: int = answer.raise_for_status().json()["items"][0]["id"]
    return number


def node_of(number: int, space: str = core.SPACE) -> dict[str, str]:
    return {"space": space, "externalId": f"cog_3d_model_{number}"}


def job(running: RunningSandbox, kind: str, name: str, nonce: str, models_in: str = core.SPACE) -> dict[str, Any]:
    item = {"space": OWN, "externalId": name, "name": "n", "type": kind, "nonce": nonce}
    if kind == "ImageTextDetection":
        source = {"type": "Cognite360ImageCollection", **core.ref("collection")}
        return item | {"source": source, "configuration": {}}
    with running.http() as http:
        models = {each: node_of(make_model(http, each, models_in), models_in) for each in ("Image360", "PointCloud")}
    return item | {
        "source": {"type": "CogniteFile", **core.ref("scan")},
        "configuration": {
            "image360ModelInstanceId": models["Image360"], "pointCloudModelInstanceId": models["PointCloud"]
        },
    }  # fmt: skip


def start(http: httpx.Client, item: dict[str, Any]) -> httpx.Response:
    return http.post("/3d/jobs", json={"items": [item]}, headers=core.BETA)


def denied(answer: httpx.Response, what: str) -> None:
    assert answer.status_code == 403, answer.text
    assert f"Missing {what}" in answer.json()["error"]["message"]


@pytest.mark.parametrize("schemas", [["cdf_cdm"], ["cdf_cdm_3d"], [core.SPACE, OWN]])
def test_all_of_jobs_needs_the_core_data_model(running: RunningSandbox, schemas: list[str]) -> None:
    both = [core.SPACE, OWN]
    with running.http(*running.make_client("narrow", grants(schemas=schemas, reading=both, writing=both))) as http:
        named = {"space": OWN, "externalId": "any"}
        result = {"job": named, "result": core.ref("image")}
        wanted = f"dataModelsAcl:READ in spaces {', '.join(each for each in CORE if each not in schemas)}"
        for kind in KINDS:
            denied(start(http, job(running, kind, "narrow", nonce_of(http))), wanted)
        for path, body in (
            ("/3d/jobs/list", {}), ("/3d/jobs/delete", {"items": [named]}), ("/3d/job/results/list", {"job": named}),
            ("/3d/job/result/rejections", result | {"add": ["a"]}), ("/3d/job/result/rejections/list", result),
        ):  # fmt: skip
            denied(http.post(path, json=body), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_the_source_of_a_job_is_one_that_its_caller_may_read(running: RunningSandbox, kind: str) -> None:
    with running.http(*running.make_client("blind", grants(reading=[OWN], writing=[OWN]))) as http:
        denied(start(http, job(running, kind, "blind", nonce_of(http))), "dataModelInstancesAcl:READ in spaces hall")


def test_the_models_of_a_job_are_those_that_its_caller_may_read(running: RunningSandbox) -> None:
    running.client().data_modeling.spaces.apply(SpaceApply("models"))
    both = [core.SPACE, OWN]
    with running.http(*running.make_client("modelless", grants(reading=both, writing=[OWN]))) as http:
        item = job(running, "Optimizer", "modelless", nonce_of(http), "models")
        denied(start(http, item), "dataModelInstancesAcl:READ in spaces models")
    with running.http(*running.make_client("modelless", grants(reading=[*both, "models"], writing=[OWN]))) as http:
        assert start(http, item | {"nonce": nonce_of(http)}).status_code == 201


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"reading": [OWN]}, "Missing dataModelInstancesAcl:READ in spaces hall"),
        ({"schemas": [core.SPACE]}, "Missing dataModelsAcl:READ in spaces cdf_cdm, cdf_cdm_3d"),
    ],
)
def test_the_work_of_a_job_reads_what_the_client_of_its_session_may(
    running: RunningSandbox, caplog: pytest.LogCaptureFixture, kind: str, lacking: dict[str, Any], said: str
) -> None:
    name = f"{kind}-{'-'.join(lacking)}"
    weak = grants(**({"reading": [core.SPACE, OWN], "writing": [OWN]} | lacking))
    with running.http() as http, running.http(*running.make_client("weak", weak)) as session:
        assert start(http, job(running, kind, name, nonce_of(session))).status_code == 201

        def status() -> str | None:
            items = http.post("/3d/jobs/list", json={}).json()["items"]
            (found,) = (item["status"] for item in items if item["externalId"] == name)
            return found if found in ("Succeeded", "Failed") else None

        assert eventually(status) == "Failed"
    assert said in caplog.text


def test_a_model_of_a_space_is_changed_by_those_who_may_write_there(running: RunningSandbox) -> None:
    elsewhere = [
        may("threedAcl", "READ", "CREATE", "UPDATE", "DELETE"),
        may("filesAcl", "READ"),
        *grants(reading=[core.SPACE], writing=[OWN]),
    ]
    with running.http() as full, running.http(*running.make_client("elsewhere", elsewhere)) as http:
        model = make_model(full, "PointCloud")
        file = full.post("/files/byids", json={"items": [core.ref("scan")]}).json()["items"][0]["id"]
        made = full.post(
            f"/3d/models/{model}/revisions", json={"items": [{"fileId": file, "nonce": nonce_of(full)}]}
        ).json()["items"][0]["id"]
        wanted = f"dataModelInstancesAcl:WRITE in spaces {core.SPACE}"
        revisions = f"/3d/models/{model}/revisions"
        assert http.get(f"{revisions}/{made}").status_code == 200
        for path, body in (
            (revisions, {"items": [{"fileId": file, "nonce": nonce_of(http)}]}),
            (f"{revisions}/update", {"items": [{"id": made, "update": {"published": {"set": True}}}]}),
            (f"{revisions}/delete", {"items": [{"id": made}]}),
            (f"{revisions}/{made}/thumbnail", {"fileId": file}),
            ("/3d/models/delete", {"items": [{"id": model}]}),
        ):
            denied(http.post(path, json=body), wanted)


def test_the_picture_of_a_model_is_in_a_space_that_its_creator_reads(running: RunningSandbox) -> None:
    own = [may("threedAcl", "READ", "CREATE", "UPDATE"), *grants(reading=[OWN], writing=[OWN])]
    wanted = f"dataModelInstancesAcl:READ in spaces {core.SPACE}"
    item = {"name": "hall", "space": OWN, "type": "Image360"}
    with running.http(*running.make_client("own-pictures", own)) as http:
        model = {"instanceId": {"space": OWN, "externalId": f"cog_3d_model_{make_model(http, 'Image360', OWN)}"}}
        for name in ("scan", "nothing"):
            picture = core.ref(name)["instanceId"]
            denied(http.post("/3d/models", json={"items": [item | {"thumbnailReference": picture}]}), wanted)
            change = model | {"update": {"thumbnailReference": {"set": picture}}}
            denied(http.post("/3d/models/update", json={"items": [change]}), wanted)
