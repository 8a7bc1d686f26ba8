"""Tasks of captures_sense: find complete captures and announce them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.background import in_background
from airflow_capture360.context import emit, register_and_records, this_run
from airflow_capture360.run_state import are_queued, is_finished
from capture360 import dag_names
from capture360.errors import ConfigError

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger(__name__)

_QUEUING = (dag_names.INGEST, dag_names.CONTEXTUALIZE)
"""DAGs that may have runs in Airflow's queue for hours; those of captures_review wait for people, and begin at once."""
_PUBLISHED = "published"
_SUGGESTED = "suggested"
_NEWS = "news"
LONGEST_REPORT_S = 60.0


def sense() -> list[str]:
    """Announce every capture that is complete and new; skip the task if there is none."""
    from capture360.steps import lease
    from capture360.steps.sense import remember, sense
    from capture360.steps.sense_findings import sentences

    register, records = register_and_records()
    for key in lease.release_ended(records, is_finished=is_finished):
        log.info("%s is free: the run that held it has ended", key)
    queued = [dag for dag in _QUEUING if are_queued(dag)]
    now = datetime.now(UTC)
    sensed = sense(register, records, now=now, is_finished=is_finished, run=this_run(), queued=queued)
    task_instance = get_current_context()["ti"]
    task_instance.xcom_push(_PUBLISHED, [str(key) for key in sensed.published])
    task_instance.xcom_push(_SUGGESTED, [str(key) for key in sensed.suggested])
    task_instance.xcom_push(_NEWS, sentences(sensed.news))
    for line in sentences(sensed.findings):
        log.error("%s", line)
    for key, reason in sensed.waiting:
        log.info("%s waits: %s", key, reason)
    keys = [str(key) for key in sensed.ready]
    if keys:
        emit(keys)
    remember(records, sensed, this_run())
    if not keys:
        raise AirflowSkipException("No capture to announce.")
    log.info("Ready: %s", ", ".join(keys))
    return keys


def report_alive() -> None:
    """Report to the extraction pipelines of all sites that sensing is alive; skip the task if there is none.

    Failures are logged, and CDF that does not answer is not waited for: the next sensing begins when this one ends.
    """
    from concurrent.futures import wait

    from airflow_capture360.context import site_context
    from capture360.steps.status import report_sensing

    register = register_and_records()[0]
    reports: dict[str, Future[None]] = {}
    for site in register.site_ids:
        try:
            if register.site(site).extraction_pipeline is not None:
                ctx = site_context(site)
                reports[site] = in_background(partial(report_sensing, ctx.site, ctx.cdf, ctx.log))
        except Exception as error:  # noqa: BLE001 - sensing reports a site in error itself, and any service may be down
            log.warning("The status of site %s in CDF is not up to date (%s).", site, type(error).__name__)
    if not reports:
        raise AirflowSkipException("No site names an extraction pipeline that can be reported to.")
    done, _ = wait(reports.values(), LONGEST_REPORT_S)
    for site, report in reports.items():
        if report not in done:
            log.warning("The status of site %s in CDF is not up to date: CDF does not answer.", site)


def hand_on_published() -> None:
    """Announce the published captures whose contextualization is incomplete; skip the task if there is none."""
    _hand_on(_PUBLISHED, "Every published capture is contextualized, or about to be.")


def hand_on_suggested() -> None:
    """Announce the captures with suggested links that nobody was asked about; skip the task if there is none."""
    _hand_on(_SUGGESTED, "People were asked about every suggested link, or are about to be.")


def _hand_on(what: str, nothing: str) -> None:
    keys = get_current_context()["ti"].xcom_pull(task_ids="sense", key=what)
    if not keys:
        raise AirflowSkipException(nothing)
    log.info("Announced again as %s: %s", what, ", ".join(keys))
    emit(keys)


def complain() -> None:
    """Raise ConfigError with new findings of the landing zones, so that each alerts once."""
    news = get_current_context()["ti"].xcom_pull(task_ids="sense", key=_NEWS)
    if not news:
        raise AirflowSkipException("Nothing new is wrong.")
    raise ConfigError(" ".join(news))
