"""Link one published capture without a scheduler: the steps of captures_contextualize in sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from capture360 import dag_names
from capture360.errors import Capture360Error, MissingStepError
from capture360.matching.documents import detection_document
from capture360.model import CaptureKey
from capture360.steps import lease
from capture360.steps.annotate import Annotated, annotate, decided_matches
from capture360.steps.context import StepContext
from capture360.steps.detect import detect, detection_batches
from capture360.steps.match import STEP as MATCH
from capture360.steps.match import Matched, match
from capture360.steps.plates import SeenPlate, seen_plates
from capture360.steps.status import report_failure, report_success


@dataclass(frozen=True, slots=True)
class Contextualized:
    """Results of the steps for the newest published delivery."""

    fingerprint: str
    matched: Matched
    annotated: Annotated


def contextualize(
    ctx: StepContext, key: CaptureKey, *, is_finished: Callable[[str], bool] = lease.process_is_finished
) -> Contextualized:
    """Read the texts of a capture, match them to assets and write the links.

    MissingStepError if the capture is not published, LeaseHeldError while another run is writing it.
    """
    with lease.held(ctx.records, key, ctx.run, is_finished=is_finished):
        try:
            done = _contextualized(ctx, key)
        except Capture360Error as error:
            report_failure(ctx, key, "contextualization", error.message, "")
            raise
        report_success(ctx, key, "contextualization")
        return done


def _contextualized(ctx: StepContext, key: CaptureKey) -> Contextualized:
    fingerprint = ctx.records.newest_with(key, "publish")
    if fingerprint is None:
        raise MissingStepError(key, "it is not published", dag_names.INGEST)
    for batch in range(detection_batches(ctx, key, fingerprint)):
        detect(ctx, key, fingerprint, batch)
    return Contextualized(fingerprint, match(ctx, key, fingerprint), annotate(ctx, key, fingerprint))


def plate_documents(ctx: StepContext, key: CaptureKey, fingerprint: str) -> list[dict[str, Any]]:
    """Return each plate with its result, its place if stations see it together, and its views, as JSON values.

    A plate is linked, asked about, or dropped, if its tag was rejected or is not likely enough. Decisions of people are
    included.
    """
    record = ctx.records.get(key, fingerprint, MATCH)
    places = record.body["plates"] if record is not None else {}
    plates = seen_plates(decided_matches(ctx, key, fingerprint))
    return [_document(plate, places.get(plate.name)) for plate in plates]


def _document(plate: SeenPlate, place: Any) -> dict[str, Any]:
    best = plate.best
    return {
        "plate": plate.name,
        "verdict": plate.result,
        "asset": {"ref": best.asset.ref, "name": best.asset.name} if best.asset else None,
        "text": best.detection.text,
        "confidence": best.confidence,
        "reason": best.reason,
        "candidates": [{"ref": asset.ref, "name": asset.name, "share": share} for asset, share in best.candidates],
        "place": place,
        "views": [
            {**detection_document(view.detection), "status": view.status, "reason": view.reason} for view in plate.views
        ],
    }
