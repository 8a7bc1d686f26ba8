"""States of Airflow runs, compared by value. A run counts as missing only if Airflow itself answers so."""

from __future__ import annotations

from enum import Enum
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowRuntimeError

_RUN_PREFIX = "Airflow run "
_ENDED = {"success", "failed"}
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


def is_paused(dag_id: str) -> bool:
    """Return whether the DAG is paused. AirflowUnavailableError, which is retried, if Airflow does not answer."""
    from capture360.errors import AirflowUnavailableError

    try:
        return bool(get_current_context()["ti"].get_dag(dag_id).is_paused)
    except AirflowRuntimeError as error:
        raise AirflowUnavailableError(f"Airflow does not say whether {dag_id} is paused ({error}).") from None


def is_there(dag_id: str) -> bool:
    """Return whether Airflow has the DAG. AirflowUnavailableError, which is retried, if Airflow does not answer."""
    from capture360.errors import AirflowUnavailableError

    try:
        get_current_context()["ti"].get_dag(dag_id)
    except AirflowRuntimeError as error:
        if says_not_found(error):
            return False
        raise AirflowUnavailableError(f"Airflow does not say whether there is a DAG {dag_id} ({error}).") from None
    return True


def active_runs(dag_id: str) -> int:
    """Return the number of queued and running runs of the DAG. AirflowUnavailableError if Airflow does not answer."""
    return _count(dag_id, ["queued", "running"])


def _count(dag_id: str, states: list[str]) -> int:
    from capture360.errors import AirflowUnavailableError

    try:
        return int(get_current_context()["ti"].get_dr_count(dag_id, states=states))
    except AirflowRuntimeError as error:
        said = f"Airflow does not say how many runs of {dag_id} are {' or '.join(states)} ({error})."
        raise AirflowUnavailableError(said) from None


def goes_on(task_instance: Any, dag_run: Any) -> bool:
    """Return whether a task of the run has not ended."""
    states = task_instance.get_task_states(dag_id=dag_run.dag_id, run_ids=[dag_run.run_id])
    return any(value_of(state) not in _TASK_ENDED for state in states.get(dag_run.run_id, {}).values())


def is_finished(run: str) -> bool:
    """Return whether the run that holds a lease has ended; a run that Airflow no longer has counts as ended.

    AirflowUnavailableError, which is retried, if Airflow does not answer, so that no run loses its lease in an outage.
    Only Airflow's own answer counts as a missing run, not a 404 of a proxy.
    """
    from capture360.errors import AirflowUnavailableError
    from capture360.steps import lease

    if not run.startswith(_RUN_PREFIX):
        return lease.process_is_finished(run)
    dag_id, _, run_id = run.removeprefix(_RUN_PREFIX).partition(" ")
    try:
        state = get_current_context()["ti"].get_dagrun_state(dag_id, run_id)
    except AirflowRuntimeError as error:
        if says_not_found(error):
            return True
        raise AirflowUnavailableError(f"Airflow does not say whether {run} has ended ({error}).") from None
    return value_of(state) in _ENDED


def has_succeeded(dag_id: str, run_id: str) -> bool:
    """Return whether the run succeeded, or Airflow no longer has it. AirflowUnavailableError if it does not answer."""
    from capture360.errors import AirflowUnavailableError

    try:
        state = get_current_context()["ti"].get_dagrun_state(dag_id, run_id)
    except AirflowRuntimeError as error:
        if says_not_found(error):
            return True
        raise AirflowUnavailableError(f"Airflow does not say how {run_id} of {dag_id} has ended ({error}).") from None
    return value_of(state) == "success"


def successful_runs(dag_id: str) -> int:
    """Return the number of successful runs of the DAG. AirflowUnavailableError if Airflow does not answer."""
    return _count(dag_id, ["success"])


def queued_runs(dag_id: str) -> int:
    """Return the number of queued runs of the DAG. AirflowUnavailableError if Airflow does not answer."""
    return _count(dag_id, ["queued"])


def running_runs(dag_id: str) -> int:
    """Return how many runs of the DAG are running. AirflowUnavailableError if Airflow cannot say."""
    return _count(dag_id, ["running"])


def value_of(state: object) -> str:
    """Return the value of an Airflow state, which is an enum or its value (`str()` of an enum names its member)."""
    return str(state.value if isinstance(state, Enum) else state)


def says_not_found(error: AirflowRuntimeError) -> bool:
    """Return whether Airflow itself reports that nothing was found."""
    match error.error.detail:
        case {"status_code": 404, "detail": {"detail": {"reason": "not_found"}}}:
            return True
    return False
