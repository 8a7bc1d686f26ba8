"""States of Airflow runs, compared by value. A run counts as missing only if Airflow itself answers so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowRuntimeError

from capture360.errors import AirflowUnavailableError

_RUN_PREFIX = "Airflow run "
_ENDED = {"success", "failed"}
_FIRST_TASK = "lease"
_TASK_QUEUED = ["scheduled", "queued"]
_TASK_ENDED = {*_ENDED, "skipped", "upstream_failed", "removed"}


def name_of(dag_run: Any) -> str:
    """Return the name of an Airflow run in leases and records."""
    return f"{_RUN_PREFIX}{dag_run.dag_id} {dag_run.run_id}"


def is_run_of(run: str, dag_id: str) -> bool:
    """Return whether a run name of leases and records is of this DAG."""
    return run.startswith(f"{_RUN_PREFIX}{dag_id} ")


def run_id_of(run: str) -> str:
    """Return Airflow's run id of a run name of leases and records; empty if it is no run of Airflow."""
    return run.removeprefix(_RUN_PREFIX).partition(" ")[2] if run.startswith(_RUN_PREFIX) else ""


def is_by_hand(dag_run: Any) -> bool:
    """Return whether somebody triggered the run, with a partition key typed in Airflow's form or without one."""
    return value_of(dag_run.run_type) == "manual"


def is_paused(dag_id: str) -> bool:
    """Return whether the DAG is paused. AirflowUnavailableError, which is retried, if Airflow does not answer."""
    with _answering(f"whether {dag_id} is paused"):
        return bool(get_current_context()["ti"].get_dag(dag_id).is_paused)


def is_there(dag_id: str) -> bool:
    """Return whether Airflow has the DAG. AirflowUnavailableError, which is retried, if Airflow does not answer."""
    with _answering(f"whether there is a DAG {dag_id}"):
        return _unless_missing(lambda: get_current_context()["ti"].get_dag(dag_id)) is not None


def number_of_runs(dag_id: str, *states: str) -> int:
    """Return how many runs of the DAG are in these states. AirflowUnavailableError if Airflow does not answer."""
    with _answering(f"how many runs of {dag_id} are {' or '.join(states)}"):
        return int(get_current_context()["ti"].get_dr_count(dag_id, states=list(states)))


def are_queued(dag_id: str) -> bool:
    """Return whether runs of a DAG of captures have not begun: they are queued, or their first task has no worker yet.

    AirflowUnavailableError if Airflow does not answer.
    """
    if number_of_runs(dag_id, "queued"):
        return True
    with _answering(f"how many runs of {dag_id} have begun"):
        return bool(get_current_context()["ti"].get_ti_count(dag_id, task_ids=[_FIRST_TASK], states=_TASK_QUEUED))


def task_states(task_instance: Any, dag_id: str, run_id: str) -> dict[str, str | None]:
    """Return the states of a run's tasks, None for one that has not begun; empty if Airflow has no such run.

    AirflowUnavailableError, which is retried, if Airflow does not answer.
    """
    with _answering(f"which tasks of {run_id} have ended"):
        states = task_instance.get_task_states(dag_id=dag_id, run_ids=[run_id])
    return {task: None if state is None else value_of(state) for task, state in states.get(run_id, {}).items()}


def goes_on(task_instance: Any, dag_run: Any) -> bool:
    """Return whether a task of the run has not ended. AirflowUnavailableError if Airflow does not answer."""
    states = task_states(task_instance, dag_run.dag_id, dag_run.run_id)
    return any(state not in _TASK_ENDED for state in states.values())


def is_finished(run: str) -> bool:
    """Return whether the run that holds a lease has ended; a run that Airflow no longer has counts as ended.

    AirflowUnavailableError, which is retried, if Airflow does not answer, so that no run loses its lease in an outage.
    Only Airflow's own answer counts as a missing run, not a 404 of a proxy.
    """
    from capture360.steps import lease

    if not run.startswith(_RUN_PREFIX):
        return lease.process_is_finished(run)
    dag_id, _, run_id = run.removeprefix(_RUN_PREFIX).partition(" ")
    with _answering(f"whether {run} has ended"):
        return _state(dag_id, run_id) in {None, *_ENDED}


def has_succeeded(dag_id: str, run_id: str) -> bool:
    """Return whether the run succeeded, or Airflow no longer has it. AirflowUnavailableError if it does not answer."""
    with _answering(f"how {run_id} of {dag_id} has ended"):
        return _state(dag_id, run_id) in {None, "success"}


def _state(dag_id: str, run_id: str) -> str | None:
    """Return the state of a run; None if Airflow has no such run."""
    state = _unless_missing(lambda: get_current_context()["ti"].get_dagrun_state(dag_id, run_id))
    return None if state is None else value_of(state)


def _unless_missing(ask: Callable[[], Any]) -> Any:
    """Return Airflow's answer; None if what is asked about is missing."""
    try:
        return ask()
    except AirflowRuntimeError as error:
        if says_not_found(error):
            return None
        raise


@contextmanager
def _answering(question: str) -> Iterator[None]:
    """Raise AirflowUnavailableError for an error of Airflow's API."""
    try:
        yield
    except AirflowRuntimeError as error:
        raise AirflowUnavailableError(f"Airflow does not say {question} ({error}).") from None


def value_of(state: object) -> str:
    """Return the value of an Airflow state, which is an enum or its value (`str()` of an enum names its member)."""
    return str(state.value if isinstance(state, Enum) else state)


def says_not_found(error: AirflowRuntimeError) -> bool:
    """Return whether Airflow itself reports that nothing was found."""
    match error.error.detail:
        case {"status_code": 404, "detail": {"detail": {"reason": "not_found"}}}:
            return True
    return False
