"""3D jobs: exactly one at a time, a nonce spent, states by the clock, texts that were really read."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import NodeId

import core_project as core
from cdf_sandbox.core.ocr import CannotRead
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox
from specification import Specification
from waiting import eventually

Start = Callable[..., AbstractContextManager[RunningSandbox]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = fast_options(
        tmp_path_factory.mktemp("sandbox"), ProjectMode.DATA_MODELING, detection_queue=0, detection_processing=0
    )
    with run_sandbox(options) as sandbox:
        client = sandbox.client()
        core.make_collection(client)
        core.make_collection(client, "empty")
        plain = core.picture()
        faces = dict.fromkeys(core.FACES, plain) | {"left": core.picture(("21-PT-1019A", (90, 230)))}
        core.make_image(client, "image", faces)
        yield sandbox


def job(client: CogniteClient, name: str, collection: str = "collection") -> dict[str, Any]:
    return {
        "space": core.SPACE, "externalId": name, "name": "texts", "type": "ImageTextDetection",
        "source": {"type": "Cognite360ImageCollection", **core.ref(collection)}, "configuration": {},
        "nonce": client.iam.sessions.create().nonce,
    }  # fmt: skip


def listed(http: httpx.Client) -> list[dict[str, Any]]:
    """All jobs, page by page."""
    found, body = [], {}
    while True:
        page = http.post("/3d/jobs/list", json=body).json()
        found.extend(page["items"])
        if "nextCursor" not in page:
            return found
        body = {"cursor": page["nextCursor"]}


def ended(http: httpx.Client, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        return next(
            (j for j in listed(http) if j["externalId"] == name and j["status"] in ("Succeeded", "Failed")), None
        )

    return eventually(look, seconds=60)


def results(http: httpx.Client, name: str) -> list[dict[str, Any]]:
    answer = http.post("/3d/job/results/list", json={"job": {"space": core.SPACE, "externalId": name}})
    found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return found


def test_the_text_is_read_where_it_stands(client: CogniteClient, http: httpx.Client) -> None:
    answer = http.post("/3d/jobs", json={"items": [job(client, "reads")]})
    assert answer.status_code == 201
    assert "nonce" not in answer.json()["items"][0]
    assert ended(http, "reads")["status"] == "Succeeded"
    (result,) = results(http, "reads")
    node = NodeId(result["instanceId"]["space"], result["instanceId"]["externalId"])
    told = json.loads(client.files.download_bytes(instance_id=node))
    (text,) = told["items"]
    assert (told["version"], text["text"], text["image360"]) == ("1.0", "21-PT-1019A", core.ref("image"))
    count, *angles = text["polygon"]["data"]
    assert count == 4
    # The left face lies at +X: polar angle about pi/2 from +Y, azimuth about pi/2 from +Z.
    assert all(abs(angle - 1.5708) < 0.6 for angle in angles)


def test_states_follow_the_clock(start_sandbox: Start) -> None:
    with (
        start_sandbox(mode=ProjectMode.DATA_MODELING, detection_queue=10, detection_processing=20) as running,
        running.http() as http,
    ):
        running.hold_clock()
        client = running.client()
        core.make_collection(client)
        http.post("/3d/jobs", json={"items": [job(client, "slow")]}).raise_for_status()
        seen = []
        for _ in range(4):
            seen.append(listed(http)[0]["status"])
            assert results(http, "slow") == []
            running.advance(9)
        assert seen == ["Scheduled", "Scheduled", "Started", "Started"]
        assert ended(http, "slow")["status"] == "Succeeded"


def test_ids_are_taken_once_and_nonces_spent_once(client: CogniteClient, http: httpx.Client) -> None:
    first = job(client, "once", "empty")
    assert http.post("/3d/jobs", json={"items": [first]}).status_code == 201
    fresh = job(client, "once", "empty")
    again = http.post("/3d/jobs", json={"items": [fresh]})
    assert (again.status_code, again.json()["error"]["duplicated"]) == (
        409, [{"space": core.SPACE, "externalId": "once"}],
    )  # fmt: skip
    assert http.post("/3d/jobs", json={"items": [fresh | {"externalId": "other"}]}).status_code == 201
    spent = http.post("/3d/jobs", json={"items": [first | {"externalId": "third"}]})
    assert (spent.status_code, "nonce" in spent.json()["error"]["message"]) == (400, True)


def test_a_list_of_several_pages(client: CogniteClient, http: httpx.Client) -> None:
    names = [f"many-{number}" for number in range(12)]
    for name in names:
        http.post("/3d/jobs", json={"items": [job(client, name, "empty")]}).raise_for_status()
    assert "nextCursor" in http.post("/3d/jobs/list", json={}).json()
    assert [j["externalId"] for j in listed(http) if j["externalId"].startswith("many-")] == names


def test_deleted_jobs_leave_their_results(client: CogniteClient, http: httpx.Client) -> None:
    http.post("/3d/jobs", json={"items": [job(client, "gone", "empty")]}).raise_for_status()
    ended(http, "gone")
    (result,) = results(http, "gone")
    named = {"space": core.SPACE, "externalId": "gone"}
    assert http.post("/3d/jobs/delete", json={"items": [named]}).json() == {}
    assert http.post("/3d/jobs/delete", json={"items": [named]}).json()["error"]["missing"] == [named]
    node = NodeId(result["instanceId"]["space"], result["instanceId"]["externalId"])
    assert json.loads(client.files.download_bytes(instance_id=node))["items"] == []


def test_rejections_are_kept_by_key(client: CogniteClient, http: httpx.Client) -> None:
    http.post("/3d/jobs", json={"items": [job(client, "judged", "empty")]}).raise_for_status()
    ended(http, "judged")
    (result,) = results(http, "judged")
    named = {"job": {"space": core.SPACE, "externalId": "judged"}, "result": {"instanceId": result["instanceId"]}}
    url = "/3d/job/result/rejections"
    for change in ({"add": ["a", "b", "c"]}, {"remove": ["b", "unknown"]}, {"add": ["a"]}):
        assert http.post(url, json=named | change).json() == {}
    keys = http.post(f"{url}/list", json=named).json()["items"]
    assert keys == [{"rejectedKey": "a"}, {"rejectedKey": "c"}]
    assert http.post(url, json=named | {"add": [], "remove": []}).status_code == 400
    other = named | {"result": core.ref("image")}
    assert http.post(url, json=other | {"add": ["a"]}).json()["error"]["missing"] == [core.ref("image")]


def without(item: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changed = copy.deepcopy(item) | changes
    return {key: value for key, value in changed.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nonce": None}, "nonce"),
        ({"nonce": "invented"}, "Failed to bind nonce"),
        ({"type": "Painter"}, "ImageTextDetection"),
        ({"type": "Optimizer"}, "CogniteFile"),
        ({"configuration": None}, "configuration"),
        ({"configuration": {"fast": True}}, "Unexpected field"),
        ({"space": "cdf_cdm"}, "global"),
        ({"externalId": ""}, "externalId"),
        ({"externalId": "x" * 257}, "256"),
        ({"source": {"type": "CogniteFile", **core.ref("image")}}, "Cognite360ImageCollection"),
        ({"source": {"type": "Cognite360ImageCollection", **core.ref("image")}}, "360 image collections not found"),
    ],
)
def test_refused(
    running: RunningSandbox, client: CogniteClient, http: httpx.Client, changes: dict[str, Any], said: str
) -> None:
    item = without(job(client, "refused"), **changes)
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    answer = http.post("/3d/jobs", json={"items": [item]})
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before


def test_exactly_one_item(client: CogniteClient, http: httpx.Client) -> None:
    one = job(client, "pair")
    assert http.post("/3d/jobs", json={"items": [one, one]}).status_code == 400
    assert http.post("/3d/jobs", json={"items": []}).status_code == 400


@pytest.mark.parametrize("mode", [ProjectMode.ASSET_CENTRIC, ProjectMode.HYBRID])
def test_other_projects_refuse_jobs(start_sandbox: Start, mode: ProjectMode) -> None:
    with start_sandbox(mode=mode) as running, running.http() as http:
        answer = http.post("/3d/jobs/list", json={})
        assert answer.status_code == 400
        assert "data modeling only" in answer.json()["error"]["message"]


def test_without_an_engine_the_job_fails_with_the_reason_in_the_log(
    client: CogniteClient,
    http: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def missing(*_: object) -> None:
        raise CannotRead("The sandbox cannot read text: rapidocr is not installed (extra 'ocr')")

    monkeypatch.setattr("cdf_sandbox.services.three_d.text_detection.read_texts", missing)
    http.post("/3d/jobs", json={"items": [job(client, "blind")]}).raise_for_status()
    assert ended(http, "blind")["status"] == "Failed"
    assert results(http, "blind") == []
    assert "rapidocr is not installed" in caplog.text


@pytest.mark.shared
def test_requests_and_answers_fit_the_specification(client: CogniteClient, http: httpx.Client, shared: Path) -> None:
    published = Specification(shared / "reference/cdf-openapi-subset.json")
    item = job(client, "contract", "empty")
    named = {"space": core.SPACE, "externalId": "contract"}
    calls: list[tuple[str, dict[str, Any], int]] = [
        ("/3d/jobs", {"items": [item]}, 201), ("/3d/jobs/list", {}, 200),
        ("/3d/job/results/list", {"job": named}, 200),
    ]  # fmt: skip
    found = [problem for call in calls for problem in misfits(published, http, *call)]
    ended(http, "contract")
    result = {"job": named, "result": {"instanceId": results(http, "contract")[0]["instanceId"]}}
    for call in (
        ("/3d/job/results/list", {"job": named}, 200),
        ("/3d/job/result/rejections", result | {"add": ["key"]}, 200),
        ("/3d/job/result/rejections/list", result, 200),
        ("/3d/jobs/delete", {"items": [named]}, 200),
    ):
        found += misfits(published, http, *call)
    assert not found


def misfits(published: Specification, http: httpx.Client, path: str, body: dict[str, Any], status: int) -> list[str]:
    answer = http.post(path, json=body)
    assert answer.status_code == status, answer.text
    wrong = [
        *published.request_problems("POST", path, body),
        *published.answer_problems("POST", path, status, answer.json()),
    ]
    return [f"{path}: {problem}" for problem in wrong]
