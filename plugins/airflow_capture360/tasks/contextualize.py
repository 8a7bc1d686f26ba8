"""Tasks of captures_contextualize: each calls one step of `capture360.steps`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import metrics
from airflow_capture360.context import capture_context, emit, set_label
from capture360 import dag_names
from capture360.errors import MissingStepError

if TYPE_CHECKING:
    from capture360.detection.job_wait import JobWait

log = logging.getLogger(__name__)


def plan(capture: str) -> list[dict[str, Any]]:
    """Return one entry per batch of images, over which `detect` is mapped."""
    from capture360.steps.detect import detection_batches

    with capture_context(capture) as (ctx, key):
        fingerprint = ctx.records.newest_with(key, "publish")
        if fingerprint is None:
            raise MissingStepError(key, "it is not published", dag_names.INGEST)
        batches = detection_batches(ctx, key, fingerprint)
    return [
        {"fingerprint": fingerprint, "batch": batch, "label": f"batch {batch + 1} of {batches}"}
        for batch in range(batches)
    ]


def detect(capture: str, batch: Mapping[str, Any], wait: JobWait) -> dict[str, int]:
    """Read the faces of one batch; return counts. JobsPending while jobs of CDF run and `wait` does not sleep."""
    from capture360.steps import detect as step

    set_label(batch["label"])
    with capture_context(capture) as (ctx, key):
        done = step.detect(ctx, key, batch["fingerprint"], batch["batch"], wait)
    metrics.TEXTS.add(done.texts, site=key.site)
    log.info("%d texts on %d images", done.texts, done.images)
    return {"images": done.images, "texts": done.texts}


def match(capture: str, batches: list[Mapping[str, Any]]) -> dict[str, int]:
    """Match the texts to assets; return counts."""
    from dataclasses import asdict

    from capture360.steps.match import match

    with capture_context(capture) as (ctx, key):
        return asdict(match(ctx, key, batches[0]["fingerprint"]))


def annotate(capture: str, batches: list[Mapping[str, Any]]) -> dict[str, int]:
    """Write the links; return counts."""
    from airflow_capture360.lineage import report_linked
    from capture360.steps.annotate import annotate

    fingerprint = batches[0]["fingerprint"]
    with capture_context(capture) as (ctx, key):
        done = annotate(ctx, key, fingerprint)
        report_linked(ctx, key, fingerprint)
    metrics.REACHED.add(site=key.site, state="contextualized")
    metrics.PLATES.add(done.plates.linked, site=key.site, outcome="linked")
    metrics.PLATES.add(done.plates.asked, site=key.site, outcome="asked")
    metrics.PLATES.add(done.plates.missed, site=key.site, outcome="missed")
    log.info("%d links approved, %d suggested, %d left to people", done.approved, done.suggested, done.decided)
    return {
        "approved": done.approved,
        "suggested": done.suggested,
        "kept": done.kept,
        "decided": done.decided,
        "removed": done.removed,
        "only_recorded": done.only_recorded,
        "refused": len(done.refused),
    }


def announce_review(capture: str, batches: list[Mapping[str, Any]]) -> int:
    """Announce the suggested links to captures_review, or that none are left while a review waits; skip otherwise."""
    from capture360.steps.review import open_suggestions
    from capture360.steps.review_due import review_waits

    with capture_context(capture) as (ctx, key):
        waiting = len(open_suggestions(ctx, key, batches[0]["fingerprint"]))
        if not waiting and not review_waits(ctx.records, key):
            raise AirflowSkipException("Nothing is left for a person to decide.")
    log.info("%d suggestions wait for a person", waiting)
    emit([capture])
    return waiting
