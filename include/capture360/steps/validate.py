"""First step of an ingest: run all checks, write the report, and record the capture for later steps."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime

from capture360.capture_document import capture_document
from capture360.capture_state import FLOOR_PLAN, VALIDATE, VALIDATION_REPORT
from capture360.cdf.preflight import missing_for_extraction
from capture360.cdf.registry import mode_of
from capture360.checks.check import check_capture
from capture360.checks.validation import Validation
from capture360.errors import BadInputError, ConfigError
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, CaptureKey, Verdict
from capture360.reports.validation import BAD_ROWS, bad_rows_csv, render
from capture360.settings.site import Site
from capture360.sources.blurred import blur_named
from capture360.steps.batching import batch_count
from capture360.steps.context import StepContext
from capture360.steps.inputs import BEGAN, INPUTS, ingest_inputs
from capture360.steps.progress import Progress
from capture360.steps.published import earlier_captures, to_compare, with_reused_stations
from capture360.steps.refusal import rejecting_silent_changes, rejection
from capture360.steps.republish_guard import refuse_moved_stations
from capture360.steps.retracted import refuse_retracted
from capture360.steps.route import Route, extraction_space, route_of
from capture360.steps.space_guard import refuse_other_space
from capture360.steps.validation_record import CAPTURE, SUITES, recorded_capture, validated_capture


@dataclass(frozen=True, slots=True)
class Validated:
    """Keys and counts for the next tasks. `report` is the URL of the HTML report beside the records."""

    verdict: Verdict
    fingerprint: str
    route: Route
    stations: int
    quarantined: int
    batches: int
    report: str
    headline: str


def validate(ctx: StepContext, key: CaptureKey) -> Validated:
    """Check the capture and record the outcome.

    CaptureRejected after records and report are written, also if a published station moved without a new revision;
    ConfigError if the CDF project lacks what the capture needs. Nothing is written to CDF here.
    """
    done = examine(ctx, key)
    if done.verdict is Verdict.REJECTED:
        raise rejection(key, done.fingerprint, done.headline, is_new=True)
    before_writing(ctx, key, done)
    return done


def examine(ctx: StepContext, key: CaptureKey) -> Validated:
    """Check the capture and record the outcome, whatever the verdict. CDF is not read."""
    began = datetime.now(UTC).isoformat()
    ctx.bind()
    folder = ctx.folder(key)
    seen = fingerprint(folder, ctx.site.landing.ready_markers)
    try:
        validation = checked(ctx, key, folder, seen)
    finally:
        unchanged_folder(ctx, key, seen)  # what is half there is not wrong, but still arriving
    if validation.capture is not None:
        refuse_retracted(ctx.records, validation.capture)
    ctx.records.put_report(key, seen, BAD_ROWS, bad_rows_csv(validation))
    report = ctx.records.put_report(key, seen, VALIDATION_REPORT, render(validation, folder))
    done = _outcome(ctx, validation, seen, report)
    if validation.capture is not None:
        ctx.records.put(key, seen, CAPTURE, capture_document(validation.capture), run=ctx.run)
    # What CDF shows keeps its date if it is rejected today: decisions on earlier captures of the place hold for it.
    dated = validation.capture or validated_capture(ctx.records, key, seen)
    captured_on = _captured_on(dated, ctx.site)
    if captured_on is not None:
        ctx.records.by_date.put(key, captured_on)
    points = [asdict(point) for point in validation.plan if math.isfinite(point.x) and math.isfinite(point.y)]
    ctx.records.put(key, seen, FLOOR_PLAN, {"points": points}, run=ctx.run)
    ctx.records.put(key, seen, SUITES, {"results": list(validation.suites)}, run=ctx.run)
    body = {**_record(done, validation, captured_on), INPUTS: ingest_inputs(ctx.site), BEGAN: began}
    ctx.records.put(key, seen, VALIDATE, body, run=ctx.run)
    ctx.log(done.headline)
    if validation.capture is not None and validation.capture.extracted_here:
        ctx.log(f"The scans are extracted here, which applies {', '.join(validation.capture.extracted_here)}.")
    return done


def unchanged_folder(ctx: StepContext, key: CaptureKey, seen: str) -> CaptureFolder:
    """Return the capture's folder, listed anew; BadInputError if it is no longer delivery `seen`."""
    folder = ctx.folder(key)
    if fingerprint(folder, ctx.site.landing.ready_markers) != seen:
        raise BadInputError(
            f"{folder.url} has changed since it was validated. It is ingested again once it is complete.",
            remedy="Wait: the capture is ingested again once its folder is complete.",
        )
    return folder


