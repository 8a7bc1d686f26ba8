"""Status in CDF: the end of each ingest and contextualization, as a run of the site's extraction pipeline.

A report that fails is logged and changes nothing: no capture fails because of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from capture360.capture_state import VALIDATE
from capture360.cdf.client import CdfProject
from capture360.cdf.extraction_pipelines import ExtractionPipeline, RunStatus
from capture360.cdf.polling import wait_until
from capture360.errors import Capture360Error
from capture360.model import CaptureKey
from capture360.records import SENSING, Records
from capture360.settings.site import Site
from capture360.steps.annotate import STEP as ANNOTATE
from capture360.steps.claims import claim, give_up
from capture360.steps.context import StepContext
from capture360.steps.publish import STEP as PUBLISH
from capture360.text import digest_of

Work = Literal["ingest", "contextualization"]
_REPORTING = f"{SENSING}/reporting"
LONGEST_REPORT_S = 75.0
"""How long the last task of a run waits for a task that reports: longer than its request and a repeat may take."""


def report_success(ctx: StepContext, key: CaptureKey, work: Work) -> None:
    """Report what the run made of the capture, with the address of its collection in CDF."""
    _report(ctx, "success", lambda: _outcome(ctx.records, key, work), at_end=True)


def report_failure(
    ctx: StepContext, key: CaptureKey, work: Work, sentence: str, link: str, *, at_end: bool = False
) -> None:
    """Report why the run failed; `link` is the address of the log. Nobody reports `at_end` but the run's last task."""
    text = sentence if sentence.startswith(str(key)) else f"{key}: {sentence}"
    _report(ctx, "failure", lambda: (f"The {work} failed. {text}", link), at_end=at_end)


def report_sensing(site: Site, cdf: CdfProject, log: Callable[[str], None]) -> None:
    """Report to the site's extraction pipeline that sensing is alive."""
    if site.extraction_pipeline is not None:
        _reported(lambda: ExtractionPipeline(cdf, str(site.extraction_pipeline)).seen(), site, log)


def _report(ctx: StepContext, status: RunStatus, outcome: Callable[[], tuple[str, str]], *, at_end: bool) -> None:
    """Report the end of a run once: batches that fail at the same moment would all look, and all report.

    The last task waits for one that reports, and then reports what is missing, as that one may have been killed.
    """
    external_id = ctx.site.extraction_pipeline

    def report() -> bool:
        claimed = f"{_REPORTING}/{digest_of([status, ctx.run])}"
        free = wait_until(lambda: claim(ctx.records, claimed, datetime.now(UTC)), LONGEST_REPORT_S if at_end else 0)
        if not free and not at_end:
            return False
        try:
            return ExtractionPipeline(ctx.cdf, str(external_id)).report(status, *outcome(), ctx.run)
        finally:
            if free:
                give_up(ctx.records, claimed)

    if external_id is not None:
        _reported(report, ctx.site, ctx.log)


def _reported(report: Callable[[], bool], site: Site, log: Callable[[str], None]) -> None:
    try:
        if report():
            log(f"reported to extraction pipeline {site.extraction_pipeline}")
    except Capture360Error as error:
        log(f"Warning: the status in CDF is not up to date. {error} The capture is not affected.")
    except Exception as error:  # noqa: BLE001 - the SDK and stores raise anything, and a report must not fail a capture
        log(f"Warning: the status in CDF is not up to date ({type(error).__name__}). The capture is not affected.")


def _outcome(records: Records, key: CaptureKey, work: Work) -> tuple[str, str]:
    """Return the outcome in a sentence, and the address of the collection."""
    published = _newest(records, key, PUBLISH)
    link = str(published.get("link", ""))
    if work == "ingest":
        left_out = len(published.get("missing", ()))
        more = f" CDF's extraction left out {left_out} of its panoramas." if left_out else ""
        return f"{_newest(records, key, VALIDATE).get('headline') or f'{key} ingested.'}{more}", link
    made = _newest(records, key, ANNOTATE)
    plates = made.get("plates", {})
    return (
        f"{key} contextualized: {plates.get('linked', 0)} plates linked, {plates.get('asked', 0)} to be reviewed.",
        link,
    )


def _newest(records: Records, key: CaptureKey, step: str) -> Mapping[str, Any]:
    fingerprint = records.newest_with(key, step)
    record = records.get(key, fingerprint, step) if fingerprint else None
    return record.body if record else {}
