"""Last step of an ingest: compare what CDF returns with what was delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from capture360 import names
from capture360.cdf.ports import Collection, Image360Store
from capture360.cdf.registry import mode_of
from capture360.errors import CdfError
from capture360.geometry.poses import same_pose
from capture360.model import FACES, Capture, CaptureKey, FaceRef, PublishedImage
from capture360.steps.batching import recorded_batches
from capture360.steps.context import StepContext
from capture360.steps.faces import Shas, recorded_faces, references, upload_again
from capture360.steps.outdated import capture_to_write
from capture360.steps.progress import Progress
from capture360.steps.republish_guard import confirming_revision
from capture360.steps.route import recorded_route
from capture360.steps.sampling import Verified, VerifyMode, chosen_faces
from capture360.steps.stored import wait_until_stored
from capture360.steps.verify_extracted import verify_extracted
from capture360.steps.verify_viewer import verify_for_viewers

STEP = "verify"
_MOST_WRONG = 12
_FIX = "Clear the task that publishes with all downstream: it corrects them."


def verify(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Verified:
    """Read the collection back and compare bytes as the site's `verify` says.

    Faces that differ are uploaded again; CdfError names what still differs, or is missing. BadInputError if the capture
    was retracted meanwhile, RequestError if a later delivery was published.
    """
    capture = capture_to_write(ctx.records, key, fingerprint)
    if recorded_route(ctx.records, key, fingerprint) == "revision":
        return _recorded(ctx, key, fingerprint, verify_extracted(ctx, key, fingerprint))
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    shas = recorded_faces(ctx.records, key, fingerprint, recorded_batches(ctx.records, key, fingerprint))
    images = {image.external_id: image for image in model.images(key)}
    _compare_images(model, capture, shas, images)
    compared = _compare_bytes(ctx, model, capture, fingerprint, _chosen(ctx.site.verify, model, capture, shas))
    collections = [Collection(ctx.site.space, each) for each in names.collections(capture)]
    reported = verify_for_viewers(ctx, model, capture, fingerprint, collections, _FIX)
    done = Verified(ctx.site.verify, len(capture.stations), compared, model.viewer_source, tuple(reported))
    return _recorded(ctx, key, fingerprint, done)


def _recorded(ctx: StepContext, key: CaptureKey, fingerprint: str, done: Verified) -> Verified:
    body = {
        "mode": done.mode,
        "images": done.images,
        "compared_faces": done.compared_faces,
        "viewer": done.viewer,
        "reported": list(done.reported),
    }
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run)
    ctx.log(f"{done.images} images read back, {done.compared_faces} faces compared")
    return done


def _compare_images(
    model: Image360Store, capture: Capture, shas: Mapping[str, Shas], images: Mapping[str, PublishedImage]
) -> None:
    faces = references(model, capture.key, shas)
    for station in capture.stations:
        image = images.get(names.image_id(capture.key, station.id))
        if image is None:
            raise CdfError(f'{capture.key}: CDF has no image for station "{station.id}". Clear the publish task.')
        if not same_pose(image.pose, station.pose):
            raise CdfError(f'{capture.key}: CDF has another pose for station "{station.id}" than was delivered.')
        if dict(image.faces) != dict(faces[station.id]):
            raise CdfError(f'{capture.key}: CDF has other faces for station "{station.id}" than were delivered.')


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A face to compare with its sha256."""

    station: str
    ref: FaceRef
    sha256: str


def _chosen(mode: VerifyMode, model: Image360Store, capture: Capture, shas: Mapping[str, Shas]) -> Sequence[_Chosen]:
    """Choose the faces to compare."""
    picked = chosen_faces(mode, [station.id for station in capture.stations])
    return [
        _Chosen(station, model.face_ref(capture.key, station, face, shas[station][face]), shas[station][face])
        for station, face in picked
    ]


def _compare_bytes(
    ctx: StepContext, model: Image360Store, capture: Capture, fingerprint: str, chosen: Sequence[_Chosen]
) -> int:
    """Compare faces, upload those that differ again and compare these once more; return the number compared."""
    wrong = _differing(ctx, model, chosen)
    if wrong:
        ctx.log(f"{len(wrong)} faces are uploaded again; the first: {next(iter(wrong.values()))}")
        again = [one for one in chosen if one.ref in wrong]
        sent = upload_again(ctx, capture, fingerprint, {one.ref: one.station for one in again})
        for problem in (wrong[one.ref] for one in again if one.ref not in sent):
            revision = confirming_revision(ctx.records, capture)
            raise CdfError(
                f"{problem}, and the delivery gives other bytes today: settings or libraries that make faces have "
                f"changed. Write revision: {revision} in capture.yaml and deliver again."
            )
        wait_until_stored(model, {one.ref: one.sha256 for one in again})
        for problem in _differing(ctx, model, again).values():
            raise CdfError(f"{problem}, also after it was uploaded again. Ask Cognite support about the store.")
    return len(chosen)


def _differing(ctx: StepContext, model: Image360Store, chosen: Sequence[_Chosen]) -> dict[FaceRef, str]:
    """Describe the faces that differ. Contents are compared where they are read, so that none is kept.

    CdfError once so many differ that the store must be at fault; the others are not read then.
    """
    progress = Progress(ctx.log)
    wrong: dict[FaceRef, str] = {}
    with ThreadPoolExecutor(max_workers=len(FACES)) as pool:
        problems = pool.map(lambda one: _problem(model, one), chosen)
        for number, (one, problem) in enumerate(zip(chosen, problems, strict=True), 1):
            if problem:
                wrong[one.ref] = problem
            if len(wrong) > _MOST_WRONG:
                pool.shutdown(wait=False, cancel_futures=True)
                raise CdfError(
                    f"{problem}, and {len(wrong) - 1} other faces differ too. Ask Cognite support about the store."
                )
            progress(number, len(chosen), "faces compared")
    return wrong


def _problem(model: Image360Store, one: _Chosen) -> str:
    """Describe the difference of a face; empty if there is none."""
    content = model.face_content(one.ref)
    found = hashlib.sha256(content).hexdigest()
    if found == one.sha256:
        return ""
    return (
        f"{one.ref.external_id}: CDF returns {len(content)} bytes with sha256 {found[:16]}, "
        f"not {one.sha256[:16]} as delivered"
    )
