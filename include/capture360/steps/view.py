"""Data of a published capture for the panorama viewer: its images in CDF, their plates and faces. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture360.cdf.fusion import asset_link, collection_link
from capture360.cdf.ports import Collection
from capture360.cdf.registry import mode_of
from capture360.errors import BadInputError
from capture360.matching.documents import match_from_document
from capture360.model import CaptureKey, Detection, FaceName, FaceRef, PublishedImage
from capture360.records import Records
from capture360.reports.panorama import panorama_view
from capture360.steps.context import StepContext
from capture360.steps.detect import collections_of, images_of
from capture360.steps.link_state import noted_decisions
from capture360.steps.near import similar_captures
from capture360.steps.plates import images_of_record, last_matching
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.ranked_views import view_order
from capture360.steps.retracted import RETRACTED
from capture360.steps.review_due import is_retracted, review_waits
from capture360.steps.review_page import newest_review

_RETRACTED = "{} was retracted: CDF holds nothing of it any more."


@dataclass(frozen=True, slots=True)
class ViewedCapture:
    """A capture's images in CDF, in one order, and the address of its first collection in CDF's own pages."""

    key: CaptureKey
    images: Sequence[PublishedImage]
    link: str

    def face(self, image: str, face: FaceName) -> FaceRef | None:
        """Return the reference of one face; None if the capture has no such image or face."""
        return next((each.faces.get(face) for each in self.images if each.external_id == image), None)


def refuse_retracted(records: Records, key: CaptureKey) -> None:
    """Raise BadInputError if the capture is retracted. Takes one read if it never was."""
    if records.note(key, RETRACTED) is not None and is_retracted(records, key):
        raise BadInputError(_RETRACTED.format(key))


def viewed(ctx: StepContext, key: CaptureKey) -> ViewedCapture:
    """Read the capture's images from CDF; BadInputError if it has none."""
    if is_retracted(ctx.records, key):
        raise BadInputError(_RETRACTED.format(key))
    fingerprint = ctx.records.newest_with(key, PUBLISH) or ""
    if fingerprint:
        collections: Sequence[Collection] = collections_of(ctx, key, fingerprint)
    else:
        collections = mode_of(ctx.cdf).images(ctx.cdf, ctx.site).collections(key)
    if not collections:
        is_known = bool(ctx.records.fingerprints(key))
        fix = "Ingest it first." if is_known else similar_captures(key, ctx.records.keys_of(key.site))
        raise BadInputError(f"{key} has no images in CDF. {fix}")
    images = images_of(ctx, key, fingerprint)
    return ViewedCapture(key, images, collection_link(ctx.cdf.connection, collections[0]))


def view_document(ctx: StepContext, capture: ViewedCapture) -> dict[str, Any]:
    """Return what the panorama viewer needs of a capture; addresses are relative to `views/<site>/`.

    Plates that were read on another picture than CDF has now, that of an earlier delivery, are left out.
    """
    last = last_matching(ctx.records, capture.key, ctx.records.newest_with(capture.key, PUBLISH) or "")
    body = last.record.body if last else {"matches": [], "images": {}}
    read = {(name, face): ref.external_id
            for name, image in images_of_record(body).items() for face, ref in image.faces.items()}  # fmt: skip
    shown = {(image.external_id, face): ref.external_id
             for image in capture.images for face, ref in image.faces.items()}  # fmt: skip

    def is_shown(plate: Detection) -> bool:
        at = plate.image, plate.face
        return read[at] == shown.get(at) if at in read else last is None or not last.is_stale

    cards = _cards(ctx.records, capture.key)

    def review(plate: Detection) -> str:
        return f"../../review/{capture.key}#plate-{cards[plate]}" if plate in cards else ""

    def address(image: PublishedImage, ref: FaceRef) -> str:
        version = ref.external_id[-16:]
        return f"../../faces/{capture.key}/{image.external_id}/{ref.face}?version={version}"

    return panorama_view(
        capture.key,
        capture.images,
        [match_from_document(document) for document in body["matches"]],
        noted_decisions(ctx.records, capture.key),
        is_shown=is_shown,
        order=view_order(ctx.records, capture.key, body),
        absent=frozenset(body.get("absent", ())),
        link=capture.link,
        review=review,
        face_address=address,
        asset_link=lambda asset: asset_link(ctx.cdf.connection, asset),
    )


def _cards(records: Records, key: CaptureKey) -> Mapping[Detection, str]:
    """Return the ids of the plates that people are asked about, by their views; none if no review waits."""
    asked = newest_review(records, key) if review_waits(records, key) else None
    return {view.detection: plate for plate, each in asked.plates.items() for view in each.views} if asked else {}


def face_content(ctx: StepContext, ref: FaceRef) -> bytes:
    """Return the file of a face as CDF holds it."""
    return mode_of(ctx.cdf).images(ctx.cdf, ctx.site).face_content(ref)
