"""Verify what CDF's extraction made: images are present, at the scans' positions, with faces that are pictures."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from capture360.cdf.ports import Image360Store
from capture360.cdf.registry import mode_of
from capture360.errors import CdfError, MissingStepError
from capture360.geometry.same_place import at_same_place
from capture360.model import FACES, CaptureKey, FaceRef, PublishedImage
from capture360.pictures.decoding import check_whole
from capture360.pictures.jpeg import ImageError
from capture360.steps.context import StepContext
from capture360.steps.detect import images_of
from capture360.steps.progress import Progress
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.publish import recorded_collections
from capture360.steps.sampling import Verified, chosen_faces
from capture360.steps.validation_record import recorded_capture
from capture360.steps.verify_viewer import verify_for_viewers

_REMEDY = "Ask CDF support, or set e57.extraction to local."


def verify_extracted(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Verified:
    """Read back the images that `collect` recorded, and as many of their faces as the site's `verify` says.

    CDF made the bytes of the faces, so the check is that they are square pictures. CdfError names one that is not.
    """
    capture = recorded_capture(ctx.records, key, fingerprint)
    record = ctx.records.get(key, fingerprint, PUBLISH)
    if record is None:
        raise MissingStepError(key, "its extracted images have not been collected", "collect")
    images = {image.external_id: image for image in images_of(ctx, key, fingerprint)}
    poses = {station.id: station.pose for station in capture.stations}
    for station, name in record.body["shown"].items():
        image = images.get(name)
        if image is None or set(image.faces) != set(FACES):
            raise CdfError(f'{key}: CDF no longer has the image of station "{station}". Clear the task that collects.')
        if not at_same_place(image.pose, poses[station]):
            raise CdfError(f'{key}: CDF has another position for station "{station}" than the scan.')
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    compared = _check_faces(ctx, model, images)
    reported = verify_for_viewers(ctx, model, capture, fingerprint, recorded_collections(record.body), _REMEDY)
    return Verified(ctx.site.verify, len(images), compared, model.viewer_source, tuple(reported))


def _check_faces(ctx: StepContext, model: Image360Store, images: Mapping[str, PublishedImage]) -> int:
    refs = [images[name].faces[face] for name, face in chosen_faces(ctx.site.verify, sorted(images))]
    progress = Progress(ctx.log)
    with ThreadPoolExecutor(max_workers=len(FACES)) as pool:
        for number, _ in enumerate(pool.map(lambda ref: _refuse_no_face(model, ref), refs), 1):
            progress(number, len(refs), "faces compared")
    return len(refs)


def _refuse_no_face(model: Image360Store, ref: FaceRef) -> None:
    """Raise CdfError if a face is no square picture."""
    try:
        header = check_whole(model.face_content(ref), ref.external_id).header
    except ImageError as error:
        raise CdfError(f"{error} {_REMEDY}") from None
    if header.width != header.height:
        size = f"{header.width} x {header.height}"
        raise CdfError(f"{ref.external_id} is {size} pixels, no face of a cube. {_REMEDY}")
