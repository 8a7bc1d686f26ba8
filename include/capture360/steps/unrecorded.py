"""Images of a capture in CDF that no record contains, or that a confirmed delivery left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capture360 import names
from capture360.capture_document import capture_from_document
from capture360.capture_state import StepRecord
from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.extraction import Extracted
from capture360.model import FACES, Capture, CaptureKey
from capture360.steps.collect import was_extracted
from capture360.steps.context import StepContext
from capture360.steps.e57_extraction import recorded_revisions, still_shown
from capture360.steps.faces import all_recorded
from capture360.steps.published import published_stations
from capture360.steps.shared_space import is_shared
from capture360.steps.stations import known_stations
from capture360.steps.validation_record import CAPTURE


def unrecorded_images(
    ctx: StepContext, key: CaptureKey, published: str | None, record: StepRecord | None
) -> Sequence[str]:
    """Return external ids of images in CDF that no record contains.

    `published` is the last published delivery, `record` what it recorded. Images that an interrupted later delivery was
    about to publish count as recorded.
    """
    known: set[str] = set()
    if published is not None and record is not None and was_extracted(record.body):
        if is_shared(ctx, key, recorded_revisions(ctx.records, key, published)["space"]):
            return []  # CDF does not tell whose an image is.
        shown = {each.image.external_id for each in _extraction(ctx, key, published).images()}
        known |= {*record.body["shown"].values(), *record.body["others"], *record.body["left"]}
    else:
        shown = {image.external_id for image in mode_of(ctx.cdf).images(ctx.cdf, ctx.site).images(key)}
        known |= {names.image_id(key, station) for station in published_stations(ctx.records, key)}
    if shown - known:
        for _, capture in _begun(ctx, key, record):
            known |= {names.image_id(key, station.id) for station in capture.stations}
    return sorted(shown - known)


def unused_faces(ctx: StepContext, key: CaptureKey, record: StepRecord | None) -> Sequence[str]:
    """Return external ids of face files that no image shows, and that no delivery after the published one recorded.

    An ingest leaves them that was killed, or repeated with other settings. Those of published stations whose image is
    missing or lacks a face are left out: that image is the finding, and shows them again once it is published again.
    """
    if record is not None and was_extracted(record.body):
        return []
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    images = list(model.images(key))
    shown = {ref for image in images for ref in image.faces.values()}
    whole = {image.external_id for image in images if len(image.faces) == len(FACES)}
    drifted = {each for each in published_stations(ctx.records, key) if names.image_id(key, each) not in whole}
    there = model.faces_of(key, known_stations(ctx.records, key) - drifted)
    unused = set(there) - shown
    for fingerprint, _ in _begun(ctx, key, record) if unused else ():
        unused -= all_recorded(ctx.records, model, key, fingerprint)
    return sorted(ref.external_id for ref in unused)


def left_behind(ctx: StepContext, key: CaptureKey, record: StepRecord) -> Sequence[str]:
    """Return external ids of extracted images of earlier deliveries that CDF still has."""
    if not was_extracted(record.body) or not record.body["left"]:
        return []
    return sorted(still_shown(ctx, key, {*record.body["left"]}))


def _extraction(ctx: StepContext, key: CaptureKey, published: str) -> Extracted:
    body = recorded_revisions(ctx.records, key, published)
    return mode_of(ctx.cdf).scans(ctx.cdf, ctx.site).extracted(key, body["model"], body["space"])


def _begun(ctx: StepContext, key: CaptureKey, record: StepRecord | None) -> Iterator[tuple[str, Capture]]:
    """Return deliveries that were accepted after the published one, with their fingerprints."""
    for fingerprint in ctx.records.fingerprints(key):
        accepted = ctx.records.get(key, fingerprint, CAPTURE)
        if accepted is not None and (record is None or accepted.at > record.at):
            yield fingerprint, capture_from_document(accepted.body)
