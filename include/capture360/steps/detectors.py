"""Construction of a site's detector."""

from __future__ import annotations

from collections.abc import Sequence

from capture360 import names
from capture360.cdf.ports import Collection
from capture360.cdf.registry import mode_of
from capture360.detection.job_wait import JobWait
from capture360.detection.protocol import Detector
from capture360.errors import ConfigError
from capture360.model import CaptureKey
from capture360.records import OCR_CACHE
from capture360.steps.context import StepContext
from capture360.store import DocumentStore


def detector_of(
    ctx: StepContext, key: CaptureKey, fingerprint: str, collections: Sequence[Collection], wait: JobWait
) -> Detector:
    """Build the detector that `links.detector` names; ConfigError if the project has no such service."""
    chosen, offered = ctx.site.links.detector, mode_of(ctx.cdf).detectors
    if chosen not in offered:
        raise ConfigError(
            f"links.detector: {chosen} is not available in project {ctx.cdf.connection.project}, which is used as "
            f"{ctx.cdf.connection.mode}. Choose one of {', '.join(offered)}."
        )
    images, links = mode_of(ctx.cdf).images(ctx.cdf, ctx.site), ctx.site.links
    if chosen == "ocr":
        from capture360.detection.cache import OcrCache
        from capture360.detection.ocr import OcrDetector, OcrEngine

        cache = OcrCache(DocumentStore(f"{ctx.records.url}/{OCR_CACHE}"))
        return OcrDetector(images.face_content, OcrEngine(links.ocr), cache)
    if chosen == "vision":
        from capture360.detection.vision import DEPRECATED, VisionDetector

        ctx.log(DEPRECATED)
        return VisionDetector(ctx.cdf.client, images.file_ids, links.ocr.faces, links.vision, wait)
    from capture360.cdf.three_d.jobs import TextJobs
    from capture360.detection.jobs import JobDetector

    ids = {each: names.text_job_id(key, fingerprint, each.space, each.external_id) for each in collections}
    return JobDetector(
        TextJobs(ctx.cdf),
        ids,
        links.cdf_3d_job.space or ctx.site.space,
        links.cdf_3d_job,
        lambda name, content: ctx.records.put_report(key, fingerprint, name, content),
        ctx.log,
        wait,
    )
