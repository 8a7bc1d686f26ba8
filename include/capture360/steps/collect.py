"""Collect the images that CDF extracted from a capture's scans: query, compare with the scans, and record them."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from capture360.cdf.fusion import collection_link
from capture360.cdf.polling import wait_until
from capture360.cdf.ports import Collection, PointCloud
from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.extraction import Extracted, ExtractedImage
from capture360.e57 import split_reference
from capture360.errors import CdfError, MissingStepError
from capture360.geometry.same_place import are_at_place, at_same_place
from capture360.model import FACES, Capture, CaptureKey, PublishedImage
from capture360.steps import lease
from capture360.steps.context import StepContext
from capture360.steps.e57_extraction import recorded_revisions, still_shown
from capture360.steps.kept_decisions import follow_images
from capture360.steps.outdated import capture_to_write
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.published import note_published
from capture360.steps.replaced_scans import remove_replaced
from capture360.steps.republish_guard import newer_revision_asked
from capture360.steps.shared_images import beside
from capture360.steps.shared_space import ImagesOfOthers, end_turn, take_turn
from capture360.steps.thumbnail import keep_thumbnail
from capture360.steps.unused_scans import remove_unused_scans
from capture360.text import counted, listed

POINT_CLOUDS = "point_clouds"
"""Key of the point clouds in the record of published images: space, revision and model of each."""
_EXTRACTED = "extracted"
"""Record of the images that are this delivery's, whether or not they can be published."""
LATE_S = 20.0
"""How long to wait for expected images, which CDF may show a little after it reports the extraction as done."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The images that CDF made. `missing` are stations without an image; `others` are images without a station.

    `point_clouds` are instances that CDF made beside them.
    """

    images: int
    collections: tuple[Collection, ...]
    missing: tuple[str, ...]
    others: int
    link: str
    point_clouds: tuple[PointCloud, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """Images by station, stations without one, and further images of the same revisions, as far as that is certain.

    `rivals` are further ones at the places of stations, which may be meant as well.
    """

    shown: Mapping[str, ExtractedImage]
    missing: tuple[str, ...]
    others: Sequence[ExtractedImage]
    rivals: Sequence[ExtractedImage]


def collect(
    ctx: StepContext,
    key: CaptureKey,
    fingerprint: str,
    *,
    is_finished: Callable[[str], bool] = lease.process_is_finished,
) -> Collected:
    """Find the images that CDF made, compare them with the stations of the scans, and record them as published.

    An image belongs to a station if it was created after the revision of the station's scan started, at the station's
    position, unless another capture recorded it. Further ones are the capture's by their collection: any extraction may
    write into its space. CdfError where it is open whose an image is, if there is none, if faces have no content, or if
    images are missing that existed before. BadInputError if the capture was retracted meanwhile.
    """
    capture = capture_to_write(ctx.records, key, fingerprint)
    body = recorded_revisions(ctx.records, key, fingerprint)
    space = body["space"]
    take_turn(ctx, key, space, is_finished)
    began = {path: datetime.fromisoformat(created) for path, (_, created) in body["revisions"].items()}
    if lacking := sorted({_scan(capture, station.id) for station in capture.stations} - began.keys()):
        raise MissingStepError(key, f"{listed(lacking)} has no revision in its record", "start_revisions")
    scans = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    extraction = scans.extracted(key, body["model"], space)
    found = _once_complete(extraction, capture, began, ImagesOfOthers(ctx, key) if scans.finds_by_place else None)
    others = list(found.others)
    if scans.finds_by_place:
        _refuse_rivals(ctx, key, space, found.rivals)
    made = [*found.shown.values(), *others]
    if not made:
        raise CdfError(
            f"{key}: CDF reports the extraction as done, but space {space} holds no 360° image of it; "
            f"{len(capture.stations)} were expected. Look at the revision's logs, or set e57.extraction to local."
        )
    _record_extracted(ctx, key, fingerprint, {_id(each) for each in made})
    if found.missing and (lost := _lost(ctx, key, fingerprint, found.missing)):
        what = f"{key}: {len(lost)} of its stations that CDF had extracted are missing: {listed(lost)}."
        raise CdfError(f"{what} {extract_again(ctx, key, fingerprint)}")
    images = [each.image for each in made]
    _refuse_incomplete(key, images, extraction.without_content(images))
    collections = _collections(key, made)
    if newer_revision_asked(ctx.records, capture):
        remove_replaced(ctx, capture, fingerprint, extraction, space, found.missing)
    left = sorted(still_shown(ctx, key, recorded_images(ctx, key) - {_id(each) for each in made}))
    link = collection_link(ctx.cdf.connection, collections[0])
    clouds = tuple(extraction.point_clouds())
    done = Collected(len(images), tuple(collections), found.missing, len(others), link, clouds)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    record = {
        "images": len(images),
        "revision": capture.revision,
        "collections": [[each.space, each.external_id] for each in collections],
        "shown": {station: _id(each) for station, each in found.shown.items()},
        "missing": list(found.missing),
        "others": [_id(each) for each in others],
        "left": left,
        "link": link,
        "thumbnail": keep_thumbnail(ctx, key, fingerprint, model, images),
        POINT_CLOUDS: [[cloud.space, cloud.revision, cloud.model] for cloud in clouds],
    }
    follow_images(ctx, key, {station: each.image for station, each in found.shown.items()})
    note_published(ctx.records, capture, fingerprint)
    ctx.records.put(key, fingerprint, PUBLISH, record, run=ctx.run)
    remove_unused_scans(ctx, key)
    ctx.log(f"{len(found.shown)} of {len(capture.stations)} expected panoramas in {len(collections)} collections")
    if found.missing:
        ctx.log(f"CDF left out {listed(found.missing)}.")
    for cloud in clouds:
        ctx.log(f"point cloud: revision {cloud.revision} of 3D model {cloud.model} in space {cloud.space}")
    end_turn(ctx, key, space)
    if left:
        ctx.log(
            f"Still shown: {counted(len(left), 'image')} of earlier deliveries: {listed(left)}. CDF's extraction made "
            "them, and what no higher revision replaces stays: delete them in CDF if they are not wanted."
        )
    if others:
        further = counted(len(others), "further image")
        ctx.log(f"At the position of no station: {further} ({listed([_id(o) for o in others])}).")
    return done


def was_extracted(body: Mapping[str, Any]) -> bool:
    """Return whether a record of published images is about extracted ones."""
    return "shown" in body


def extract_again(ctx: StepContext, key: CaptureKey, fingerprint: str) -> str:
    """Return how to have images extracted again: CDF extracts a scan once for each revision of its model."""
    body = recorded_revisions(ctx.records, key, fingerprint)
    work = listed([str(number) for number, _ in body["revisions"].values()])
    described = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site).describe(body["model"], work)
    return f"CDF made them: delete {described} in CDF and run captures_ingest for it, then CDF extracts them again."


