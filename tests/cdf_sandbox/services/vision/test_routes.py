"""Vision: texts read by OCR, in batches, with limits and with files that fail."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.contextualization import (
    FeatureParameters,
    TextDetectionParameters,
    VisionFeature,
)

import core_project as core
from cdf_sandbox.core.ocr import CannotRead
from cdf_sandbox.services.vision import worker
from cdf_sandbox.services.vision.routes import RUNNING_JOBS
from cdf_sandbox.services.vision.worker import BATCH
from local_cdf import RunningSandbox
from specification import Specification
from waiting import eventually

URL = "/context/vision/extract"
Start = Callable[..., AbstractContextManager[RunningSandbox]]
pytestmark = pytest.mark.filterwarnings("ignore:The Vision API will be removed:UserWarning")  # the SDK's


def upload(client: CogniteClient, name: str, content: bytes, mime_type: str = "image/jpeg") -> int:
    file = client.files.upload_bytes(content, name=name, external_id=name, mime_type=mime_type, overwrite=True)
    assert file.id is not None
    return int(file.id)


def body(*files: int, **more: Any) -> dict[str, Any]:
    return {"items": [{"fileId": file} for file in files], "features": ["TextDetection"], **more}


def ended(http: httpx.Client, job: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer: dict[str, Any] = http.get(f"{URL}/{job}").json()
        return answer if answer["status"] in ("Completed", "Failed") else None

    return eventually(look, seconds=60)


def test_text_is_read_by_the_sdk(client: CogniteClient) -> None:
    file = upload(client, "plate.jpg", core.picture(("21-PT-1019A", (90, 230)), ("weak", (5, 5))))
    job = client.vision.extract(VisionFeature.TEXT_DETECTION, file_ids=[file])
    job.wait_for_completion(timeout=60, interval=1)
    texts = {region.text: region for region in job[file].predictions.text_predictions}
    plate = texts["21-PT-1019A"]
    assert plate.confidence > 0.9
    assert 0.1 < plate.text_region.x_min < 0.2 < plate.text_region.x_max < 0.9
    assert 0.4 < plate.text_region.y_min < plate.text_region.y_max < 0.6
    strict = FeatureParameters(text_detection_parameters=TextDetectionParameters(threshold=1.0))
    none = client.vision.extract(VisionFeature.TEXT_DETECTION, file_ids=[file], parameters=strict)
    none.wait_for_completion(timeout=60, interval=1)
    assert not none[file].predictions.text_predictions


def test_a_broken_file_spoils_its_batch_alone(client: CogniteClient, http: httpx.Client) -> None:
    good = pictures(client, BATCH + 1)
    broken = upload(client, "broken.jpg", b"no picture at all")
    files = [*good[:BATCH], broken, good[-1]]
    done = ended(http, http.post(URL, json=body(*files)).json()["jobId"])
    assert done["status"] == "Completed"
    assert [item["fileId"] for item in done["items"]] == good[:BATCH]
    (failed,) = done["failedItems"]
    assert failed["items"] == [
        {"fileId": broken, "fileExternalId": "broken.jpg"}, {"fileId": good[-1], "fileExternalId": f"{BATCH}.jpg"}
    ]  # fmt: skip
    assert "no readable" in failed["errorMessage"]
    alone = ended(http, http.post(URL, json=body(broken)).json()["jobId"])
    assert (alone["status"], alone["errorMessage"]) == ("Failed", "All batches failed")


def pictures(client: CogniteClient, number: int) -> list[int]:
    """The ids of so many files of the same content."""
    content = core.picture()
    return [upload(client, f"{each}.jpg", content) for each in range(number)]


@pytest.mark.parametrize("fault", ["an empty file", "a file that is replaced", "an error that nobody foresaw"])
def test_every_job_ends(client: CogniteClient, http: httpx.Client, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    real = worker.read_texts
    files = [upload(client, "first.jpg", core.picture()), upload(client, "odd.jpg", b"" if "empty" in fault else b"x")]

    def reading(content: bytes) -> Any:
        if "replaced" in fault:
            upload(client, "odd.jpg", core.picture())
        elif "error" in fault:
            raise ZeroDivisionError
        return real(content)

    monkeypatch.setattr(worker, "read_texts", reading)
    done = ended(http, http.post(URL, json=body(*files)).json()["jobId"])
    assert done["status"] == ("Completed" if "replaced" in fault else "Failed")
    assert len(done["items"]) + len(done["failedItems"][0]["items"] if done["failedItems"] else ()) == 2


def test_results_are_for_those_who_may_read_the_files(running: RunningSandbox, client: CogniteClient) -> None:
    with running.http() as http:
        job = http.post(URL, json=body(upload(client, "secret.jpg", core.picture()))).json()["jobId"]
        assert ended(http, job)["items"]
    grants = [{"filesAcl": {"actions": ["READ"], "scope": {"datasetScope": {"ids": [5]}}}}]
    with running.http(*running.make_client("elsewhere", grants)) as other:
        assert other.get(f"{URL}/{job}").status_code == 403
    client.files.delete(external_id="secret.jpg")
    with running.http() as http:
        assert len(http.get(f"{URL}/{job}").json()["items"]) == 1


def test_one_file_twice_is_refused(client: CogniteClient, http: httpx.Client) -> None:
    file = upload(client, "twice.jpg", core.picture())
    for second in ({"fileId": file}, {"fileExternalId": "twice.jpg"}):
        answer = http.post(URL, json={"items": [{"fileId": file}, second], "features": ["TextDetection"]})
        assert (answer.status_code, len(answer.json()["error"].get("duplicated", ()))) == (409, 1)


def test_results_come_batch_by_batch(start_sandbox: Start) -> None:
    with start_sandbox(detection_queue=10, detection_processing=50) as running, running.http() as http:
        job = http.post(URL, json=body(*pictures(running.client(), BATCH + 1))).json()
        assert (job["status"], len(job["items"])) == ("Queued", BATCH + 1)
        seen = []

        def partly() -> bool | None:
            answer = http.get(f"{URL}/{job['jobId']}").json()
            seen.append((answer["status"], len(answer["items"])))
            return len(answer["items"]) == BATCH + 1 or None

        partly()
        running.advance(11)
        eventually(partly)
        assert seen[0] == ("Queued", 0)
        assert seen[-1] == ("Running", BATCH + 1)
        running.advance(51)
        assert ended(http, job["jobId"])["status"] == "Completed"


def test_no_more_than_twenty_jobs_at_once(start_sandbox: Start) -> None:
    with start_sandbox(detection_queue=100) as running, running.http() as http:
        file = upload(running.client(), "face.jpg", core.picture())
        assert {http.post(URL, json=body(file)).status_code for _ in range(RUNNING_JOBS)} == {200}
        assert http.post(URL, json=body(file)).status_code == 429
        running.advance(200)
        eventually(lambda: http.post(URL, json=body(file)).is_success or None)


def test_the_first_answer_names_the_files(client: CogniteClient, http: httpx.Client) -> None:
    content = core.picture()
    named = upload(client, "named.jpg", content)
    plain = client.files.upload_bytes(content, name="plain.jpg", mime_type="image/jpeg")
    assert plain.id is not None
    answer = http.post(URL, json=body(named, plain.id)).raise_for_status().json()
    assert answer["items"] == [{"fileId": named, "fileExternalId": "named.jpg"}, {"fileId": plain.id}]


@pytest.mark.parametrize(
    ("name", "mime_type"), [("face.gif", "image/gif"), ("face", "image/jpeg"), ("face.jpg", "application/pdf")]
)
def test_only_pictures_by_name_and_type(client: CogniteClient, http: httpx.Client, name: str, mime_type: str) -> None:
    answer = http.post(URL, json=body(upload(client, name, core.picture(), mime_type)))
    assert answer.status_code == 400
    assert "is no image" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"items": []}, "at least 1"),
        ({"items": [{"fileId": 1}] * 101}, "at most 100"),
        ({"items": [{"fileId": 1}]}, "File ids not found"),
        ({"items": [{"fileId": 1, "fileExternalId": "x"}]}, "exactly one"),
        ({"features": []}, "features"),
        ({"features": ["TextDetection"] * 2}, "differ"),
        ({"features": ["PeopleDetection"]}, "text only"),
        ({"features": ["Everything"]}, "features"),
        ({"parameters": {"textDetectionParameters": {"threshold": 1.5}}}, "threshold"),
    ],
)
def test_refused(running: RunningSandbox, http: httpx.Client, wrong: dict[str, Any], said: str) -> None:
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    answer = http.post(URL, json=body(5) | wrong)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before


def test_unknown_jobs_and_files_without_content(client: CogniteClient, http: httpx.Client) -> None:
    assert http.get(f"{URL}/5").status_code == 404
    bare = http.post("/files", json={"name": "bare.jpg", "mimeType": "image/jpeg"}).json()["id"]
    assert "not uploaded" in http.post(URL, json=body(bare)).json()["error"]["message"]


def test_without_an_engine_the_job_fails_with_the_reason(
    client: CogniteClient, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise CannotRead("The sandbox cannot read text: rapidocr is not installed (extra 'ocr')")

    monkeypatch.setattr("cdf_sandbox.services.vision.worker.read_texts", missing)
    done = ended(http, http.post(URL, json=body(upload(client, "f.jpg", core.picture()))).json()["jobId"])
    assert done["status"] == "Failed"
    assert "rapidocr is not installed" in done["failedItems"][0]["errorMessage"]


@pytest.mark.shared
def test_requests_and_answers_fit_the_specification(client: CogniteClient, http: httpx.Client, shared: Path) -> None:
    published = Specification(shared / "reference/cdf-openapi-subset.json")
    request = body(upload(client, "c.jpg", core.picture(("P-101", (50, 50)))))
    request["parameters"] = {"textDetectionParameters": {"threshold": 0.5}}
    answer = http.post(URL, json=request).json()
    assert not published.request_problems("POST", URL, request)
    assert not published.answer_problems("POST", URL, 200, answer)
    assert not published.answer_problems("GET", f"{URL}/{{jobId}}", 200, ended(http, answer["jobId"]))
