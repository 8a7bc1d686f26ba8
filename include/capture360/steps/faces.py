"""Upload the six faces of each station of one batch to CDF Files, but for those that CDF has already."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from capture360.capture_state import StepRecord
from capture360.cdf.ports import Image360Store
from capture360.cdf.registry import mode_of
from capture360.errors import BadInputError, Capture360Error, MissingStepError
from capture360.landing.folder import CaptureFolder
from capture360.model import (
    FACES,
    Capture,
    CaptureKey,
    EncodedFace,
    FaceName,
    FaceRef,
    FaceSource,
    Station,
)
from capture360.names import image_id
from capture360.records import Records
from capture360.sources import FaceOptions, open_source
from capture360.sources.blurred import Blurred
from capture360.steps.batching import recorded_batches
from capture360.steps.context import StepContext
from capture360.steps.face_pipeline import MAKERS, Failed, Made, Stored, make_and_store
from capture360.steps.outdated import capture_to_write
from capture360.steps.progress import Progress
from capture360.steps.refusal import rejects_silent_changes
from capture360.steps.republish_guard import Protected, protected_images, refuse_other_poses, refuse_silent_change
from capture360.steps.stored import make_whole
from capture360.steps.validate import unchanged_folder
from capture360.text import counted

STEP = "faces"
_SAMPLED = 4
"""Of so many stations one face is read back after its upload."""
_MOST_FAILED = 5
"""When more stations fail, the cause is none of theirs, and the rest is left to the next try."""
Shas = dict[FaceName, str]


@dataclass(frozen=True, slots=True)
class FacesDone:
    """Counts of one batch: faces uploaded, faces that CDF had already, and bytes uploaded."""

    batch: int
    stations: int
    uploaded: int
    found: int
    bytes: int


@rejects_silent_changes
def faces(ctx: StepContext, key: CaptureKey, fingerprint: str, batch: int) -> FacesDone:
    """Upload the faces of batch number `batch` (from 0; `Validated.batches` says how many there are).

    BadInputError if the folder changed since it was validated, even while it was read; CaptureRejected, once recorded,
    if a published station changed without a new revision. Poses are compared before anything is uploaded, pictures as
    they are made; what was uploaded until then is removed again, since no record names it. A station whose faces cannot
    be made or stored does not stop the others: its error is raised at the end, and the next try finds what is stored.
    """
    capture = capture_to_write(ctx.records, key, fingerprint)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    size = math.ceil(len(capture.stations) / recorded_batches(ctx.records, key, fingerprint))
    stations = capture.stations[batch * size : (batch + 1) * size]
    known = _recorded(ctx, key, fingerprint, batch)
    there = _stored_stations(model, key, known)
    ids = [(ctx.site.space, image_id(key, station.id)) for station in stations]
    protected = protected_images(ctx.records, capture, model, model.images_by_id(ids))
    refuse_other_poses(capture, stations, protected)
    making = [station for station in stations if station.id not in there]
    shas = {station: known[station] for station in there}
    sampled = frozenset(station.id for station in stations[::_SAMPLED])
    sender = _Sender(ctx, model, capture, protected, sampled)
    new = _make(ctx, capture, fingerprint, making, sender, f"batch {batch}: stations", len(stations))
    shas.update(new.shas)
    done = {station.id: shas[station.id] for station in stations}
    sources = {**_recorded_sources(ctx.records.get(key, fingerprint, STEP, batch)), **new.sources}
    sources = {station: sources[station] for station in done if station in sources}
    body = {"made_with": _made_with(ctx), "faces": done, "sources": sources}
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run, batch=batch)
    found = len(FACES) * len(stations) - new.uploaded
    return FacesDone(batch, len(stations), new.uploaded, found, new.bytes)


def _make(
    ctx: StepContext,
    capture: Capture,
    fingerprint: str,
    making: Sequence[Station],
    sender: _Sender,
    what: str,
    total: int,
) -> _Sent:
    """Make and send the faces of these stations. The folder is listed before and after, if there are any."""
    if not making:
        return _Sent()
    try:
        folder = unchanged_folder(ctx, capture.key, fingerprint)
        with closing(open_faces(ctx, capture, folder)) as source:
            kept = sender.keep(source, making)
            left = [station for station in making if station.id not in kept.shas]
            new, failed = _make_and_send(source, left, sender, what, total)
            new.add(kept)
            new.sources.update({station: source.digest(each) for each in left if (station := each.id) in new.shas})
        unchanged_folder(ctx, capture.key, fingerprint)
    except BadInputError:
        sender.remove()
        raise
    if failed:
        raise _first_to_fix(failed)
    return new


def recorded_faces(records: Records, key: CaptureKey, fingerprint: str, batches: int) -> dict[str, Shas]:
    """Return the sha256 of each face of each station; MissingStepError names a batch that has not run."""
    found: dict[str, Shas] = {}
    for batch in range(batches):
        record = records.get(key, fingerprint, STEP, batch)
        if record is None:
            raise MissingStepError(key, f"batch {batch} of the faces has not been uploaded", "faces")
        found.update(record.body["faces"])
    return found


def recorded_sources(records: Records, key: CaptureKey, fingerprint: str) -> dict[str, str]:
    """Return the digest of what was delivered for each station, where it was recorded."""
    state = records.load(key, fingerprint, only={STEP})
    bodies = state.batches(STEP).values() if state is not None else ()
    return {station: digest for body in bodies for station, digest in body.get("sources", {}).items()}


def all_recorded(records: Records, model: Image360Store, key: CaptureKey, fingerprint: str) -> set[FaceRef]:
    """Return the references of all faces that a delivery recorded, whichever of its batches have run."""
    state = records.load(key, fingerprint, only={STEP})
    bodies = state.batches(STEP).values() if state is not None else ()
    found = (references(model, key, body["faces"]) for body in bodies)
    return {ref for by_station in found for by_face in by_station.values() for ref in by_face.values()}


def upload_again(ctx: StepContext, capture: Capture, fingerprint: str, wrong: Mapping[FaceRef, str]) -> set[FaceRef]:
    """Make the given faces again, and upload those whose content is still the same; return these."""
    sent: set[FaceRef] = set()
    folder = unchanged_folder(ctx, capture.key, fingerprint)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    affected = set(wrong.values())
    with closing(open_faces(ctx, capture, folder)) as source:
        for station in capture.stations:
            if station.id in affected:
                made = _complete(station, source.faces(station))
                refs = references(model, capture.key, {station.id: {face.face: face.sha256 for face in made}})[
                    station.id
                ]
                same = [(station, face) for face in made if refs[face.face] in wrong]
                model.put_faces(capture, same)
                sent.update(refs[face.face] for _, face in same)
    return sent


def references(model: Image360Store, key: CaptureKey, shas: Mapping[str, Shas]) -> dict[str, dict[FaceName, FaceRef]]:
    """Return the references of recorded faces, by station."""
    return {
        station: {face: model.face_ref(key, station, face, sha256) for face, sha256 in by_face.items()}
        for station, by_face in shas.items()
    }


def open_faces(ctx: StepContext, capture: Capture, folder: CaptureFolder) -> FaceSource:
    """Open the source of the capture's faces, with the site's settings."""
    settings = ctx.site.files
    options = FaceOptions(
        settings.face_size, settings.jpeg_quality, ctx.site.checks.max_megapixels, settings.progressive
    )
    source = open_source(capture, folder, options)
    return source if settings.blur is None else Blurred(source, capture, settings.blur)


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


def _recorded_sources(record: StepRecord | None) -> Mapping[str, str]:
    return record.body.get("sources", {}) if record is not None else {}


def _stored_stations(model: Image360Store, key: CaptureKey, known: Mapping[str, Shas]) -> set[str]:
    refs = references(model, key, known)
    wanted = {ref: known[station][face] for station, by_face in refs.items() for face, ref in by_face.items()}
    stored = model.stored(wanted)
    return {station for station, by_face in refs.items() if stored.issuperset(by_face.values())}


@dataclass(slots=True)
class _Sent:
    """What was sent of some stations: sha256 by face, faces and bytes that were uploaded, and what is to be logged.

    `sources` are digests of what was delivered, by station.
    """

    shas: dict[str, Shas] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    uploaded: int = 0
    bytes: int = 0
    said: list[str] = field(default_factory=list)

    def add(self, other: _Sent) -> None:
        self.shas.update(other.shas)
        self.sources.update(other.sources)
        self.uploaded += other.uploaded
        self.bytes += other.bytes


class _Sender:
    """Upload faces of stations that are missing, and verify what is stored. Used by several threads."""

    def __init__(
        self,
        ctx: StepContext,
        model: Image360Store,
        capture: Capture,
        protected: Protected,
        sampled: Collection[str],
    ) -> None:
        self.log = ctx.log
        self._verify = ctx.site.verify
        self._model = model
        self._capture = capture
        self._protected = protected
        self._free: set[str] = set()
        """Stations that were published with the same pictures: what is made of them today may differ."""
        self._sampled = sampled
        self._sent: list[FaceRef] = []
        """References whose upload was begun."""

    def remove(self) -> None:
        """Remove what was sent, since no record names it."""
        self._model.remove_faces(self._sent)

    def keep(self, source: FaceSource, stations: Sequence[Station]) -> _Sent:
        """Return the stations whose pictures are those that are published, with their published faces.

        Settings and libraries that have changed since make other faces of the same picture: they act on what a higher
        revision confirms. Faces that CDF has lost are made again, whatever comes out.
        """
        kept = _Sent()
        faces = self._protected.faces
        for station in stations:
            known = faces.get(station.id)
            protected = image_id(self._capture.key, station.id) in self._protected.images
            if protected and known is not None and known.source and source.digest(station) == known.source:
                self._free.add(station.id)
        there = _stored_stations(self._model, self._capture.key, {each: dict(faces[each].shas) for each in self._free})
        for each in sorted(there):
            kept.shas[each], kept.sources[each] = dict(faces[each].shas), faces[each].source
        if there:
            self.log(
                f"{counted(len(there), 'station')} with the pictures that are published: their faces stay. Settings of "
                "files that have changed act on a delivery with a higher revision."
            )
        return kept

    def send(self, window: Sequence[Made]) -> _Sent:
        model, capture, done = self._model, self._capture, _Sent()
        faces = [(made.station, face) for made in window for face in made.faces]
        for station, face in faces:
            done.shas.setdefault(station.id, {})[face.face] = face.sha256
        refs = references(model, capture.key, done.shas)
        for made in window:
            if made.station.id not in self._free:
                refuse_silent_change(capture, made.station, self._protected, refs[made.station.id])
        by_ref = {refs[station.id][face.face]: (station, face) for station, face in faces}
        stored = model.stored({ref: face.sha256 for ref, (_, face) in by_ref.items()})
        wanting = [ref for ref in by_ref if ref not in stored]
        self._sent += wanting
        new = model.put_faces(capture, [by_ref[ref] for ref in wanting])
        sample = self._verify != "off" and any(made.station.id in self._sampled for made in window)
        make_whole(model, capture, by_ref, sample=sample, log=done.said.append)
        done.uploaded, done.bytes = len(new), sum(len(by_ref[ref][1].content) for ref in new)
        return done


def _make_and_send(
    source: FaceSource, stations: Sequence[Station], sender: _Sender, what: str, total: int
) -> tuple[_Sent, Sequence[Failed]]:
    """Return what was sent, and what failed; BadInputError if a published station changed.

    Everything is logged by this thread: loggers of tasks need not be safe for others.
    """
    progress = Progress(sender.log)
    done, failed = _Sent(), list[Failed]()
    read = total - len(stations)
    makers = MAKERS if source.side_by_side else 1
    outcomes = make_and_store(stations, lambda station: _complete(station, source.faces(station)), sender.send, makers)
    with closing(outcomes):
        for outcome in outcomes:
            if isinstance(outcome, Stored):
                done.add(outcome.outcome)
                for line in outcome.outcome.said:
                    sender.log(line)
            elif outcome.stored and isinstance(outcome.error, BadInputError):
                raise outcome.error
            else:
                failed.append(outcome)
                sender.log(f"{', '.join(each.id for each in outcome.stations)} failed: {_in_words(outcome.error)}")
                if len(failed) > _MOST_FAILED:
                    break
            read += len(outcome.stations)
            progress(read, total, what)
    return done, failed


def _in_words(error: Exception) -> str:
    """Return the message of an error that is meant for people, the name of any other: its text may hold a link."""
    return error.message if isinstance(error, Capture360Error) else type(error).__name__


def _first_to_fix(failed: Sequence[Failed]) -> Exception:
    """Return the error of a batch: one that a later try may not meet, so that the scheduler tries, else the first."""
    errors = [each.error for each in failed]
    return next((each for each in errors if not isinstance(each, Capture360Error) or each.retryable), errors[0])


def _complete(station: Station, made: Iterable[EncodedFace]) -> Sequence[EncodedFace]:
    encoded = list(made)
    missing = set(FACES) - {face.face for face in encoded}
    if missing or len(encoded) != len(FACES):
        raise BadInputError(f"{station.id}: its source has no {', '.join(sorted(missing))} face.")
    return encoded
