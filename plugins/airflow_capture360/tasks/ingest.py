"""One run of the ingest DAG seen from its tasks: which capture it is about, and what the steps are handed.

A task's body is one call into `capture360.steps`; everything heavy is imported and opened inside it, after the fork.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.run_state import goes_on, is_finished, name_of

if TYPE_CHECKING:
    from capture360.model import CaptureKey
    from capture360.records import Records
    from capture360.settings.register import Register
    from capture360.steps.context import StepContext

log = logging.getLogger(__name__)

_PUBLISHED = "published"
_SUGGESTED = "suggested"
_NEWS = "news"


def sense() -> list[str]:
    """Announce every capture that is complete and new; skips the task when there is none."""
    from capture360.steps import lease
    from capture360.steps.sense import remember, sense, sentences

    register, records = register_and_records()
    for key in lease.release_ended(records, is_finished=is_finished):
        log.info("%s is free: the run that held it has ended", key)
    sensed = sense(register, records, now=datetime.now(UTC), is_finished=is_finished, run=_this_run())
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
    remember(records, sensed, _this_run())
    if not keys:
        raise AirflowSkipException("No capture to announce.")
    log.info("Ready: %s", ", ".join(keys))
    return keys


def hand_on_published() -> None:
    """Announce the published captures whose contextualization has not ended; skips the task when there is none."""
    _hand_on(_PUBLISHED, "Every published capture is contextualized, or about to be.")


def hand_on_suggested() -> None:
    """Announce the captures with suggested links that nobody was asked about; skips the task when there is none."""
    _hand_on(_SUGGESTED, "People were asked about every suggested link, or are about to be.")


def _hand_on(what: str, nothing: str) -> None:
    keys = get_current_context()["ti"].xcom_pull(task_ids="sense", key=what)
    if not keys:
        raise AirflowSkipException(nothing)
    log.info("Announced again as %s: %s", what, ", ".join(keys))
    emit(keys)


def complain() -> None:
    """ConfigError with what is wrong in the landing zones, if the look before did not say so; so that it alerts."""
    from capture360.errors import ConfigError

    news = get_current_context()["ti"].xcom_pull(task_ids="sense", key=_NEWS)
    if not news:
        raise AirflowSkipException("Nothing new is wrong.")
    raise ConfigError(" ".join(news))


def announce_capture(capture: str) -> None:
    """Tell the next DAG that the capture can be seen in CDF."""
    emit([capture])


def emit(keys: list[str]) -> None:
    """The keys as partitions of the asset that is the current task's outlet."""
    context = get_current_context()
    (asset,) = context["task"].outlets
    context["outlet_events"][asset].add_partitions(keys)


def take_lease() -> str:
    """Take the lease of the run's capture and return its key; skips the run when another run holds it."""
    from capture360.errors import LeaseHeldError

    key = key_of(get_current_context())
    try:
        with at_work(str(key)) as (ctx, _):
            log.info("%s is taken by %s", key, ctx.run)
            return str(key)
    except LeaseHeldError as error:
        raise AirflowSkipException(str(error)) from None


def release_lease(capture: str) -> None:
    """Give the lease back for the next run."""
    from capture360.model import CaptureKey
    from capture360.steps import lease

    _, records = register_and_records()
    lease.release(records, CaptureKey.parse(capture), _this_run())


def release_after_run(context: Any) -> None:
    """Give back the lease at the end of a run: a task that was cleared after `release` had taken it anew.

    A callback of the DAG. Nothing is done if the run goes on by now, since more of it was cleared.
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


def validate(capture: str) -> list[dict[str, Any]]:
    """Check the capture; one entry per batch of stations, what `upload_faces` is mapped over.

    The route that the capture takes, and what the next tasks need to know, are in XComs of their own.
    """
    from capture360.steps.validate import validate

    with at_work(capture) as (ctx, key):
        validated = validate(ctx, key)
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
    """The task that a route begins with: cube faces, or a revision that CDF extracts."""
    return "upload_scans" if route == "revision" else "faces"


def upload_faces(capture: str, batch: Mapping[str, Any]) -> dict[str, int]:
    """Upload the faces of one batch; counts."""
    from capture360.steps.faces import faces

    get_current_context()["label"] = batch["label"]  # type: ignore[typeddict-unknown-key]
    with at_work(capture) as (ctx, key):
        done = faces(ctx, key, batch["fingerprint"], batch["batch"])
    log.info("%d stations: %d faces uploaded, %d were there", done.stations, done.uploaded, done.found)
    return {"stations": done.stations, "uploaded": done.uploaded, "found": done.found}


def publish(capture: str, fingerprint: str) -> dict[str, Any]:
    """Write the instances; collection and counts."""
    from airflow_capture360.links import CDF_LINK
    from capture360.steps.publish import publish

    with at_work(capture) as (ctx, key):
        published = publish(ctx, key, fingerprint)
    log.info("%d instances written: %s", published.written, published.link)
    get_current_context()["ti"].xcom_push(CDF_LINK, published.link)
    return {
        "collections": [[each.space, each.external_id] for each in published.collections],
        "images": published.images,
        "written": published.written,
        "removed_files": published.removed_files,
    }


def upload_scans(capture: str, fingerprint: str) -> dict[str, int]:
    """Bring the capture's E57 files into CDF; counts."""
    from capture360.steps.e57_extraction import upload_scans

    with at_work(capture) as (ctx, key):
        uploaded = upload_scans(ctx, key, fingerprint)
    return {"files": uploaded.files, "bytes": uploaded.bytes}


