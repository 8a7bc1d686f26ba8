"""Airflow's REST API with what only tests ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capture360_local.stack import Stack
from capture360_local.stack.airflow_api import AirflowApi


class AirflowRuns(AirflowApi):
    """Reads a run and its logs, and clears its tasks."""

    def __init__(self, local: Stack) -> None:
        super().__init__(local.status().url, local.user, local.password)

    def run(self, dag: str, run: str) -> Mapping[str, Any]:
        """Return a run."""
        found: Mapping[str, Any] = self.request("GET", f"/dags/{dag}/dagRuns/{run}")
        return found

    def log(self, dag: str, run: str, task: str, attempt: int, map_index: int = -1) -> str:
        """Return the text of one try's log."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}"
        answer = self.request("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(_line(entry) for entry in answer["content"])

    def clear(self, dag: str, run: str, tasks: Sequence[str] | None, *, only_failed: bool = False) -> None:
        """Clear these tasks of a run, all if None, with all downstream, so that they run again."""
        body: dict[str, Any] = {
            "dry_run": False,
            "dag_run_id": run,
            "only_failed": only_failed,
            "include_downstream": True,
            "reset_dag_runs": True,
        }
        if tasks is not None:
            body["task_ids"] = list(tasks)
        self.request("POST", f"/dags/{dag}/clearTaskInstances", json=body)


def _line(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return str(entry)
    errors = [f"{error['exc_type']}: {error['exc_value']}" for error in entry.get("error_detail") or ()]
    said = " ".join(str(entry[name]) for name in ("event", "reason") if entry.get(name))  # a skip has its reason apart
    return "\n".join([said, *errors])
