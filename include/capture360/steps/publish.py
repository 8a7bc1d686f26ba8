"""Publish a capture: stations, collections and images, once all faces are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture360 import names
from capture360.capture_state import PUBLISH
from capture360.cdf.fusion import collection_link
from capture360.cdf.polling import wait_until
from capture360.cdf.ports import Collection, Image360Store, StationFaces
from capture360.cdf.registry import mode_of
from capture360.errors import CdfUnavailableError
from capture360.model import Capture, CaptureKey, FaceName, FaceRef, PublishedImage
from capture360.records import Records
from capture360.steps.batching import recorded_batches
from capture360.steps.context import StepContext
from capture360.steps.faces import recorded_faces, recorded_sources, references
from capture360.steps.kept_decisions import keep_decided_in_cdf
from capture360.steps.outdated import capture_to_write
from capture360.steps.published import note_published, published_with
from capture360.steps.refusal import rejects_silent_changes
from capture360.steps.removal import left_out, plan_removal, remove_superseded, with_files_that_go
from capture360.steps.republish_guard import (
    confirming_revision,
    newer_revision_asked,
    protected_images,
    refuse_other_poses,
    refuse_silent_change,
)
from capture360.steps.stored import wait_until_stored
from capture360.steps.thumbnail import keep_thumbnail
from capture360.steps.unused_scans import remove_unused_scans
from capture360.text import counted, listed

STEP = PUBLISH


@dataclass(frozen=True, slots=True)
class Published:
    """The collections, and counts of the changes. `link` opens the first one in CDF's own user interface.

    `removed_images` belonged to stations that a confirmed delivery leaves out; `held_back` are ids of stations that
    stay as they were published before, since their new delivery has a fault. `thumbnail` is the report that shows the
    capture in a list, empty if there is none.
    """

    collections: tuple[Collection, ...]
    images: int
    written: int
    removed_files: int
    removed_images: tuple[str, ...]
    held_back: tuple[str, ...]
    link: str
    thumbnail: str


@rejects_silent_changes
def publish(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Published:
    """Read the faces back, find or create stations, collections and images, then remove what these supersede.

    After a delivery with a higher revision CDF shows that delivery alone, but for stations that it holds back.
    CaptureRejected, once recorded, if a published station changed without a new revision; RequestError if a later
    delivery was published since; CdfUnavailableError if faces do not become readable in time.
    """
    capture = capture_to_write(ctx.records, key, fingerprint)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    shas = recorded_faces(ctx.records, key, fingerprint, recorded_batches(ctx.records, key, fingerprint))
    faces = references(model, key, shas)
    wait_until_stored(
        model, {ref: shas[station][face] for station, by_face in faces.items() for face, ref in by_face.items()}
    )
    before = {image.external_id: image for image in model.images(key)}
    _refuse_silent_changes(ctx.records, model, capture, faces, recorded_sources(ctx.records, key, fingerprint), before)
    confirmed = newer_revision_asked(ctx.records, capture)
    plan_removal(ctx, fingerprint, capture, faces, before, confirmed=confirmed)
    keep_decided_in_cdf(ctx, key, with_files_that_go(capture, faces, before, confirmed=confirmed))
    written = model.publish(capture, faces)
    after = _wait_until_published(model, capture, faces)
    removed = remove_superseded(ctx, model, fingerprint, capture, after, confirmed=confirmed)
    _remove_emptied(model, capture)
    whole = published_with(ctx.records, capture)
    ids = dict.fromkeys([*names.collections(capture), *names.collections(whole)])
    collections = tuple(Collection(ctx.site.space, external_id) for external_id in ids)
    held_back = set(capture.held_back)
    done = Published(
        collections=collections,
        images=len(capture.stations),
        written=written,
        removed_files=removed.files,
        removed_images=removed.images,
        held_back=tuple(each.id for each in whole.stations if each.id in held_back),
        link=collection_link(ctx.cdf.connection, collections[0]),
        thumbnail=keep_thumbnail(ctx, key, fingerprint, model, after.values()),
    )
    note_published(ctx.records, capture, fingerprint)
    ctx.records.put(key, fingerprint, STEP, _record(done, capture), run=ctx.run)
    remove_unused_scans(ctx, key)
    _log_summary(ctx, done, len(whole.stations) - len(capture.stations))
    if not confirmed:
        _log_unknown(ctx, capture, [image.external_id for image in left_out(whole, after)])
    return done


def recorded_collections(body: Mapping[str, Any]) -> Sequence[Collection]:
    """Return the collections of a record of published images."""
    return [Collection(space, external_id) for space, external_id in body["collections"]]


def _refuse_silent_changes(
    records: Records,
    model: Image360Store,
    capture: Capture,
    faces: StationFaces,
    sources: Mapping[str, str],
    before: Mapping[str, PublishedImage],
) -> None:
    protected = protected_images(records, capture, model, before.values())
    refuse_other_poses(capture, capture.stations, protected)
    for station in capture.stations:
        if not protected.is_same(station.id, sources.get(station.id, "")):
            refuse_silent_change(capture, station, protected, faces[station.id])


def _wait_until_published(model: Image360Store, capture: Capture, faces: StationFaces) -> Mapping[str, PublishedImage]:
    after: dict[str, PublishedImage] = {}
    wanted: dict[str, Mapping[FaceName, FaceRef]] = {
        names.image_id(capture.key, station.id): faces[station.id] for station in capture.stations
    }

    def all_there() -> bool:
        after.clear()
        after.update((image.external_id, image) for image in model.images(capture.key))
        return all(name in after and dict(after[name].faces) == dict(refs) for name, refs in wanted.items())

    if not wait_until(all_there):
        absent = [name for name, refs in wanted.items() if name not in after or dict(after[name].faces) != dict(refs)]
        raise CdfUnavailableError(f"{len(absent)} images were written but cannot be read back ({listed(absent)}).")
    return after


def _remove_emptied(model: Image360Store, capture: Capture) -> None:
    """Remove collections that a new revision left without images, since viewers cannot open them."""
    kept = names.collections(capture)
    others = [each for each in model.collections(capture.key) if each.external_id not in kept]
    model.remove_collections([each for each in others if next(model.images_in(each), None) is None])


def _log_summary(ctx: StepContext, done: Published, kept: int) -> None:
    extra = f"; {kept} published before and not in this delivery are kept" if kept else ""
    noun = "collection" if len(done.collections) == 1 else "collections"
    ctx.log(f"{done.images} images in {noun} {', '.join(each.external_id for each in done.collections)}{extra}")
    if done.held_back:
        shown = listed(done.held_back)
        ctx.log(f"{len(done.held_back)} stations are held back and shown as they were published before ({shown})")
    if done.removed_images:
        shown = listed(done.removed_images)
        ctx.log(f"{len(done.removed_images)} images removed, since revision confirms that they are left out ({shown})")


def _log_unknown(ctx: StepContext, capture: Capture, images: Sequence[str]) -> None:
    """Name images that neither this delivery nor the records have: the records are others', or were lost."""
    if images:
        ctx.log(
            f"CDF shows {counted(len(images), 'image')} of {capture.key} that neither this delivery nor the records in "
            f"{ctx.records.url} have ({listed(images)}). They stay. If they are to go, write revision: "
            f"{confirming_revision(ctx.records, capture)} in capture.yaml and deliver again."
        )


def _record(done: Published, capture: Capture) -> dict[str, object]:
    return {
        "collections": [[each.space, each.external_id] for each in done.collections],
        "images": done.images,
        "revision": capture.revision,
        "removed_images": list(done.removed_images),
        "held_back": list(done.held_back),
        "link": done.link,
        "thumbnail": done.thumbnail,
    }
