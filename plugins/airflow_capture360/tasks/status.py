"""Reports to a site's extraction pipeline in CDF how runs of captures_ingest and captures_contextualize ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context

from airflow_capture360.context import key_of, site_context
from airflow_capture360.run_state import name_of, task_states
from airflow_capture360.tasks.lease import release_lease
from capture360 import dag_names
from capture360.model import CaptureKey
from capture360.text import without_secrets

if TYPE_CHECKING:
    from capture360.steps.status import Work

log = logging.getLogger(__name__)

_WORK: Mapping[str, Work] = {dag_names.INGEST: "ingest", dag_names.CONTEXTUALIZE: "contextualization"}
_UNKNOWN = "A task ended without saying why (it may have been killed)."


def release_and_report(capture: str) -> None:
    """Release the lease and report how the run ended; failures that their tasks reported are not reported twice."""
    from capture360.steps.status import report_failure, report_success

    release_lease(capture)
    context = get_current_context()
    try:
        ctx, key = site_context(CaptureKey.parse(capture).site), CaptureKey.parse(capture)
        if ctx.site.extraction_pipeline is None:
            return
        work = _WORK[context["dag_run"].dag_id]
        failed = _failed_tasks(context)
        if failed:
            sentence = f"{', '.join(failed)}: {_UNKNOWN}"
            report_failure(ctx, key, work, sentence, context["ti"].log_url, at_end=True)
        else:
            report_success(ctx, key, work)
    except Exception as error:  # noqa: BLE001 - a report must never fail a capture, and any service may be down
        log.warning("The status in CDF is not up to date (%s).", type(error).__name__)


def report_failed_task(context: Any) -> None:
    """Report the failure of a task with its sentence and the address of its log. A callback of failed tasks."""
    from capture360.steps.status import report_failure

    work = _WORK.get(context["dag_run"].dag_id)
    if work is None:
        return
    try:
        key = key_of(context)
        error = context.get("exception")
        cause = without_secrets(str(error) or repr(error)) if error else _UNKNOWN
        ctx = site_context(key.site, name_of(context["dag_run"]))
        report_failure(ctx, key, work, cause, context["ti"].log_url)
    except Exception as error:  # noqa: BLE001 - a report must never fail a capture, and any service may be down
        log.warning("The status in CDF is not up to date (%s).", type(error).__name__)


def _failed_tasks(context: Any) -> list[str]:
    """Return the tasks that failed; those that did not start because of another only if there are no others."""
    dag_run = context["dag_run"]
    ended = task_states(context["ti"], dag_run.dag_id, dag_run.run_id)
    by_state = ([task for task in ended if ended[task] == state] for state in ("failed", "upstream_failed"))
    return sorted(next(filter(None, by_state), []))
