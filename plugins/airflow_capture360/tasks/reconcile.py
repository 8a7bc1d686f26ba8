"""One run of the reconciling DAG seen from its tasks."""

from __future__ import annotations

import logging

from airflow.sdk import get_current_context

from airflow_capture360.run_state import is_finished
from airflow_capture360.tasks.ingest import register_and_records, step_context

log = logging.getLogger(__name__)


def sites() -> list[str]:
    """The sites of the register."""
    return list(register_and_records()[0].site_ids)


def compare(site: str) -> int:
    """Compare records and CDF for one site; how many captures were. DriftError if something was lost or changed."""
    from capture360.errors import DriftError
    from capture360.steps.reconcile import reconcile_site

    get_current_context()["label"] = site  # type: ignore[typeddict-unknown-key]
    done = reconcile_site(step_context(site), is_finished=is_finished)
    for key in done.passed_over:
        log.warning("%s is being written by a run; it was not compared", key)
    sentences = [f"{finding.where}: {finding.message}" for finding in done.findings]
    for sentence in sentences:
        log.error("%s", sentence)
    if sentences:
        raise DriftError(sentences)
    log.info("Captures compared: %d. Records and CDF agree.", done.compared)
    return done.compared
