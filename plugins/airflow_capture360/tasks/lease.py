"""Tasks that take and release the lease of the run's capture: one run writes a capture at a time."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.context import capture_context, capture_of_run, key_of, register_and_records, this_run
from airflow_capture360.run_state import goes_on, is_by_hand, is_finished, name_of
from capture360.errors import Capture360Error, LeaseHeldError
from capture360.model import CaptureKey

log = logging.getLogger(__name__)


def wait_for_lease() -> str:
    """Take the lease and return the capture's key. LeaseHeldError while another run holds it; the task is retried."""
    key = capture_of_run()
    with capture_context(key) as (ctx, _):
        log.info("%s is taken by %s", key, ctx.run)
    return key


def take_lease() -> str:
    """Take the lease and return the capture's key; skip the run if another run holds it, or waits for its turn.

    So is an announced run whose delivery another one, which began after it was created, has ingested: what waits long
    in Airflow's queue is announced again. A run that was cleared does what it was cleared for.
    """
    from capture360.steps import lease
    from capture360.steps.ingested_since import ingested_since
    from capture360.steps.turn_note import refuse_waiting

    capture = capture_of_run()
    asked = CaptureKey.parse(capture)
    try:
        refuse_waiting(register_and_records()[1], asked, this_run(), is_finished)
        with capture_context(capture) as (ctx, key):
            refuse_waiting(ctx.records, key, ctx.run, is_finished)
            dag_run = get_current_context()["dag_run"]
            announced = not is_by_hand(dag_run) and not dag_run.clear_number
            other = announced and ingested_since(ctx.site, ctx.records, key, dag_run.run_after, datetime.now(UTC))
            if other and other != ctx.run:
                lease.release(ctx.records, key, ctx.run)
                raise AirflowSkipException(f"{key} was ingested by {other} since this run was created.")
    except LeaseHeldError as error:
        raise AirflowSkipException(str(error)) from None
    return capture


def release_lease(capture: str) -> None:
    """Release the lease for the next run."""
    _release(CaptureKey.parse(capture), this_run())


def release_after_run(context: Any) -> None:
    """Release the lease at the end of a run, since a task that was cleared after `release` has taken it again.

    A callback of the DAG. Does nothing while the run continues because more of it was cleared.
    """
    dag_run = context["dag_run"]
    if goes_on(context["ti"], dag_run):
        return
    try:
        key = key_of(context)
    except Capture360Error:
        return  # a run that names no capture has taken no lease
    _release(key, name_of(dag_run))


def _release(key: CaptureKey, run: str) -> None:
    from capture360.steps import lease
    from capture360.steps.turn_note import end_waiting

    records = register_and_records()[1]
    end_waiting(records, key, run)
    lease.release(records, key, run)
