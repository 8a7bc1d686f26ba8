"""Ingest of a capture without a scheduler: the steps of captures_ingest in sequence, under one lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from capture360.errors import Capture360Error, CaptureRejected
from capture360.model import CaptureKey, Verdict
from capture360.steps import e57_extraction, lease
from capture360.steps.collect import Collected, collect
from capture360.steps.context import StepContext
from capture360.steps.faces import faces
from capture360.steps.publish import Published, publish
from capture360.steps.route import extraction_space
from capture360.steps.sampling import Verified
from capture360.steps.scene import Placed, place
from capture360.steps.shared_space import end_turn
from capture360.steps.status import report_failure, report_success
from capture360.steps.turn_note import refuse_waiting
from capture360.steps.validate import Validated, before_writing, examine
from capture360.steps.verify import verify


@dataclass(frozen=True, slots=True)
class Ingested:
    """Results of the steps; only `validated` for a rejected capture. Scans are `collected`, faces `published`."""

    validated: Validated
    uploaded: int = 0
    published: Published | None = None
    verified: Verified | None = None
    placed: Placed | None = None
    collected: Collected | None = None


def ingest(
    ctx: StepContext, key: CaptureKey, *, is_finished: Callable[[str], bool] = lease.process_is_finished
) -> Ingested:
    """Ingest one capture; LeaseHeldError while another run is writing it, or extracts into a space that it shares.

    `is_finished` is called with runs that hold this capture or wait for their turn with it.
    """
    refuse_waiting(ctx.records, key, ctx.run, is_finished)
    with lease.held(ctx.records, key, ctx.run, is_finished=is_finished):
        refuse_waiting(ctx.records, key, ctx.run, is_finished)
        try:
            done = _ingested(ctx, key)
        except Capture360Error as error:
            report_failure(ctx, key, "ingest", error.message, "")
            raise
        if done.validated.verdict is Verdict.REJECTED:
            report_failure(ctx, key, "ingest", done.validated.headline, done.validated.report)
        else:
            report_success(ctx, key, "ingest")
        return done


def _ingested(ctx: StepContext, key: CaptureKey) -> Ingested:
    validated = examine(ctx, key)
    if validated.verdict is Verdict.REJECTED:
        return Ingested(validated)
    try:
        return _written(ctx, key, validated)
    except CaptureRejected as error:  # what CDF shows has changed without a word
        return Ingested(replace(validated, verdict=Verdict.REJECTED, headline=error.message))


def _written(ctx: StepContext, key: CaptureKey, validated: Validated) -> Ingested:
    before_writing(ctx, key, validated)
    fingerprint = validated.fingerprint
    if validated.route == "revision":
        e57_extraction.upload_scans(ctx, key, fingerprint)
        try:
            e57_extraction.start_revisions(ctx, key, fingerprint)
            e57_extraction.wait(ctx, key, fingerprint)
            collected = collect(ctx, key, fingerprint)
        finally:
            end_turn(ctx, key, extraction_space(ctx.site, key))
        placed = place(ctx, key, fingerprint)
        verified = verify(ctx, key, fingerprint)
        return Ingested(validated, verified=verified, placed=placed, collected=collected)
    uploaded = sum(faces(ctx, key, fingerprint, batch).uploaded for batch in range(validated.batches))
    published = publish(ctx, key, fingerprint)
    placed = place(ctx, key, fingerprint)
    return Ingested(validated, uploaded, published, verify(ctx, key, fingerprint), placed=placed)
