"""The last step: what CDF answers is what was delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from capture360.cdf.modes import ImageModel, mode_of
from capture360.cdf.nodes import same_pose
from capture360.errors import CdfError
from capture360.model import FACES, Capture, CaptureKey, FaceRef, PublishedImage
from capture360.names import image_id
from capture360.steps.context import StepContext
from capture360.steps.faces import Shas, recorded_faces, references
from capture360.steps.progress import Progress
from capture360.steps.sampling import Verified, VerifyMode, chosen_faces
from capture360.steps.validate import batch_count, recorded_capture, route_of
from capture360.steps.verify_extracted import verify_extracted

STEP = "verify"


def verify(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Verified:
    """Read the collection back and compare bytes as the site's `verify` says; CdfError names what differs."""
    capture = recorded_capture(ctx.records, key, fingerprint)
    if route_of(ctx, capture) == "revision":
        return _recorded(ctx, key, fingerprint, verify_extracted(ctx, key, fingerprint))
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    shas = recorded_faces(ctx.records, key, fingerprint, batch_count(len(capture.stations)))
    images = {image.external_id: image for image in model.images(key)}
    _compare_images(model, capture, shas, images)
    compared = _compare_bytes(ctx, model, _chosen(ctx.site.verify, model, capture, shas))
    return _recorded(ctx, key, fingerprint, Verified(ctx.site.verify, len(capture.stations), compared))


def _recorded(ctx: StepContext, key: CaptureKey, fingerprint: str, done: Verified) -> Verified:
    body = {"mode": done.mode, "images": done.images, "compared_faces": done.compared_faces}
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run)
    ctx.say(f"{done.images} images read back, {done.compared_faces} faces compared")
    return done


def _compare_images(
    model: ImageModel, capture: Capture, shas: Mapping[str, Shas], images: Mapping[str, PublishedImage]
) -> None:
    faces = references(model, capture.key, shas)
    for station in capture.stations:
        image = images.get(image_id(capture.key, station.id))
        if image is None:
            raise CdfError(f'{capture.key}: CDF has no image for station "{station.id}". Clear the publish task.')
        if not same_pose(image.pose, station.pose):
            raise CdfError(f'{capture.key}: CDF has another pose for station "{station.id}" than was delivered.')
        if dict(image.faces) != dict(faces[station.id]):
            raise CdfError(f'{capture.key}: CDF has other faces for station "{station.id}" than were delivered.')


def _chosen(
    mode: VerifyMode, model: ImageModel, capture: Capture, shas: Mapping[str, Shas]
) -> Sequence[tuple[FaceRef, str]]:
    """The faces to compare with their sha256; the same ones each time."""
    picked = chosen_faces(mode, [station.id for station in capture.stations])
    return [
        (model.face_ref(capture.key, station, face, shas[station][face]), shas[station][face])
        for station, face in picked
    ]


def _compare_bytes(ctx: StepContext, model: ImageModel, chosen: Sequence[tuple[FaceRef, str]]) -> int:
    """Compare where contents are read, so that none is kept and the first mismatch ends the reading of the others."""
    progress = Progress(ctx.say)
    with ThreadPoolExecutor(max_workers=len(FACES)) as pool:
        compared = pool.map(lambda pair: _compare(model, *pair), chosen)
        for number, _ in enumerate(compared, 1):
            progress(number, len(chosen), "faces compared")
    return len(chosen)


def _compare(model: ImageModel, ref: FaceRef, sha256: str) -> None:
    content = model.face_content(ref)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise CdfError(
            f"{ref.external_id}: CDF gives back {len(content)} bytes with sha256 {found[:16]}, "
            f"not {sha256[:16]} as delivered. Delete that file in CDF and clear the tasks that upload faces."
        )
