"""Tasks of captures_ingest: each calls one step of `capture360.steps`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import metrics
from airflow_capture360.context import CDF_LINK, capture_context, emit, register_and_records, set_label
from airflow_capture360.run_state import is_finished
from capture360.errors import LeaseHeldError
from capture360.model import CaptureKey

if TYPE_CHECKING:
    from capture360.steps.context import StepContext

log = logging.getLogger(__name__)

MOST_LISTED = 20
"""Maximum number of names in an XCom: a capture may have thousands of collections, scans or stations."""


def validate(capture: str) -> list[dict[str, Any]]:
    """Check the capture; return one entry per batch of stations, over which `upload_faces` is mapped.

    The route of the capture, and inputs of the next tasks, are in XComs of their own.
    """
    from capture360.steps.validate import validate

    with capture_context(capture) as (ctx, key):
        validated = validate(ctx, key)
    metrics.REACHED.add(site=key.site, state=validated.verdict.value)
    metrics.STATIONS.add(validated.stations, site=key.site, outcome="accepted")
    metrics.STATIONS.add(validated.quarantined, site=key.site, outcome="held_back")
    task_instance = get_current_context()["ti"]
    task_instance.xcom_push("capture", capture)
    task_instance.xcom_push("fingerprint", validated.fingerprint)
    task_instance.xcom_push("route", validated.route)
    task_instance.xcom_push("stations", validated.stations)
    task_instance.xcom_push("quarantined", validated.quarantined)
    return [
        {"fingerprint": validated.fingerprint, "batch": batch, "label": f"batch {batch + 1} of {validated.batches}"}
        for batch in range(validated.batches)
    ]


def first_task_of(route: str) -> str:
    """Return the first task of a route: cube faces, or a revision that CDF extracts."""
    return "upload_scans" if route == "revision" else "faces"


def upload_faces(capture: str, batch: Mapping[str, Any]) -> dict[str, int]:
    """Upload the faces of one batch; return counts."""
    from capture360.steps.faces import faces

    set_label(batch["label"])
    with capture_context(capture) as (ctx, key):
        done = faces(ctx, key, batch["fingerprint"], batch["batch"])
    metrics.FACES.add(done.uploaded, site=key.site, outcome="uploaded")
    metrics.FACES.add(done.found, site=key.site, outcome="found")
    metrics.BYTES.add(done.bytes, site=key.site, kind="faces")
    log.info("%d stations: %d faces uploaded, %d were there", done.stations, done.uploaded, done.found)
    return {"stations": done.stations, "uploaded": done.uploaded, "found": done.found}


def publish(capture: str, fingerprint: str) -> dict[str, Any]:
    """Write the instances; return counts and the first collections."""
    from airflow_capture360.lineage import report_published
    from capture360.steps.publish import publish

    with capture_context(capture) as (ctx, key):
        published = publish(ctx, key, fingerprint)
        report_published(ctx, key, published.collections)
    log.info("%d instances written: %s", published.written, published.link)
    get_current_context()["ti"].xcom_push(CDF_LINK, published.link)
    return {
        "collections": len(published.collections),
        "first_collections": [[each.space, each.external_id] for each in published.collections[:MOST_LISTED]],
        "images": published.images,
        "written": published.written,
        "removed_files": published.removed_files,
    }


def upload_scans(capture: str, fingerprint: str) -> dict[str, int]:
    """Upload the capture's E57 files; return counts."""
    from capture360.steps.e57_extraction import upload_scans

    with capture_context(capture) as (ctx, key):
        uploaded = upload_scans(ctx, key, fingerprint)
    metrics.BYTES.add(uploaded.bytes, site=key.site, kind="scans")
    return {"files": uploaded.files, "bytes": uploaded.bytes}