def start_revisions(capture: str, fingerprint: str) -> dict[str, Any]:
    """Find or start one revision for each scan; ids."""
    from capture360.steps.e57_extraction import start_revisions

    with at_work(capture) as (ctx, key):
        started = start_revisions(ctx, key, fingerprint)
    return {"model": started.model, "revisions": list(started.revisions), "space": started.space}


def revisions_ended(capture: str, fingerprint: str) -> bool:
    """Whether CDF is done with all of them."""
    from capture360.steps.e57_extraction import look

    with at_work(capture) as (ctx, key):
        waiting = look(ctx, key, fingerprint)
    log.info("revisions done: %d of %d %s", waiting.done, waiting.total, ", ".join(waiting.statuses))
    return waiting.over


def collect(capture: str, fingerprint: str) -> dict[str, Any]:
    """Find the images that CDF made and compare them with what the scans hold; counts."""
    from airflow_capture360.links import CDF_LINK
    from capture360.steps.collect import collect

    with at_work(capture) as (ctx, key):
        collected = collect(ctx, key, fingerprint)
    get_current_context()["ti"].xcom_push(CDF_LINK, collected.link)
    return {
        "images": collected.images,
        "collections": len(collected.collections),
        "missing": list(collected.missing),
        "others": collected.others,
    }


def place(capture: str, fingerprint: str) -> dict[str, Any]:
    """Add the collection to the site's scene; counts, empty if the site has none."""
    from capture360.steps.scene import place

    with at_work(capture) as (ctx, key):
        placed = place(ctx, key, fingerprint)
    if placed is None:
        log.info("Site %s has no scene", key.site)
        return {}
    return {"scene": placed.scene, "written": placed.written, "hidden": list(placed.hidden)}


def verify(capture: str, fingerprint: str) -> dict[str, Any]:
    """Read everything back; counts."""
    from capture360.steps.verify import verify

    with at_work(capture) as (ctx, key):
        verified = verify(ctx, key, fingerprint)
    return {"images": verified.images, "compared_faces": verified.compared_faces}


def key_of(context: Mapping[str, Any]) -> CaptureKey:
    """The capture that a run is about: its partition key, or Param `capture` of a run by hand."""
    from capture360.errors import RequestError
    from capture360.model import CaptureKey

    text = context["dag_run"].partition_key or context["params"].get("capture")
    if not text:
        raise RequestError('This run names no capture. Trigger it with "capture" set to <site>/<capture>.')
    return CaptureKey.parse(str(text))


def newest_report(key: CaptureKey) -> str | None:
    """Path of the newest delivery's validation report within the records; None before a validation."""
    from capture360.steps.validate import REPORT

    _, records = register_and_records()
    receipt = records.load(key)
    return f"{key}/{receipt.fingerprint}/{REPORT}" if receipt and receipt.body("validate") else None


@contextmanager
def at_work(capture: str) -> Iterator[tuple[StepContext, CaptureKey]]:
    """What a step needs, with the lease in hand: a task that was cleared later takes it anew."""
    from capture360.steps import lease

    with looking_at(capture) as (ctx, key):
        lease.take(ctx.records, key, ctx.run, is_finished=is_finished)
        yield ctx, key


@contextmanager
def looking_at(capture: str) -> Iterator[tuple[StepContext, CaptureKey]]:
    """What a step needs that changes nothing of the capture in CDF."""
    from capture360.errors import Capture360Error
    from capture360.model import CaptureKey

    key = CaptureKey.parse(capture)
    ctx = step_context(key.site)
    try:
        yield ctx, key
    except Capture360Error as error:
        log.error("%s", error)
        raise


def step_context(site: str) -> StepContext:
    """What a step about a site is handed."""
    from airflow_capture360.hooks import CogniteCdfHook
    from capture360.steps.context import StepContext

    register, records = register_and_records()
    settings = register.site(site)
    return StepContext(settings, records, CogniteCdfHook(settings.connection).project(), _this_run(), log.info)


def register_and_records() -> tuple[Register, Records]:
    from capture360.records import Records
    from capture360.settings.register import Register

    register = Register()
    return register, Records(register.records_url)


def _this_run() -> str:
    """How leases and records name this Airflow run."""
    return name_of(get_current_context()["dag_run"])
