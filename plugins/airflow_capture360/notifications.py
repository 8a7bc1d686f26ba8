"""The alert of a failed task: what failed, how to fix it, and who can."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier
from typing_extensions import override

from airflow_capture360.alerts import open_and_send
from airflow_capture360.context import LABEL, page_url, register_and_records, run_url
from airflow_capture360.targets import NotSentError, send
from capture360.errors import (
    Capture360Error,
    CaptureRejected,
    CdfUnavailableError,
    DriftError,
    RecordsError,
    RequestError,
    StoreUnavailableError,
)
from capture360.model import CaptureKey
from capture360.reports.alerts import about, log_text
from capture360.text import printable, without_secrets

if TYPE_CHECKING:
    from airflow.sdk import Context

    from capture360.records import Records
    from capture360.steps.incidents import Occurrence

log = logging.getLogger(__name__)

_BUG_REMEDY = "Read the task's log, then clear the failed task."
_KILLED = "The task exited without an exception (it may have been killed)."


class CaptureAlert(BaseNotifier):
    """Log the alert of a failed task, and note it; **captures_watch** sends one message about each cause.

    While captures_watch does not run, the message is sent at once, to the addresses in the password of the Airflow
    connection `capture360_alerts`. Messages that cannot be sent are sent later. A failed alert never fails a task.
    """

    @override
    def notify(self, context: Context) -> None:
        from capture360.steps.incidents import note
        from capture360.steps.watch_life import is_watched

        occurrence = occurrence_of(context)
        message = about(occurrence.shown(), [occurrence.subject])
        log.error("%s", log_text(message))
        try:
            records = register_and_records()[1]
            occurrence = replace(occurrence, links={**occurrence.links, **_links_of(records, occurrence)})
            note(records, occurrence, _cleared_since(context["ti"]))
            if not is_watched(records, datetime.now(UTC)):
                open_and_send(records)
        except Exception as error:  # noqa: BLE001 - stores raise anything; the alert is in the log
            log.error("The alert could not be kept (%s).", type(error).__name__)
            try:
                send(message)
            except NotSentError:
                log.error("The alert was neither sent nor kept.")


def occurrence_of(context: Any) -> Occurrence:
    """Return the occurrence of a failure.

    All batches of a capture's run that failed in the same way have one cause. A task that is mapped over sites fails
    for each of them, and what drifted at one site is no cause of what drifted at another.
    """
    from capture360.steps.causes import cause_of, identity
    from capture360.steps.incidents import Occurrence

    dag_run, instance = context["dag_run"], context["ti"]
    error = context.get("exception")
    params = context["params"]
    capture = dag_run.partition_key or params.get("capture") or params.get("date")
    about_it = str(capture or context.get(LABEL) or "")
    subject = printable(about_it or dag_run.dag_id)
    ours = isinstance(error, Capture360Error)
    kind = type(error).__name__ if error else "killed"
    place = f"{dag_run.dag_id}.{instance.task_id}"
    if isinstance(error, DriftError):  # the kinds of differences at a site, whichever captures have them this night
        cause = identity(kind, place, subject, *sorted(error.rules))
    else:
        cause = cause_of(error, place, about_it, _service(error, about_it))
    links = {"Run": run_url(dag_run.dag_id, dag_run.run_id), "Log": instance.log_url}
    if isinstance(error, CaptureRejected) and error.report:
        links["Report"] = page_url(f"reports/{error.report}")
    # a capture that was mistyped has no page, and one whose records are damaged none that can be made
    if (key := _key(capture)) and not isinstance(error, RequestError | RecordsError):
        links["Capture"] = page_url(f"captures/{key}")
    batch = getattr(instance, "map_index", -1)  # of a process that was killed Airflow hands on less
    return Occurrence(
        id=identity(dag_run.dag_id, dag_run.run_id, instance.task_id, str(batch), cause, subject),
        cause=cause,
        subject=subject,
        where=f"{instance.task_id} failed in {dag_run.dag_id}, try {instance.try_number}",
        what=without_secrets(str(error) or repr(error)) if error else _KILLED,
        fix=error.remedy if ours else _BUG_REMEDY,
        who=error.fixed_by if ours else Capture360Error.fixed_by,
        at=datetime.now(UTC),
        links=links,
        dag=dag_run.dag_id,
        run=dag_run.run_id,
        task=instance.task_id,
        batch=batch,
        drifted=isinstance(error, DriftError),
    )


def _links_of(records: Records, occurrence: Occurrence) -> dict[str, str]:
    """Return the addresses of reports and collection of the capture; none that cannot be read now."""
    from capture360.steps.captures import links_of

    if "Capture" not in occurrence.links:
        return {}
    try:
        links = links_of(records, CaptureKey.parse(occurrence.subject))
    except Exception as error:  # noqa: BLE001 - stores raise anything; an alert says what it can
        log.debug("No addresses of %s: %s", occurrence.subject, error)
        return {}
    return {
        name: address if name == "CDF" else page_url(f"reports/{address}")
        for name, address in links.items()
        if name not in occurrence.links
    }


def _key(capture: object) -> CaptureKey | None:
    """Return the key of the capture; None for any other text, which must not get into an address."""
    try:
        return CaptureKey.parse(str(capture or ""))
    except RequestError:
        return None


def _service(error: BaseException | None, capture: str) -> str:
    """Return what names the service that did not answer: a store, or the site's CDF connection; empty for others."""
    if isinstance(error, StoreUnavailableError):
        return error.store
    if not isinstance(error, CdfUnavailableError):
        return ""
    try:
        return register_and_records()[0].site(capture.partition("/")[0]).connection
    except Exception:  # noqa: BLE001 - stores raise anything; an alert says what it can
        return "unknown"


def _cleared_since(instance: Any) -> datetime | None:
    """Return when the task began again, if somebody cleared it; None otherwise. Clearing allows it more tries."""
    try:
        cleared = instance.max_tries > (instance.task.retries or 0)
        return instance.start_date if cleared else None
    except AttributeError:  # of a process that was killed Airflow hands on less
        return None
