"""A backfill looks at every site of its date, and says which captures it cannot bring to their end."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_capture360 import operators
from airflow_capture360.context import register_and_records
from airflow_capture360.operators import WaitForCaptures
from airflow_capture360.tasks import backfill
from capture360 import dag_names
from capture360.errors import BackfillError, CdfUnavailableError, ConfigError
from capture360.model import CaptureKey
from capture360.steps import backfill as steps
from capture360.steps import lease

CONTEXT: Any = {}
BROKEN, GOOD = CaptureKey("hall-1", "walk"), CaptureKey("hall-7", "walk")


@pytest.fixture
def context(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run of a date with a capture of a site in error and one of a good site; the DAGs are not paused."""
    records = register_and_records()[1]
    for key in (BROKEN, GOOD):
        records.by_date.put(key, date(2026, 5, 1))
    run = {"params": {"what": "ingest"}, "dag_run": SimpleNamespace(partition_key="2026-05-01")}
    monkeypatch.setattr(backfill, "get_current_context", lambda: run)
    monkeypatch.setattr(backfill, "is_paused", lambda dag: False)
    due = [steps.Due(GOOD, ("it is not published",))]
    monkeypatch.setattr(steps, "due_captures", lambda ctx, keys, what: due)


@pytest.mark.usefixtures("context")
def test_a_site_in_error_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def site_context(site: str) -> Any:
        if site == BROKEN.site:
            raise ConfigError("sites.hall-1.space is missing.")

    monkeypatch.setattr(backfill, "site_context", site_context)
    found = backfill.look()
    assert list(found["ingest"]) == [str(GOOD)]
    assert found["failed"] == {str(BROKEN): "hall-1/walk: sites.hall-1.space is missing."}
    with pytest.raises(
        BackfillError, match=r"2 of 2 captures .*hall-1.space is missing\. hall-7/walk is not published"
    ):
        backfill.confirm(found, {})


@pytest.mark.usefixtures("context")
def test_a_capture_whose_records_are_damaged_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    records = register_and_records()[1]
    records.store.put(f"{GOOD}/f/verify.json", b"{")
    monkeypatch.setattr(backfill, "site_context", lambda site: None)
    found = backfill.look()
    assert found["ingest"] == {}
    assert "verify.json is broken" in found["failed"][str(GOOD)]


@pytest.mark.usefixtures("context")
def test_an_outage_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    def site_context(site: str) -> Any:
        raise CdfUnavailableError("503")

    monkeypatch.setattr(backfill, "site_context", site_context)
    with pytest.raises(CdfUnavailableError):
        backfill.look()


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    ("due", "dag"),
    [
        (steps.Due(GOOD, ("it is not published",)), dag_names.INGEST),
        (steps.Due(GOOD, (), ("the asset list is new",)), dag_names.CONTEXTUALIZE),
    ],
)
def test_a_backfill_whose_dag_is_paused_fails_before_it_announces_anything(
    monkeypatch: pytest.MonkeyPatch, due: steps.Due, dag: str
) -> None:
    monkeypatch.setattr(backfill, "site_context", lambda site: None)
    monkeypatch.setattr(steps, "due_captures", lambda ctx, keys, what: [due] if GOOD in keys else [])
    paused = {dag_names.INGEST, dag_names.CONTEXTUALIZE} - {dag}
    monkeypatch.setattr(backfill, "is_paused", lambda asked: asked in paused)
    found = backfill.look()
    assert {stage: list(found[stage]) for stage in ("ingest", "contextualize")} == {
        "ingest": [str(GOOD)] if due.ingest else [], "contextualize": [str(GOOD)] if due.contextualize else [],
    }  # fmt: skip
    paused.add(dag)
    with pytest.raises(ConfigError, match=rf"^{dag} is paused, so no capture would reach its end\."):
        backfill.look()
    stage = "ingest" if due.ingest else "contextualize"
    waiting = found[stage]
    monkeypatch.setattr(backfill, "number_of_runs", lambda *_: 1)
    monkeypatch.setattr(backfill, "is_finished", lambda run: False)
    with pytest.raises(ConfigError, match=f"^{dag} is paused"):
        backfill.look_again(stage, waiting, {}, 0.0, {})


@pytest.mark.parametrize(("held", "reason"), [("before", "held it"), ("since", "held it"), ("never", "scheduler")])
def test_a_capture_that_another_run_held_is_named_with_that_run(
    landing: Path, monkeypatch: pytest.MonkeyPatch, held: str, reason: str
) -> None:
    records = register_and_records()[1]
    monkeypatch.setattr(backfill, "number_of_runs", lambda *_: 0)
    monkeypatch.setattr(backfill, "is_paused", lambda dag: False)
    monkeypatch.setattr(backfill, "is_finished", lambda run: False)
    other = "Airflow run captures_retract manual__1"
    if held == "before":
        lease.take(records, GOOD, other, is_finished=lambda _: False)
    before = {str(GOOD): asdict(steps.mark(records, GOOD, steps.What.INGEST))}
    if held == "before":
        lease.release(records, GOOD, other)
    elif held == "since":
        lease.take(records, GOOD, other, is_finished=lambda _: False)
    assert backfill.look_again("ingest", before, {}, 0.0, {}).waiting == before
    failed = backfill.look_again("ingest", before, {}, 600.0, {}).failed
    assert reason in failed[str(GOOD)]
    assert (other in failed[str(GOOD)]) is (held != "never")


@pytest.mark.parametrize(("what", "hours"), [("ingest", 3), ("contextualize", 24)])
def test_a_capture_that_no_run_takes_is_named_although_others_keep_the_dag_busy(
    landing: Path, monkeypatch: pytest.MonkeyPatch, what: str, hours: int
) -> None:
    """As if its run was skipped while a run of another DAG held it."""
    records = register_and_records()[1]
    other = "Airflow run captures_retract manual__1"
    running = {other}
    queued = ["its own"]
    monkeypatch.setattr(backfill, "number_of_runs", lambda _, state: len(queued) if state == "queued" else 16)
    monkeypatch.setattr(backfill, "is_paused", lambda dag: False)
    monkeypatch.setattr(backfill, "is_finished", lambda run: run not in running)
    lease.take(records, GOOD, other, is_finished=lambda _: False)
    monkeypatch.setattr(operators, "LONGEST_PAUSE_S", 3600.0)
    task = WaitForCaptures(task_id="wait", what=what, waiting={})
    mark = asdict(steps.mark(records, GOOD, steps.What(what)))
    state: dict[str, Any] = {"waiting": {str(GOOD): mark}, "pause": 3600.0}
    for _ in range(hours + 1):
        state = deferred(task, state)
    running.clear()
    for _ in range(hours + 1):
        state = deferred(task, state)
    queued.clear()  # until then one of those that wait may have been its run
    for _ in range(hours - 1):
        state = deferred(task, state)
    queued.append("another's")  # at which time stands still
    state = deferred(task, state)
    queued.clear()
    state = deferred(task, state)
    assert f"could take it, since {other} held it" in task.poll(CONTEXT, **state)[str(GOOD)]


def deferred(task: WaitForCaptures, state: dict[str, Any]) -> dict[str, Any]:
    """Return what the next poll is given."""
    with pytest.raises(TaskDeferred) as waits:
        task.poll(CONTEXT, **state)
    return waits.value.kwargs or {}
