"""Observe runs of the project's DAGs over Airflow's REST API."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from capture360 import dag_names
from capture360.model import CaptureKey
from capture360.steps.review_dag import ASKS
from capture360_local.stack.airflow_api import AirflowApi

LEASE_TASK = "lease"
_ENDED = frozenset({"success", "failed"})
_SKIPPED = "skipped"
_ASKING = frozenset({"awaiting_input", "deferred"})


@dataclass(frozen=True, slots=True)
class IngestRun:
    """State of one run; `tasks` in the order of their start, mapped ones once per batch."""

    id: str
    key: str
    state: str
    seconds: float
    tasks: Sequence[tuple[str, str]]
    tries: Mapping[str, int]

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.state in _ENDED

    @property
    def skipped(self) -> bool:
        """Whether another run held the lease."""
        return (LEASE_TASK, _SKIPPED) in self.tasks

    @property
    def summary(self) -> str:
        """The active tasks, or how the run ended."""
        if self.ended:
            return "skipped" if self.skipped else self.state
        active = [f"{task} {state}" for task, state in self.tasks if state in {"running", "up_for_retry", "failed"}]
        return ", ".join(dict.fromkeys(active)) or self.state

    @property
    def done(self) -> int:
        """Number of tasks that have ended."""
        return sum(state in {"success", "failed", "skipped", "upstream_failed"} for _, state in self.tasks)


@contextmanager
def unpaused(api: AirflowApi, wanted: Collection[str]) -> Iterator[None]:
    """Unpause these DAGs, and pause again those that were paused.

    Others stay as they are: one that is paused for the time of the demo would be reported as missing.
    """
    paused = [str(dag["dag_id"]) for dag in api.dags() if dag["dag_id"] in wanted and dag["is_paused"]]
    for dag in paused:
        api.pause(dag, False)
    try:
        yield
    finally:
        for dag in paused:
            api.pause(dag, True)


def ended_runs(api: AirflowApi, dag: str = dag_names.INGEST) -> frozenset[str]:
    """Return the ids of the latest runs that have ended."""
    return frozenset(run["dag_run_id"] for run in api.runs(dag) if run["state"] in _ENDED)


def asked_captures(api: AirflowApi) -> frozenset[str]:
    """Return the keys of the captures whose review waits for people."""
    return frozenset(
        _key(run)
        for run in api.runs(dag_names.REVIEW)
        if run["state"] == "running"
        and any(
            each["task_id"] in ASKS and each["state"] in _ASKING
            for each in api.task_instances(dag_names.REVIEW, run["dag_run_id"])
        )
    )


def newest_run(
    api: AirflowApi, key: CaptureKey, passed_over: frozenset[str], dag: str = dag_names.INGEST
) -> IngestRun | None:
    """Return the capture's newest run that was not skipped; runs in `passed_over` do not count."""
    for run in api.runs(dag):
        if run["dag_run_id"] not in passed_over and _key(run) == str(key):
            found = _run(api, dag, run)
            if not found.skipped:
                return found
    return None


def _key(run: Mapping[str, Any]) -> str:
    return run["partition_key"] or (run["conf"] or {}).get("capture") or ""


def _run(api: AirflowApi, dag: str, run: Mapping[str, Any]) -> IngestRun:
    instances = sorted(api.task_instances(dag, run["dag_run_id"]), key=lambda ti: ti["start_date"] or "~")
    return IngestRun(
        run["dag_run_id"],
        _key(run),
        run["state"],
        _seconds(run),
        tuple((instance["task_id"], instance["state"] or "none") for instance in instances),
        {instance["task_id"]: instance["try_number"] for instance in instances},
    )


def _seconds(run: Mapping[str, Any]) -> float:
    if not run["start_date"] or not run["end_date"]:
        return 0.0
    begin, end = (datetime.fromisoformat(run[name]) for name in ("start_date", "end_date"))
    return (end - begin).total_seconds()
