"""What the DAGs about one capture have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param

from airflow_capture360.notifications import CaptureAlert
from airflow_capture360.policies import RETRYING


def capture_params() -> dict[str, Param]:
    """The one Param of a run by hand."""
    return {
        "capture": Param(
            None,
            type=["null", "string"],
            title="Capture",
            description="For a run by hand: <site>/<capture>. A run that was announced has it as its partition key.",
        )
    }


def task_defaults(execution_timeout: timedelta) -> dict[str, Any]:
    """`default_args`: retries that know what they can heal, and an alert that says how to mend the rest."""
    return {
        "owner": "capture360",
        **RETRYING,
        "execution_timeout": execution_timeout,
        "on_failure_callback": [CaptureAlert()],
    }
