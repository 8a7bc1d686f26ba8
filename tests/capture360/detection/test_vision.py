"""Vision as a detector: every face is read or told, whatever fails and however many there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.contextualization import VisionExtractJob

import core_project as core
from capture360.cdf.client import CdfProject, Connection
from capture360.detection.job_wait import JobsPending, JobWait
from capture360.detection.vision import VisionDetector
from capture360.errors import CdfError
from capture360.model import Detection, FaceRef, Pose, PublishedImage
from capture360.settings.detection import VisionSettings
from local_cdf import PLAIN, RunningSandbox

SIDES = ("front", "right", "back", "left")
JOB_FIELDS = ("status", "jobId", "statusTime", "createdTime", "errorMessage")
Ids = Callable[[Sequence[FaceRef]], Mapping[FaceRef, int]]


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"detection_queue": 0, "detection_processing": 0}


@pytest.fixture(scope="module")
def client(running: RunningSandbox) -> CogniteClient:
    return CdfProject(Connection.from_mapping(running.connection, "test")).client


@pytest.fixture(scope="module")
def ids(client: CogniteClient) -> Ids:
    def look(refs: Sequence[FaceRef]) -> dict[FaceRef, int]:
        names = list({ref.external_id for ref in refs})
        found = client.files.retrieve_multiple(external_ids=names, ignore_unknown_ids=True)
        by_name = {file.external_id: int(file.id) for file in found if file.id}
        return {ref: by_name[ref.external_id] for ref in refs if ref.external_id in by_name}

    return look


def upload(client: CogniteClient, name: str, content: bytes) -> str:
    client.files.upload_bytes(content, name=f"{name}.jpg", external_id=name, mime_type="image/jpeg", overwrite=True)
    return name


def image(name: str, **faces: str) -> PublishedImage:
    refs = {face: FaceRef(face, file) for face, file in faces.items()}
    return PublishedImage(name, "space", "station", Pose((0, 0, 0), (1, 0, 0, 0)), refs)


def seen(detector: VisionDetector, *images: PublishedImage) -> list[Detection]:
    return list(detector.detect(images))


def test_texts_where_they_stand_and_only_on_the_wanted_faces(client: CogniteClient, ids: Ids) -> None:
    plate = upload(client, "plate", core.picture(("21-PT-1019A", (90, 230))))
    detector = VisionDetector(client, ids, SIDES, VisionSettings(), JobWait())
    (found,) = seen(detector, image("one", left=plate, top=plate))
    assert (found.image, found.face, found.text) == ("one", "left", "21-PT-1019A")
    assert found.score > 0.9
    (left, top), _, (right, bottom), _ = found.polygon
    assert 0.1 < left < 0.2 < right < 0.9
    assert 0.4 < top < bottom < 0.6
    assert detector.findings == []


def test_a_threshold_is_passed_on(client: CogniteClient, ids: Ids) -> None:
    plate = upload(client, "plate", core.picture(("21-PT-1019A", (90, 230))))
    assert (
        seen(VisionDetector(client, ids, SIDES, VisionSettings(threshold=1.0), JobWait()), image("one", left=plate))
        == []
    )


def test_more_than_a_job_takes(running: RunningSandbox, client: CogniteClient, ids: Ids) -> None:
    content = core.picture(("P-101", (50, 50)), size=128)
    images = [image(f"image-{n}", front=upload(client, f"many-{n}", content)) for n in range(103)]
    before = running.mutating()
    found = seen(VisionDetector(client, ids, SIDES, VisionSettings(), JobWait()), *images)
    assert {text.image for text in found} == {each.external_id for each in images}
    assert running.mutating() - before == 2


def test_failed_and_missing_faces_are_told(client: CogniteClient, ids: Ids) -> None:
    broken = upload(client, "broken", b"no picture")
    detector = VisionDetector(client, ids, SIDES, VisionSettings(), JobWait())
    assert seen(detector, image("one", front=broken, back="nowhere")) == []
    told = {finding.where: finding.message for finding in detector.findings}
    assert "no readable JPEG" in told["one front"]
    assert "is not in CDF" in told["one back"]


def test_a_failed_job_without_items_becomes_findings(
    client: CogniteClient, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = httpx2.AsyncClient.send

    async def fail_job(self: httpx2.AsyncClient, request: httpx2.Request, **more: Any) -> httpx2.Response:
        answer = await real(self, request, **more)
        if request.method == "GET" and "/vision/extract/" in request.url.path:
            job = {name: value for name, value in answer.json().items() if name not in ("items", "failedItems")}
            failed = {**job, "status": "Failed", "errorMessage": "out of memory"}
            return httpx2.Response(200, json={name: failed[name] for name in JOB_FIELDS}, request=request)
        return answer

    monkeypatch.setattr(httpx2.AsyncClient, "send", fail_job)
    plate = upload(client, "plate", core.picture(("21-PT-1019A", (90, 230))))
    detector = VisionDetector(client, ids, SIDES, VisionSettings(), JobWait())
    assert seen(detector, image("one", left=plate)) == []
    (finding,) = detector.findings
    assert "out of memory" in finding.message


def test_a_lost_answer_doubles_no_text(running: RunningSandbox, client: CogniteClient, ids: Ids) -> None:
    plate = upload(client, "plate", core.picture(("21-PT-1019A", (90, 230))))
    fault = {"method": "POST", "path": "*/context/vision/extract", "effect": "commit-then-reset"}
    PLAIN.post(f"{running.base_url}/sandbox/faults", json=fault).raise_for_status()
    found = seen(VisionDetector(client, ids, SIDES, VisionSettings(), JobWait()), image("one", left=plate))
    assert [text.text for text in found] == ["21-PT-1019A"]


def test_a_full_project_is_waited_for(
    running: RunningSandbox, client: CogniteClient, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second job finds no room until the first has ended."""
    monkeypatch.setattr("cognite.client.global_config.max_retries", 0)
    monkeypatch.setattr("capture360.detection.vision.FILES_A_JOB", 1)
    plate = upload(client, "plate", core.picture(("21-PT-1019A", (90, 230))))
    other = upload(client, "other", core.picture(("21-PT-1019B", (90, 230))))
    fault = {"method": "POST", "path": "*/vision/extract", "effect": "status", "status": 429, "nth": 2}
    PLAIN.post(f"{running.base_url}/sandbox/faults", json=fault).raise_for_status()
    found = seen(VisionDetector(client, ids, SIDES, VisionSettings(), JobWait()), image("one", left=plate, front=other))
    assert {text.text for text in found} == {"21-PT-1019A", "21-PT-1019B"}


