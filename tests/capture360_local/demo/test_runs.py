"""What the demonstration reads of runs in Airflow."""

from typing import Any, cast

import pytest

from capture360_local.demo.runs import asked_captures
from capture360_local.stack.airflow_api import AirflowApi


class Api:
    """One run of a review whose tasks are in these states."""

    def __init__(self, states: dict[str, str | None]) -> None:
        self.states = states

    def runs(self, dag: str) -> list[dict[str, Any]]:
        return [{"dag_run_id": "run 1", "state": "running", "partition_key": "hall-7/walk-1", "conf": None}]

    def task_instances(self, dag: str, run: str) -> list[dict[str, Any]]:
        return [{"task_id": task, "state": state} for task, state in self.states.items()]


@pytest.mark.parametrize(
    ("states", "waits"),
    [
        ({"ask": "awaiting_input", "ask_again": None}, True),
        ({"ask": "success", "ask_again": "deferred", "ask_once_more": None}, True),
        ({"ask": "success", "ask_again": "success", "ask_once_more": "awaiting_input"}, True),
        ({"ask": "success", "ask_again": "skipped", "ask_once_more": "skipped", "apply": "running"}, False),
    ],
)
def test_a_review_waits_whichever_of_its_tasks_asks(states: dict[str, str | None], waits: bool) -> None:
    assert asked_captures(cast("AirflowApi", Api(states))) == ({"hall-7/walk-1"} if waits else set())
