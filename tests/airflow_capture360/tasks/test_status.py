"""How runs of Airflow reach a site's extraction pipeline: their end, and the failure of a task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_capture360.tasks import status
from capture360.errors import ConfigError
from capture360.model import CaptureKey

KEY = CaptureKey("hall-7", "walk-1")
SITE = SimpleNamespace(extraction_pipeline="captures")


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(status, "site_context", lambda site, run="": SimpleNamespace(site=SITE, run=run))
    monkeypatch.setattr(status, "release_lease", lambda capture: found.append(("released", capture)))
    monkeypatch.setattr("capture360.steps.status.report_success", lambda ctx, *given: found.append(("success", *given)))
    monkeypatch.setattr(
        "capture360.steps.status.report_failure", lambda ctx, *given, at_end=False: found.append(("failure", *given))
    )
    return found


def context_of(dag_id: str, states: dict[str, str], error: BaseException | None = None) -> dict[str, Any]:
    run = SimpleNamespace(dag_id=dag_id, run_id="r", partition_key=str(KEY))
    task_instance = SimpleNamespace(get_task_states=lambda **_: {"r": states}, log_url="https://log")
    return {"dag_run": run, "ti": task_instance, "params": {}, "exception": error}


@pytest.mark.parametrize(
    ("dag_id", "work"), [("captures_ingest", "ingest"), ("captures_contextualize", "contextualization")]
)
def test_a_run_without_failed_tasks_is_a_success(
    monkeypatch: pytest.MonkeyPatch, reported: list[Any], dag_id: str, work: str
) -> None:
    context = context_of(dag_id, {"plan": "success", "review": "skipped", "release": "running"})
    monkeypatch.setattr(status, "get_current_context", lambda: context)
    status.release_and_report(str(KEY))
    assert reported == [("released", str(KEY)), ("success", KEY, work)]


def test_a_task_that_was_killed_without_a_callback_makes_the_run_a_failure(
    monkeypatch: pytest.MonkeyPatch, reported: list[Any]
) -> None:
    context = context_of("captures_ingest", {"publish": "failed", "verify": "upstream_failed", "release": "running"})
    monkeypatch.setattr(status, "get_current_context", lambda: context)
    status.release_and_report(str(KEY))
    _, (outcome, key, work, sentence, link) = reported
    assert (outcome, key, work, link) == ("failure", KEY, "ingest", "https://log")
    assert sentence.startswith("publish: A task ended without saying why")


def test_a_failed_task_is_reported_with_its_sentence_and_log(reported: list[Any]) -> None:
    status.report_failed_task(context_of("captures_ingest", {}, ConfigError("Set the space.")))
    assert reported == [("failure", KEY, "ingest", "Set the space.", "https://log")]


def test_a_callback_names_its_run_since_airflow_has_no_current_context_there(
    monkeypatch: pytest.MonkeyPatch, reported: list[Any]
) -> None:
    runs: list[str] = []
    monkeypatch.setattr("capture360.steps.status.report_failure", lambda ctx, *given: runs.append(ctx.run))
    status.report_failed_task(context_of("captures_ingest", {}, ConfigError("Set the space.")))
    assert runs == ["Airflow run captures_ingest r"]


def test_a_link_that_is_a_secret_is_not_reported(reported: list[Any]) -> None:
    status.report_failed_task(context_of("captures_ingest", {}, OSError("PUT https://a.example/f?sig=s3cret failed")))
    assert reported == [("failure", KEY, "ingest", "PUT https://a.example/f?… failed", "https://log")]


def test_failures_of_other_dags_are_not_reported(reported: list[Any]) -> None:
    status.report_failed_task(context_of("captures_review", {}, ConfigError("Set the space.")))
    assert reported == []


def test_whatever_breaks_fails_no_run(
    monkeypatch: pytest.MonkeyPatch, reported: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(site: str, run: str = "") -> None:
        raise OSError("the register is away")

    monkeypatch.setattr(status, "site_context", broken)
    monkeypatch.setattr(status, "get_current_context", lambda: context_of("captures_ingest", {}))
    status.release_and_report(str(KEY))
    status.report_failed_task(context_of("captures_ingest", {}, ConfigError("no")))
    assert reported == [("released", str(KEY))]
    assert caplog.text.count("not up to date (OSError)") == 2