def test_a_job_that_does_not_end_is_given_up(client: CogniteClient, ids: Ids) -> None:
    plate = upload(client, "slow", core.picture(("P-1", (9, 9))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VisionExtractJob, "update_status", lambda job: "Running")
        detector = VisionDetector(client, ids, SIDES, VisionSettings(deadline=timedelta(seconds=0.1)), JobWait())
        with pytest.raises(CdfError, match=r"Raise links\.vision\.deadline"):
            seen(detector, image("one", left=plate))


def test_a_caller_that_does_not_wait_finds_its_jobs_again(
    running: RunningSandbox, client: CogniteClient, ids: Ids
) -> None:
    plate = upload(client, "plate", core.picture(("21-PT-1019A", (90, 230))))
    before = running.mutating()
    patience = JobWait.between_looks()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VisionExtractJob, "update_status", lambda job: "Running")
        for _ in range(2):
            with pytest.raises(JobsPending):
                seen(VisionDetector(client, ids, SIDES, VisionSettings(), patience), image("one", left=plate))
            patience = JobWait.between_looks(json.loads(json.dumps(patience.document())))
    patience.sleeps = True
    (found,) = seen(VisionDetector(client, ids, SIDES, VisionSettings(), patience), image("one", left=plate))
    assert found.text == "21-PT-1019A"
    assert running.mutating() - before == 1
    patience.began -= 3600 * 24
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VisionExtractJob, "update_status", lambda job: "Running")
        with pytest.raises(CdfError, match=r"Raise links\.vision\.deadline"):
            seen(VisionDetector(client, ids, SIDES, VisionSettings(), patience), image("one", left=plate))
