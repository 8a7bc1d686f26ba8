"""Tasks of captures_reconcile."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from airflow_capture360 import metrics
from airflow_capture360.context import register_and_records, set_label, site_context
from airflow_capture360.run_state import is_finished
from capture360.errors import DriftError

log = logging.getLogger(__name__)


def sites() -> list[str]:
    """Return the ids of the sites of the register."""
    return list(register_and_records()[0].site_ids)


def compare(site: str) -> int:
    """Compare records and CDF for one site; return the number of captures. DriftError if they differ."""
    from capture360.steps.digest import note_drift
    from capture360.steps.reconcile import reconcile_site

    set_label(site)
    ctx = site_context(site)
    with metrics.of_step(site):
        done = reconcile_site(ctx, is_finished=is_finished)
        sentences = [finding.line for finding in done.findings]
        note_drift(ctx.records, site, datetime.now(UTC), done.compared, sentences)
    for key in done.passed_over:
        log.warning("%s is being written by a run; it was not compared", key)
    for sentence in sentences:
        log.error("%s", sentence)
    if sentences:
        raise DriftError(sentences, (finding.rule for finding in done.findings))
    log.info("Captures compared: %d. Records and CDF agree.", done.compared)
    return done.compared