def _once_complete(
    extraction: Extracted, capture: Capture, began: Mapping[str, datetime], foreign: Container[ExtractedImage] | None
) -> _Found:
    """Return the images once all expected ones exist, or when the time for them is over.

    None that is `foreign`; None if CDF says whose an image is.
    """
    found: list[_Found] = []

    def complete() -> bool:
        found[:] = [_compared(capture, list(extraction.images()), began, foreign)]
        return not found[0].missing

    wait_until(complete, LATE_S)
    return found[0]


def _lost(ctx: StepContext, key: CaptureKey, fingerprint: str, missing: Sequence[str]) -> list[str]:
    """Return the missing stations whose images this delivery had before."""
    known = ctx.records.get(key, fingerprint, PUBLISH)
    if known is None or not was_extracted(known.body):
        return []
    shown = {station: image for station, image in known.body["shown"].items() if station in missing}
    there = still_shown(ctx, key, {*shown.values()})
    return [station for station in missing if station in shown and shown[station] not in there]


def recorded_images(ctx: StepContext, key: CaptureKey) -> set[str]:
    """Return the images that any delivery of this capture recorded, also of those that could not be published."""
    deliveries = ctx.records.fingerprints(key)
    records = [ctx.records.get(key, each, PUBLISH) for each in deliveries]
    bodies = [record.body for record in records if record is not None and was_extracted(record.body)]
    published = {name for body in bodies for name in (*body["shown"].values(), *body["others"], *body["left"])}
    return published.union(*(_recorded_as_extracted(ctx, key, each) for each in deliveries))


