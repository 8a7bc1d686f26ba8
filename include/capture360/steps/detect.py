"""One batch of published images: the texts on their faces, read from CDF and not from the landing zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from capture360.cdf.ports import Collection
from capture360.cdf.registry import mode_of
from capture360.detection.job_wait import JobWait
from capture360.errors import MissingStepError
from capture360.matching.documents import detection_document, detection_from_document
from capture360.model import CaptureKey, Detection, PublishedImage
from capture360.records import Records
from capture360.rules.finding import Finding
from capture360.steps.context import StepContext
from capture360.steps.detectors import detector_of
from capture360.steps.progress import Progress
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.publish import recorded_collections
from capture360.steps.validate import batch_count, batch_size

STEP = "detect"


@dataclass(frozen=True, slots=True)
class Detected:
    """What one batch found."""

    batch: int
    images: int
    texts: int


def collections_of(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Sequence[Collection]:
    """The collections that the capture was published in."""
    record = ctx.records.get(key, fingerprint, PUBLISH)
    if record is not None:
        return recorded_collections(record.body)
    return mode_of(ctx.cdf).images(ctx.cdf, ctx.site).collections(key)


def images_of(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Sequence[PublishedImage]:
    """The capture's images as CDF has them, whoever made them, in one order; MissingStepError if there are none."""
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    found = (image for each in collections_of(ctx, key, fingerprint) for image in model.images_in(each))
    images = sorted(found, key=lambda image: image.external_id)
    if not images:
        raise MissingStepError(key, "it has no images in CDF", "captures_ingest")
    return images


def detection_batches(ctx: StepContext, key: CaptureKey, fingerprint: str) -> int:
    """How many batches `detect` is to be called for."""
    return batch_count(len(images_of(ctx, key, fingerprint)))


def detect(
    ctx: StepContext, key: CaptureKey, fingerprint: str, batch: int, patience: JobWait | None = None
) -> Detected:
    """Read the faces of batch number `batch` (from 0) and record the texts.

    A face that cannot be read is told and left out. ConfigError if own OCR is not installed, or the project has not the
    detector that the site chose. StillReading if CDF reads and `patience` does not sleep: call again with it.
    """
    images = images_of(ctx, key, fingerprint)
    size = batch_size(len(images))
    mine = images[batch * size : (batch + 1) * size]
    detector = detector_of(ctx, key, fingerprint, collections_of(ctx, key, fingerprint), patience or JobWait())
    progress = Progress(ctx.say)
    found: list[Detection] = []
    for start in range(0, len(mine), detector.images_at_once):
        some = mine[start : start + detector.images_at_once]
        found.extend(detector.detect(some))
        progress(start + len(some), len(mine), f"batch {batch}: images read")
    body = {
        "engine": detector.engine,
        "detections": [detection_document(detection) for detection in found],
        "findings": [asdict(finding) for finding in detector.findings],
    }
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run, batch=batch)
    return Detected(batch, len(mine), len(found))


def recorded_findings(records: Records, key: CaptureKey, fingerprint: str, batches: int) -> list[Finding]:
    """What the detector of each batch had to tell: faces that could not be read, texts that were cut."""
    found = (records.get(key, fingerprint, STEP, batch) for batch in range(batches))
    return [
        Finding.from_document(document)
        for record in found
        if record is not None
        for document in record.body["findings"]
    ]


def recorded_detections(records: Records, key: CaptureKey, fingerprint: str, batches: int) -> list[Detection]:
    """The texts of all batches; MissingStepError names a batch that has not run."""
    found: list[Detection] = []
    for batch in range(batches):
        record = records.get(key, fingerprint, STEP, batch)
        if record is None:
            raise MissingStepError(key, f"the texts of batch {batch} have not been read", "detect")
        found.extend(detection_from_document(document) for document in record.body["detections"])
    return found
