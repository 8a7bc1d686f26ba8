"""Waiting without holding a worker, and what the buttons of tasks read."""

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_capture360.links import VALIDATION_REPORT
from airflow_capture360.operators import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, ReadTexts, WaitForRevisions
from airflow_capture360.tasks import contextualize, ingest
from capture360.detection.job_wait import JobWait
from capture360.errors import CdfError
from capture360.model import CaptureKey
from capture360.records import Records

CONTEXT: Any = {}


@pytest.fixture
def task() -> WaitForRevisions:
    return WaitForRevisions(task_id="wait", capture="hall-7/scan", fingerprint="f1")


def test_it_looks_before_it_sleeps_and_after(task: WaitForRevisions, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([False, False, True])
    monkeypatch.setattr(ingest, "revisions_ended", lambda capture, fingerprint: next(looks))
    with pytest.raises(TaskDeferred) as first:
        task.execute(CONTEXT)
    with pytest.raises(TaskDeferred) as second:
        getattr(task, first.value.method_name)(CONTEXT, event=None, **first.value.kwargs)
    getattr(task, second.value.method_name)(CONTEXT, event=None, **second.value.kwargs)
    assert next(looks, None) is None


def test_it_sleeps_longer_each_time_but_never_so_short_that_airflow_loses_it(
    task: WaitForRevisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "revisions_ended", lambda capture, fingerprint: False)
    pauses: list[float] = []
    arguments: dict[str, Any] = {}
    for _ in range(6):
        with pytest.raises(TaskDeferred) as deferred:
            task.poll(CONTEXT, **arguments)
        arguments = deferred.value.kwargs or {}
        pauses.append(arguments["pause"])
    assert pauses == sorted(pauses)
    assert min(pauses) > SHORTEST_PAUSE_S >= 6
    assert pauses[-1] == LONGEST_PAUSE_S


def test_a_failed_extraction_fails_the_task(task: WaitForRevisions, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(capture: str, fingerprint: str) -> bool:
        raise CdfError(f"{capture}: CDF could not extract revision 1.")

    monkeypatch.setattr(ingest, "revisions_ended", failed)
    with pytest.raises(CdfError, match="hall-7/scan"):
        task.execute(CONTEXT)


def test_what_it_waits_for_comes_from_the_tasks_before() -> None:
    assert set(WaitForRevisions.template_fields) == {"capture", "fingerprint"}


def test_reading_by_a_service_of_cdf_holds_no_worker_and_goes_on_with_its_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    def detect(capture: str, batch: object, wait: JobWait) -> dict[str, int]:
        seen.append(wait.document())
        wait.jobs["faces"] = 42
        if len(seen) < 3:
            wait.pause(1)
        return {"images": 1, "texts": 2}

    seen: list[dict[str, object]] = []
    monkeypatch.setattr(contextualize, "detect", detect)
    task = ReadTexts(task_id="detect", capture="hall-7/walk-1", batch={"batch": 0})
    with pytest.raises(TaskDeferred) as first:
        task.execute(CONTEXT)
    with pytest.raises(TaskDeferred) as second:
        getattr(task, first.value.method_name)(CONTEXT, event=None, **first.value.kwargs)
    following = second.value.kwargs or {}
    assert getattr(task, second.value.method_name)(CONTEXT, event=None, **following) == {"images": 1, "texts": 2}
    assert [each["jobs"] for each in seen] == [{}, {"faces": 42}, {"faces": 42}]
    assert len({each["began"] for each in seen}) == 1
    assert following["pause"] > SHORTEST_PAUSE_S


def test_the_button_of_the_report_reads_no_other_records(records: Records) -> None:
    key = CaptureKey("hall-7", "walk-1")
    records.put(key, "f1", "validate", {"verdict": "accepted"}, run="a")
    records.store.put(f"{key}/f1/capture.json", b"megabytes of stations, and broken")
    run = {"dag_run": SimpleNamespace(partition_key=str(key)), "params": {}}
    task = SimpleNamespace(get_template_context=lambda: run)
    address = VALIDATION_REPORT.get_link(CONTEXT, ti_key=task)
    assert address.endswith("/capture360/reports/hall-7/walk-1/f1/validation.html")
