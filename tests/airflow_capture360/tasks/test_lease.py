"""Which runs hold a lease, by what Airflow itself answers, and that every end of a run gives it back."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.api.datamodels import _generated as sdk
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowSkipException, ErrorType
from airflow.sdk.execution_time.comms import DagRunStateResult, ErrorResponse, TaskStatesResult
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.utils import state as core

from airflow_capture360 import context as contexts
from airflow_capture360 import run_state
from airflow_capture360.context import register_and_records
from airflow_capture360.tasks import lease as tasks
from airflow_capture360.tasks.lease import release_after_run
from capture360.errors import AirflowUnavailableError, RequestError
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import lease

KEY = CaptureKey("hall-7", "walk-1")
RUN = "Airflow run captures_ingest manual__1"
CONNECTION = {
    "conn_type": "cognite_cdf",
    "host": "http://127.0.0.1:9",
    "login": "an id",
    "password": "a secret",
    "extra": {"project": "plant", "token_url": "http://127.0.0.1:9/token"},
}
NOT_FOUND = {"detail": {"reason": "not_found", "message": "Dag run was not found"}}


class Supervisor:
    """Answers what a test orders, as the supervisor of a task does: an error is raised."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def send(self, msg: object) -> object:
        if isinstance(self.answer, ErrorResponse):
            raise AirflowRuntimeError(self.answer)
        return self.answer


def answering(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """The task's own supervisor gives this answer, and the task asks it through Airflow's own class."""
    monkeypatch.setattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", Supervisor(answer), raising=False)
    monkeypatch.setattr(run_state, "get_current_context", lambda: {"ti": RuntimeTaskInstance})


def refused(status: int, detail: object) -> ErrorResponse:
    return ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": status, "detail": detail})


@pytest.mark.parametrize("state", list(sdk.DagRunState))
def test_a_run_has_ended_when_airflow_s_own_state_says_so(
    monkeypatch: pytest.MonkeyPatch, state: sdk.DagRunState
) -> None:
    answering(monkeypatch, DagRunStateResult(state=state))
    assert run_state.is_finished(RUN) is (state in {sdk.DagRunState.SUCCESS, sdk.DagRunState.FAILED})


@pytest.mark.parametrize(
    "state", [*sdk.DagRunState, *sdk.TaskInstanceState, *core.DagRunState, *core.TaskInstanceState, "running"]
)
def test_every_state_of_airflow_is_compared_by_its_value(state: Any) -> None:
    assert run_state.value_of(state) == getattr(state, "value", state)
    assert type(run_state.value_of(state)) is str


def test_a_run_that_airflow_has_forgotten_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, refused(404, NOT_FOUND))
    assert run_state.is_finished(RUN)


@pytest.mark.parametrize(
    ("status", "detail"),
    [(500, None), (503, {"detail": "down"}), (404, None), (404, {"detail": "Not Found"}), (404, {"detail": []})],
)
def test_no_run_loses_its_lease_because_airflow_cannot_say(
    monkeypatch: pytest.MonkeyPatch, status: int, detail: object
) -> None:
    answering(monkeypatch, refused(status, detail))
    with pytest.raises(AirflowUnavailableError, match="does not say whether"):
        run_state.is_finished(RUN)


@pytest.fixture
def held(landing: Path) -> Records:
    records = register_and_records()[1]
    lease.take(records, KEY, RUN, is_finished=lambda run: False)
    return records


def end_of_run(monkeypatch: pytest.MonkeyPatch, states: Mapping[str, Any], run: str = "manual__1") -> None:
    answering(monkeypatch, TaskStatesResult(task_states={run: dict(states)}))
    dag_run = SimpleNamespace(dag_id="captures_ingest", run_id=run, partition_key=str(KEY))
    release_after_run({"dag_run": dag_run, "params": {}, "ti": RuntimeTaskInstance})


@pytest.mark.parametrize("last", sdk.TerminalTIState)
def test_the_end_of_a_run_gives_back_what_a_cleared_task_took(
    monkeypatch: pytest.MonkeyPatch, held: Records, last: sdk.TerminalTIState
) -> None:
    end_of_run(monkeypatch, {"release": "success", "publish": last})
    assert lease.holder(held, KEY) is None


def test_the_end_of_a_run_ends_its_waiting(monkeypatch: pytest.MonkeyPatch, held: Records) -> None:
    held.put_note(KEY, "waits_for_turn", {"run": RUN})
    end_of_run(monkeypatch, {"take_turn": "failed"})
    assert held.note(KEY, "waits_for_turn") is None


@pytest.mark.parametrize("state", [None, *sdk.IntermediateTIState, sdk.TaskInstanceState.RUNNING])
def test_not_while_the_run_goes_on(monkeypatch: pytest.MonkeyPatch, held: Records, state: Any) -> None:
    end_of_run(monkeypatch, {"release": "success", "publish": state})
    assert lease.holder(held, KEY) == RUN


