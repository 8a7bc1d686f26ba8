"""Detect the texts on the faces of published images in batches. Faces are read from CDF, not from the landing zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from capture360 import dag_names
from capture360.batches import batched
from capture360.cdf.ports import Collection
from capture360.cdf.registry import mode_of
from capture360.detection.job_wait import JobWait
from capture360.errors import MissingStepError
from capture360.matching.documents import detection_document, detection_from_document
from capture360.model import CaptureKey, Detection, PublishedImage
from capture360.records import Records
from capture360.rules.finding import Finding
from capture360.steps.batching import batch_count, batch_size
from capture360.steps.context import StepContext
from capture360.steps.detectors import detector_of
from capture360.steps.outdated import refuse_outdated
from capture360.steps.progress import Progress
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.publish import recorded_collections

STEP = "detect"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Detected:
    """Counts of one batch."""

    batch: int
    images: int
    texts: int


def collections_of(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Sequence[Collection]:
    """Return the collections that the capture was published in."""
    record = ctx.records.get(key, fingerprint, PUBLISH)
    if record is not None:
        return recorded_collections(record.body)
    return mode_of(ctx.cdf).images(ctx.cdf, ctx.site).collections(key)


def images_of(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Sequence[PublishedImage]:
    """Return the capture's images in CDF, whoever made them, sorted by id; MissingStepError if there are none."""
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    found = (image for each in collections_of(ctx, key, fingerprint) for image in model.images_in(each))
    return _some(key, sorted(found, key=lambda image: image.external_id))


def detection_batches(ctx: StepContext, key: CaptureKey, fingerprint: str) -> int:
    """Return the number of batches for `detect`."""
    return batch_count(len(_image_ids(ctx, key, fingerprint)))


def detect(ctx: StepContext, key: CaptureKey, fingerprint: str, batch: int, wait: JobWait | None = None) -> Detected:
    """Read the faces of batch number `batch` (from 0) and record the texts.

    A face that cannot be read is reported and left out. ConfigError if the local OCR is not installed, or the project
    lacks the chosen detector; RequestError if another delivery was published since. JobsPending if jobs of CDF are
    running and `wait` does not sleep: call again with it.
    """
    refuse_outdated(ctx.records, key, fingerprint)
    ids = _image_ids(ctx, key, fingerprint)
    size = batch_size(len(ids))
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    found_now = model.images_by_id(ids[batch * size : (batch + 1) * size])
    mine = sorted(found_now, key=lambda image: image.external_id)
    detector = detector_of(ctx, key, fingerprint, collections_of(ctx, key, fingerprint), wait or JobWait())
    progress = Progress(ctx.log)
    found: list[Detection] = []
    read = 0
    for some in batched(mine, detector.images_at_once):
        found.extend(detector.detect(some))
        read += len(some)
        progress(read, len(mine), f"batch {batch}: images read")
    body = {
        "engine": detector.engine,
        "detections": [detection_document(detection) for detection in found],
        "findings": [finding.document() for finding in detector.findings],
    }
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run, batch=batch)
    return Detected(batch, len(mine), len(found))


def _image_ids(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Sequence[tuple[str, str]]:
    """Return (space, external id) of the images of `images_of`, in its order: no batch reads those of all others."""
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    found = (each for collection in collections_of(ctx, key, fingerprint) for each in model.image_ids(collection))
    return _some(key, sorted(found, key=lambda each: each[1]))


def _some(key: CaptureKey, found: Sequence[_T]) -> Sequence[_T]:
    if not found:
        raise MissingStepError(key, "it has no images in CDF", dag_names.INGEST)
    return found


def recorded_findings(records: Records, key: CaptureKey, fingerprint: str, batches: int) -> list[Finding]:
    """Return the findings of the detectors: faces that could not be read, texts that were cut."""
    found = (records.get(key, fingerprint, STEP, batch) for batch in range(batches))
    return [
        Finding.from_document(document)
        for record in found
        if record is not None
        for document in record.body["findings"]
    ]


def recorded_detections(records: Records, key: CaptureKey, fingerprint: str, batches: int) -> list[Detection]:
    """Return the texts of all batches; MissingStepError names a batch that has not run."""
    found: list[Detection] = []
    for batch in range(batches):
        record = records.get(key, fingerprint, STEP, batch)
        if record is None:
            raise MissingStepError(key, f"the texts of batch {batch} have not been read", "detect")
        found.extend(detection_from_document(document) for document in record.body["detections"])
    return found