@contextmanager
def _turn_context(capture: str) -> Iterator[tuple[StepContext, CaptureKey]]:
    """Yield the context of a step that needs the turn; a run that waits for it does not hold the capture meanwhile."""
    from capture360.steps.turn_note import end_waiting, wait_for_turn

    with capture_context(capture) as (ctx, key):
        try:
            yield ctx, key
        except LeaseHeldError:
            wait_for_turn(ctx.records, key, ctx.run)
            raise
        end_waiting(ctx.records, key, ctx.run)


def take_turn(capture: str) -> None:
    """Take the turn of extracting into a space that captures share; LeaseHeldError while another run has it.

    A run that waits takes the capture again once the turn is its own, and until then leaves it to others.
    """
    from capture360.steps import lease
    from capture360.steps.route import extraction_space
    from capture360.steps.shared_space import end_turn, take_turn
    from capture360.steps.turn_note import end_waiting, wait_for_turn

    with capture_context(capture, lock=False) as (ctx, key):
        space = extraction_space(ctx.site, key)
        try:
            take_turn(ctx, key, space, is_finished)
        except LeaseHeldError:
            wait_for_turn(ctx.records, key, ctx.run)
            raise
        try:
            lease.take(ctx.records, key, ctx.run, is_finished=is_finished)
        except LeaseHeldError:
            end_turn(ctx, key, space)
            raise
        end_waiting(ctx.records, key, ctx.run)


def start_revisions(capture: str, fingerprint: str) -> dict[str, Any]:
    """Find or start one revision for each scan; return their number and the first ids."""
    from capture360.steps.e57_extraction import start_revisions

    with _turn_context(capture) as (ctx, key):
        started = start_revisions(ctx, key, fingerprint, is_finished=is_finished)
    return {
        "model": started.model,
        "started": len(started.revisions),
        "revisions": list(started.revisions[:MOST_LISTED]),
        "space": started.space,
    }


def revisions_ended(capture: str, fingerprint: str) -> bool:
    """Return whether CDF has ended all revisions."""
    from capture360.steps.e57_extraction import poll_revisions

    with capture_context(capture) as (ctx, key):
        waiting = poll_revisions(ctx, key, fingerprint)
    log.info("revisions done: %d of %d %s", waiting.done, waiting.total, ", ".join(waiting.statuses))
    return waiting.over


def collect(capture: str, fingerprint: str) -> dict[str, Any]:
    """Find the images that CDF extracted and compare them with the scans; return counts."""
    from airflow_capture360.lineage import report_published
    from capture360.steps.collect import collect

    with _turn_context(capture) as (ctx, key):
        collected = collect(ctx, key, fingerprint, is_finished=is_finished)
        report_published(ctx, key, collected.collections)
    get_current_context()["ti"].xcom_push(CDF_LINK, collected.link)
    return {
        "images": collected.images,
        "collections": len(collected.collections),
        "missing": len(collected.missing),
        "first_missing": list(collected.missing[:MOST_LISTED]),
        "others": collected.others,
    }


def place(capture: str, fingerprint: str) -> dict[str, Any]:
    """Add the collection to the site's scene; return counts, empty if the site has none."""
    from capture360.steps.scene import place

    with capture_context(capture) as (ctx, key):
        placed = place(ctx, key, fingerprint)
    if placed is None:
        log.info("Site %s has no scene", key.site)
        return {}
    return {"scene": placed.scene, "written": placed.written, "hidden": len(placed.hidden)}


def verify(capture: str, fingerprint: str) -> dict[str, Any]:
    """Read everything back; return counts."""
    from capture360.steps.verify import verify

    with capture_context(capture) as (ctx, key):
        verified = verify(ctx, key, fingerprint)
    metrics.REACHED.add(site=key.site, state="published")
    return {"images": verified.images, "compared_faces": verified.compared_faces}


def announce_capture(capture: str) -> None:
    """Announce the published capture to captures_contextualize; skip the task if its site wants no links."""
    site = CaptureKey.parse(capture).site
    if not register_and_records()[0].site(site).links.enabled:
        raise AirflowSkipException(f"links.enabled is false for site {site}, so nothing is to be contextualized.")
    emit([capture])