def _record_extracted(ctx: StepContext, key: CaptureKey, fingerprint: str, images: set[str]) -> None:
    """Record whose these images are before any of them is refused: CDF does not tell, and a retraction removes them."""
    known = _recorded_as_extracted(ctx, key, fingerprint)
    if not images <= known:
        ctx.records.put(key, fingerprint, _EXTRACTED, {"images": sorted(images | known)}, run=ctx.run)


def _recorded_as_extracted(ctx: StepContext, key: CaptureKey, fingerprint: str) -> set[str]:
    record = ctx.records.get(key, fingerprint, _EXTRACTED)
    return set(record.body["images"]) if record is not None else set()


def _refuse_rivals(ctx: StepContext, key: CaptureKey, space: str, rivals: Sequence[ExtractedImage]) -> None:
    """Raise CdfError if further images at the places of stations may be meant as well: nobody can tell which is it."""
    open_ones = sorted({_id(each) for each in rivals} - recorded_images(ctx, key)) if rivals else []
    if open_ones:
        raise CdfError(
            f"{key}: more images than its scans give were made at their places in space {space} ({listed(open_ones)}), "
            "such as by another extraction at the same time, and CDF does not say whose they are. Delete those that "
            "are not its own in CDF."
        )


def _compared(
    capture: Capture,
    images: Sequence[ExtractedImage],
    began: Mapping[str, datetime],
    foreign: Container[ExtractedImage] | None,
) -> _Found:
    """Assign images to stations; of several candidates the oldest one."""
    may_be = images if foreign is None else [each for each in images if each not in foreign]
    oldest_first = sorted(may_be, key=lambda each: (each.created, each.image.external_id))
    places = np.array([each.image.pose.position for each in oldest_first], dtype=np.float64).reshape(-1, 3)
    left = np.ones(len(oldest_first), dtype=bool)
    shown: dict[str, ExtractedImage] = {}
    missing = []
    for station in capture.stations:
        near = left & are_at_place(places, station.pose)
        since = began[_scan(capture, station.id)]
        mine = next((number for number in np.flatnonzero(near) if oldest_first[number].created >= since), None)
        if mine is None:
            missing.append(station.id)
        else:
            shown[station.id] = oldest_first[mine]
            left[mine] = False
    others = [oldest_first[number] for number in np.flatnonzero(left)]
    rivals = [each for each in others if _may_be_of(capture, each, began)]
    if foreign is None:
        further = [each for each in others if each.created >= max(began.values())]
    else:
        further = beside([*shown.values()], images, foreign, min(began.values()))
    return _Found(shown, tuple(missing), further, rivals)


def _may_be_of(capture: Capture, each: ExtractedImage, began: Mapping[str, datetime]) -> bool:
    """Return whether an image could be that of any station, by its place and time."""
    return any(
        at_same_place(each.image.pose, station.pose) and each.created >= began[_scan(capture, station.id)]
        for station in capture.stations
    )


def _scan(capture: Capture, station: str) -> str:
    return split_reference(capture.media[station].panorama or "")[0]


def _collections(key: CaptureKey, made: Sequence[ExtractedImage]) -> Sequence[Collection]:
    loose = [_id(each) for each in made if each.collection is None]
    if loose:
        raise CdfError(f"{key}: CDF made images that are in no collection ({listed(loose)}). Viewers cannot open them.")
    found = {each.collection for each in made if each.collection is not None}
    return sorted(found, key=lambda each: (each.space, each.external_id))


def _refuse_incomplete(key: CaptureKey, images: Sequence[PublishedImage], lacking: Sequence[str]) -> None:
    half = [image.external_id for image in images if len(image.faces) < len(FACES)]
    if half or lacking:
        shown = listed([*half, *lacking])
        raise CdfError(f"{key}: CDF made images whose faces are not all there ({shown}). Viewers cannot open them.")


def _id(each: ExtractedImage) -> str:
    return each.image.external_id
