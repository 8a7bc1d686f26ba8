"""Tasks that take and release the lease of the run's capture: one run writes a capture at a time."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.context import capture_context, capture_of_run, key_of, register_and_records, this_run
from airflow_capture360.run_state import goes_on, name_of

log = logging.getLogger(__name__)


def wait_for_lease() -> str:
    """Take the lease and return the capture's key. LeaseHeldError while another run holds it; the task is retried."""
    key = capture_of_run()
    with capture_context(key) as (ctx, _):
        log.info("%s is taken by %s", key, ctx.run)
    return key


def take_lease() -> str:
    """Take the lease and return the capture's key; skip the run if another run holds it."""
    from capture360.errors import LeaseHeldError

    try:
        return wait_for_lease()
    except LeaseHeldError as error:
        raise AirflowSkipException(str(error)) from None


def release_lease(capture: str) -> None:
    """Release the lease for the next run."""
    from capture360.model import CaptureKey
    from capture360.steps import lease

    lease.release(register_and_records()[1], CaptureKey.parse(capture), this_run())


def release_after_run(context: Any) -> None:
    """Release the lease at the end of a run, since a task that was cleared after `release` has taken it again.

    A callback of the DAG. Does nothing while the run continues because more of it was cleared.
    """
    from capture360.errors import Capture360Error
    from capture360.steps import lease

    dag_run = context["dag_run"]
    if goes_on(context["ti"], dag_run):
        return
    try:
        key = key_of(context)
    except Capture360Error:
        return  # a run that names no capture has taken no lease
    lease.release(register_and_records()[1], key, name_of(dag_run))