def checked(ctx: StepContext, key: CaptureKey, folder: CaptureFolder, seen: str) -> Validation:
    """Run all checks of delivery `seen`, also against published captures of the site. Nothing is recorded.

    A capture whose note of what is published is damaged is left out of the comparison and logged. RecordsError if it is
    this one, or if the delivery has `history`, where every earlier capture decides which stations are shared.
    """
    earlier, damaged = earlier_captures(ctx.records, key.site)
    if key in damaged:
        raise damaged[key]
    for other, error in damaged.items():
        ctx.log(f"It is not compared with {other}: {error}")
    compared = to_compare(earlier, key, seen)
    found = check_capture(folder, site=ctx.site, key=key, progress=Progress(ctx.log), earlier=compared)
    if damaged and found.capture is not None and found.capture.history:
        raise next(iter(damaged.values()))
    return replace(found, capture=with_reused_stations(found.capture, earlier)) if found.capture else found


def before_writing(ctx: StepContext, key: CaptureKey, done: Validated) -> None:
    """Raise what would stop this delivery after a part of it was uploaded: ConfigError, or CaptureRejected.

    Each batch of faces compares its own stations again; the pictures are compared as they are made. The
    connection's mode, which is known to fit the project only now, is noted in the records.
    """
    preflight(ctx, key, done.stations, done.route)
    if done.route == "faces":
        with rejecting_silent_changes(ctx, key, done.fingerprint):
            refuse_moved_stations(ctx, recorded_capture(ctx.records, key, done.fingerprint))
    ctx.bind_mode()


def preflight(ctx: StepContext, key: CaptureKey, panoramas: int, route: Route) -> None:
    """Raise ConfigError that names everything the CDF project lacks, before anything is written there."""
    refuse_other_space(ctx, key)
    if ctx.site.files.blur is not None:
        blur_named(ctx.site.files.blur)
        if route == "revision":
            raise ConfigError(
                f"{key}: files.blur is set, but CDF would extract the panoramas of scans, which nobody can blur on the "
                "way. Set e57.extraction to local."
            )
    missing = list(mode_of(ctx.cdf).images(ctx.cdf, ctx.site).missing(key, panoramas))
    if route == "revision":
        scans = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
        missing += missing_for_extraction(ctx.cdf, ctx.site, scans.needs, extraction_space(ctx.site, key))
    if missing:
        raise ConfigError(" ".join(dict.fromkeys(finding.message for finding in missing)))


def _outcome(ctx: StepContext, validation: Validation, seen: str, report: str) -> Validated:
    capture = validation.capture
    stations = len(capture.stations) if capture else 0
    return Validated(
        verdict=validation.verdict,
        fingerprint=seen,
        route=route_of(ctx, capture) if capture else "faces",
        stations=stations,
        quarantined=len(validation.quarantined),
        batches=batch_count(stations),
        report=report,
        headline=validation.headline,
    )


def _captured_on(capture: Capture | None, site: Site) -> date | None:
    """Return the date of the first station in the site's zone; None without stations."""
    times = [station.taken_at for station in capture.stations] if capture else []
    return min(times).astimezone(site.zone).date() if times else None


def _record(done: Validated, validation: Validation, captured_on: date | None) -> dict[str, object]:
    return {
        "captured_on": captured_on.isoformat() if captured_on else None,
        "verdict": done.verdict.value,
        "headline": done.headline,
        "route": done.route,
        "stations": validation.stations,
        "accepted": done.stations,
        "quarantined": {station: list(rules) for station, rules in validation.quarantined.items()},
        "batches": done.batches,
        "findings": [finding.document() for finding in validation.findings],
    }