def test_an_end_of_a_run_that_airflow_cannot_tell_releases_nothing(
    monkeypatch: pytest.MonkeyPatch, held: Records
) -> None:
    answering(monkeypatch, refused(503, None))
    dag_run = SimpleNamespace(dag_id="captures_ingest", run_id="manual__1", partition_key=str(KEY))
    with pytest.raises(AirflowUnavailableError, match="does not say which tasks of manual__1 have ended"):
        release_after_run({"dag_run": dag_run, "params": {}, "ti": RuntimeTaskInstance})
    assert lease.holder(held, KEY) == RUN


def test_another_run_s_lease_stays(monkeypatch: pytest.MonkeyPatch, held: Records) -> None:
    end_of_run(monkeypatch, {"publish": "success"}, run="manual__2")
    assert lease.holder(held, KEY) == RUN


def test_a_run_that_is_refused_for_one_that_waits_leaves_no_lease(
    landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = register_and_records()[1]
    records.put_note(KEY, "waits_for_turn", {"run": RUN})
    monkeypatch.setattr(tasks, "capture_of_run", lambda: str(KEY))
    monkeypatch.setattr(tasks, "this_run", lambda: "Airflow run captures_ingest manual__2")
    monkeypatch.setattr(tasks, "is_finished", lambda run: False)
    with pytest.raises(AirflowSkipException, match="manual__1"):
        tasks.take_lease()
    assert lease.last_run(records, KEY) == (0, None)


@pytest.fixture
def ingested(landing: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    """The records of a capture that lies in its folder and that run manual__1 has ingested just now."""
    monkeypatch.setenv("AIRFLOW_CONN_COGNITE_CDF_DEFAULT", json.dumps(CONNECTION))
    folder = landing / KEY.capture
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text("a delivery")
    records = register_and_records()[1]
    delivery = fingerprint(CaptureFolder(str(folder)), ("_READY",))
    began = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    records.put(KEY, delivery, "validate", {"verdict": "accepted", "began": began}, run=RUN)
    records.put(KEY, delivery, "verify", {}, run=RUN)
    monkeypatch.setattr(tasks, "is_finished", lambda run: True)
    return records


BY_HAND = {"run_id": "manual__2", "run_type": sdk.DagRunType.MANUAL}


def begin(monkeypatch: pytest.MonkeyPatch, minutes: int, **of_run: Any) -> str:
    """Call the first task of an announced run that was created so long before or after the end of the other one.

    That one began five minutes before its end.
    """
    values = {
        "run_id": "asset_triggered__2",
        "run_type": sdk.DagRunType.ASSET_TRIGGERED,
        "clear_number": 0,
        "partition_key": str(KEY),
        **of_run,
    }
    run_after = datetime.now(UTC) + timedelta(minutes=minutes)
    params = values.pop("params", {})
    context = {"dag_run": SimpleNamespace(dag_id="captures_ingest", run_after=run_after, **values), "params": params}
    for module in (tasks, contexts):
        monkeypatch.setattr(module, "get_current_context", lambda: context)
    return tasks.take_lease()


def test_a_run_that_waited_while_another_one_ingested_its_delivery_is_skipped(
    monkeypatch: pytest.MonkeyPatch, ingested: Records
) -> None:
    """Its capture was announced again while its first run waited in the queue."""
    with pytest.raises(AirflowSkipException, match=f"{KEY} was ingested by {RUN} since this run was created."):
        begin(monkeypatch, -10)
    assert lease.holder(ingested, KEY) is None


@pytest.mark.parametrize(
    ("minutes", "of_run"),
    [(10, {}), (-2, {}), (-10, {"clear_number": 1}), (-10, {"run_id": "manual__1"}), (-10, BY_HAND)],
    ids=[
        "created later, as by a backfill",
        "created while the other one ran",
        "cleared by a person",
        "its own end",
        "triggered by hand with a partition key",
    ],
)
def test_a_run_that_is_meant_to_ingest_it_again_is_not_skipped(
    monkeypatch: pytest.MonkeyPatch, ingested: Records, minutes: int, of_run: dict[str, Any]
) -> None:
    assert begin(monkeypatch, minutes, **of_run) == str(KEY)
    assert lease.holder(ingested, KEY) is not None


@pytest.mark.parametrize("typed", [{"partition_key": "hall-7/wlak-1"}, {"partition_key": None}])
def test_a_key_that_somebody_mistyped_is_refused_with_the_near_ones(
    monkeypatch: pytest.MonkeyPatch, ingested: Records, typed: dict[str, Any]
) -> None:
    """Airflow's form for a run by hand has a field for the partition key beside ours for the capture."""
    with pytest.raises(RequestError, match=f"Did you mean {KEY}"):
        begin(monkeypatch, 0, **BY_HAND, params={"capture": "hall-7/wlak-1"}, **typed)


def test_a_delivery_that_came_since_is_ingested_by_the_run_that_waited(
    monkeypatch: pytest.MonkeyPatch, ingested: Records, landing: Path
) -> None:
    (landing / KEY.capture / "manifest.yaml").write_text("another delivery")
    assert begin(monkeypatch, -10) == str(KEY)
