"""One run of the contextualization DAG seen from its tasks. A task's body is one call into `capture360.steps`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.tasks.ingest import at_work, emit, key_of, register_and_records

if TYPE_CHECKING:
    from capture360.detection.job_wait import JobWait
    from capture360.model import CaptureKey

log = logging.getLogger(__name__)


def wait_for_lease() -> str:
    """Take the lease of the run's capture and return its key.

    The ingest that announced the capture is about to give it back; while any run holds it the task is tried again.
    """
    key = str(key_of(get_current_context()))
    with at_work(key) as (ctx, _):
        log.info("%s is taken by %s", key, ctx.run)
    return key


def plan(capture: str) -> list[dict[str, Any]]:
    """One entry per batch of images, what `read_texts` is mapped over."""
    from capture360.errors import MissingStepError
    from capture360.steps.detect import detection_batches

    with at_work(capture) as (ctx, key):
        fingerprint = ctx.records.newest_with(key, "publish")
        if fingerprint is None:
            raise MissingStepError(key, "it is not published", "captures_ingest")
        batches = detection_batches(ctx, key, fingerprint)
    return [
        {"fingerprint": fingerprint, "batch": batch, "label": f"batch {batch + 1} of {batches}"}
        for batch in range(batches)
    ]


def read_texts(capture: str, batch: Mapping[str, Any], patience: JobWait) -> dict[str, int]:
    """Read the faces of one batch; counts. StillReading while CDF reads them and `patience` does not sleep."""
    from capture360.steps.detect import detect

    get_current_context()["label"] = batch["label"]  # type: ignore[typeddict-unknown-key]
    with at_work(capture) as (ctx, key):
        done = detect(ctx, key, batch["fingerprint"], batch["batch"], patience)
    log.info("%d texts on %d images", done.texts, done.images)
    return {"images": done.images, "texts": done.texts}


def match(capture: str, batches: list[Mapping[str, Any]]) -> dict[str, int]:
    """Match the texts to assets; counts."""
    from dataclasses import asdict

    from capture360.steps.match import match

    with at_work(capture) as (ctx, key):
        return asdict(match(ctx, key, batches[0]["fingerprint"]))


def annotate(capture: str, batches: list[Mapping[str, Any]]) -> dict[str, int]:
    """Write the links; counts."""
    from capture360.steps.annotate import annotate

    with at_work(capture) as (ctx, key):
        done = annotate(ctx, key, batches[0]["fingerprint"])
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
    """Have people asked about what is suggested; skips the task when there is nothing to ask."""
    from capture360.steps.review import open_suggestions

    with at_work(capture) as (ctx, key):
        waiting = len(open_suggestions(ctx, key, batches[0]["fingerprint"]))
    if not waiting:
        raise AirflowSkipException("Nothing is left for a person to decide.")
    log.info("%d suggestions wait for a person", waiting)
    emit([capture])
    return waiting


def newest_match_report(key: CaptureKey) -> str | None:
    """Path of the newest match report within the records; None before a match."""
    from capture360.steps.match import REPORT

    _, records = register_and_records()
    fingerprint = records.newest_with(key, "match")
    return f"{key}/{fingerprint}/{REPORT}" if fingerprint else None
