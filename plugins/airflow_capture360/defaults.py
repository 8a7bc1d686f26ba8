"""Params and default arguments that the DAGs share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param

from airflow_capture360.notifications import CaptureAlert
from airflow_capture360.policies import RETRYING
from airflow_capture360.tasks.status import report_failed_task

_BEFORE_ALL = 100
"""More than a DAG has tasks."""
BESIDE_A_LOOK = timedelta(minutes=3)
"""Limit of the short tasks beside a look, of which the next one must not wait for long."""


def capture_params() -> dict[str, Param]:
    """Return the Param of a run by hand."""
    return {
        "capture": Param(
            None,
            type=["null", "string"],
            title="Capture",
            description="For a run by hand: <site>/<capture>. A triggered run has it as its partition key.",
        )
    }


def task_defaults(execution_timeout: timedelta, *, first: bool = False) -> dict[str, Any]:
    """Return `default_args`: retries by the kind of error, and an alert that says how to fix what failed.

    Where workers are short, what was begun is ended before anything else is begun: a run that holds a lease is not held
    up by those that wait for it. `first` is for short looks on which everything depends.
    """
    return {
        "owner": "capture360",
        "weight_rule": "upstream",
        "priority_weight": _BEFORE_ALL if first else 1,
        **RETRYING,
        "execution_timeout": execution_timeout,
        "on_failure_callback": [CaptureAlert(), report_failed_task],
    }
