"""Upload the six faces of each station of one batch to CDF Files, but for those that CDF has already."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from capture360.batches import batched
from capture360.cdf.ports import Image360Store
from capture360.cdf.registry import mode_of
from capture360.errors import BadInputError, MissingStepError
from capture360.landing.fingerprint import fingerprint as fingerprint_of
from capture360.landing.folder import CaptureFolder
from capture360.model import (
    FACES,
    Capture,
    CaptureKey,
    EncodedFace,
    FaceName,
    FaceRef,
    FaceSource,
    PublishedImage,
    Station,
)
from capture360.names import image_id
from capture360.records import Records
from capture360.sources import FaceOptions, open_source
from capture360.sources.blurred import Blurred
from capture360.steps.context import StepContext
from capture360.steps.progress import Progress
from capture360.steps.republish_guard import protected_images, refuse_silent_change
from capture360.steps.stored import make_whole
from capture360.steps.validate import recorded_batches, recorded_capture

STEP = "faces"
WINDOW = 4
"""Stations whose faces are held and uploaded together."""
Shas = dict[FaceName, str]


@dataclass(frozen=True, slots=True)
class FacesDone:
    """Counts of one batch: faces uploaded, faces that CDF had already, and bytes uploaded."""

    batch: int
    stations: int
    uploaded: int
    found: int
    bytes: int


def faces(ctx: StepContext, key: CaptureKey, fingerprint: str, batch: int) -> FacesDone:
    """Upload the faces of batch number `batch` (from 0; `Validated.batches` says how many there are).

    BadInputError if the folder changed since it was validated, even while it was read, or if a published station
    changed without a new revision. Poses are compared before anything is uploaded, pictures as they are made; what was
    uploaded until then is removed again, since no record names it.
    """
    capture = recorded_capture(ctx.records, key, fingerprint)
    folder = _unchanged_folder(ctx, key, fingerprint)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    size = math.ceil(len(capture.stations) / recorded_batches(ctx.records, key, fingerprint))
    stations = capture.stations[batch * size : (batch + 1) * size]
    known = _recorded(ctx, key, fingerprint, batch)
    there = _stored_stations(model, key, known)
    progress = Progress(ctx.log)
    published = protected_images(ctx.records, capture, model.images(key))
    _refuse_other_poses(capture, published)
    done: dict[str, Shas] = {}
    uploaded: list[FaceRef] = []
    size_of_new = 0
    try:
        with closing(open_faces(ctx, capture, folder)) as source:
            read = 0
            for window in batched(stations, WINDOW):
                done.update((station.id, known[station.id]) for station in window if station.id in there)
                making = [station for station in window if station.id not in there]
                made, new = _put_stations(ctx, model, source, capture, making, published)
                done.update(made)
                uploaded += new
                size_of_new += sum(new.values())
                read += len(window)
                progress(read, len(stations), f"batch {batch}: stations")
        _unchanged_folder(ctx, key, fingerprint)
    except BadInputError:
        model.remove_faces(uploaded)
        raise
    ctx.records.put(key, fingerprint, STEP, {"made_with": _made_with(ctx), "faces": done}, run=ctx.run, batch=batch)
    found = len(FACES) * len(stations) - len(uploaded)
    return FacesDone(batch, len(stations), len(uploaded), found, size_of_new)


def recorded_faces(records: Records, key: CaptureKey, fingerprint: str, batches: int) -> dict[str, Shas]:
    """Return the sha256 of each face of each station; MissingStepError names a batch that has not run."""
    found: dict[str, Shas] = {}
    for batch in range(batches):
        record = records.get(key, fingerprint, STEP, batch)
        if record is None:
            raise MissingStepError(key, f"batch {batch} of the faces has not been uploaded", "faces")
        found.update(record.body["faces"])
    return found


def upload_again(ctx: StepContext, capture: Capture, fingerprint: str, wrong: Mapping[FaceRef, str]) -> None:
    """Make the given faces again and upload those whose content is still the same."""
    folder = _unchanged_folder(ctx, capture.key, fingerprint)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    affected = set(wrong.values())
    with closing(open_faces(ctx, capture, folder)) as source:
        for station in capture.stations:
            if station.id in affected:
                made = _complete(station, source.faces(station))
                refs = references(model, capture.key, {station.id: {face.face: face.sha256 for face in made}})[
                    station.id
                ]
                model.put_faces(capture, [(station, face) for face in made if refs[face.face] in wrong])


def references(model: Image360Store, key: CaptureKey, shas: Mapping[str, Shas]) -> dict[str, dict[FaceName, FaceRef]]:
    """Return the references of recorded faces, by station."""
    return {
        station: {face: model.face_ref(key, station, face, sha256) for face, sha256 in by_face.items()}
        for station, by_face in shas.items()
    }


def _unchanged_folder(ctx: StepContext, key: CaptureKey, fingerprint: str) -> CaptureFolder:
    folder = ctx.folder(key)
    if fingerprint_of(folder, ctx.site.landing.ready_markers) != fingerprint:
        raise BadInputError(
            f"{folder.url} has changed since it was validated. It is ingested again once it is complete.",
            remedy="Wait: the capture is ingested again once its folder is complete.",
        )
    return folder


def open_faces(ctx: StepContext, capture: Capture, folder: CaptureFolder) -> FaceSource:
    """Open the source of the capture's faces, with the site's settings."""
    settings = ctx.site.files
    options = FaceOptions(
        settings.face_size, settings.jpeg_quality, ctx.site.checks.max_megapixels, settings.progressive
    )
    source = open_source(capture, folder, options)
    return source if settings.blur is None else Blurred(source, capture, settings.blur)


def _refuse_other_poses(capture: Capture, published: Mapping[str, PublishedImage]) -> None:
    for station in capture.stations:
        image = published.get(image_id(capture.key, station.id))
        if image is not None:
            refuse_silent_change(capture, station, image, image.faces)


def _made_with(ctx: StepContext) -> dict[str, Any]:
    settings = ctx.site.files
    made_with = {
        "face_size": settings.face_size,
        "jpeg_quality": settings.jpeg_quality,
        "progressive": settings.progressive,
    }
    return made_with if settings.blur is None else {**made_with, "blur": settings.blur}


def _recorded(ctx: StepContext, key: CaptureKey, fingerprint: str, batch: int) -> dict[str, Shas]:
    """Return what this batch recorded when it last ran with the same settings, which saves making the faces again."""
    record = ctx.records.get(key, fingerprint, STEP, batch)
    if record is None or record.body["made_with"] != _made_with(ctx):
        return {}
    return dict(record.body["faces"])


def _stored_stations(model: Image360Store, key: CaptureKey, known: Mapping[str, Shas]) -> set[str]:
    refs = references(model, key, known)
    wanted = {ref: known[station][face] for station, by_face in refs.items() for face, ref in by_face.items()}
    stored = model.stored(wanted)
    return {station for station, by_face in refs.items() if stored.issuperset(by_face.values())}


def _put_stations(
    ctx: StepContext,
    model: Image360Store,
    source: FaceSource,
    capture: Capture,
    stations: Sequence[Station],
    published: Mapping[str, PublishedImage],
) -> tuple[dict[str, Shas], Mapping[FaceRef, int]]:
    """Upload missing faces of the stations; return the sha256 by face, and the size of each that was uploaded."""
    encoded = [(station, face) for station in stations for face in _complete(station, source.faces(station))]
    shas: dict[str, Shas] = {station.id: {} for station in stations}
    for station, face in encoded:
        shas[station.id][face.face] = face.sha256
    refs = references(model, capture.key, shas)
    for station in stations:
        image = published.get(image_id(capture.key, station.id))
        if image is not None:
            refuse_silent_change(capture, station, image, refs[station.id])
    stored = model.stored({refs[station.id][face.face]: face.sha256 for station, face in encoded})
    wanting = [(station, face) for station, face in encoded if refs[station.id][face.face] not in stored]
    new = model.put_faces(capture, wanting)
    by_ref = {refs[station.id][face.face]: (station, face) for station, face in encoded}
    make_whole(model, capture, by_ref, sample=ctx.site.verify != "off", log=ctx.log)
    return shas, {ref: len(by_ref[ref][1].content) for ref in new}


def _complete(station: Station, made: Iterable[EncodedFace]) -> Sequence[EncodedFace]:
    encoded = list(made)
    missing = set(FACES) - {face.face for face in encoded}
    if missing or len(encoded) != len(FACES):
        raise BadInputError(f"{station.id}: its source has no {', '.join(sorted(missing))} face.")
    return encoded
