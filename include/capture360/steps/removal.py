"""Removal of what a delivery supersedes: images of stations that it leaves out, and what only these used.

The items are recorded before the first write, since a run after a crash could no longer find them. Links are removed
first and files last, so that nothing that is shown lacks what it refers to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from capture360 import names
from capture360.cdf.capabilities import capabilities, lacking
from capture360.cdf.polling import wait_until
from capture360.cdf.ports import Image360Store, StationFaces
from capture360.cdf.registry import mode_of
from capture360.errors import CdfUnavailableError, ConfigError
from capture360.model import Capture, CaptureKey, FaceRef, PublishedImage
from capture360.records import Records
from capture360.steps.context import StepContext
from capture360.steps.left_links import forget_left, left_links
from capture360.steps.stations import known_stations
from capture360.text import listed

STEP = "supersede"

Images = Mapping[str, PublishedImage]


@dataclass(frozen=True, slots=True)
class Superseded:
    """Images that are left out, and station nodes and face files that may no longer be used, by external id."""

    images: frozenset[str] = field(default_factory=frozenset)
    stations: frozenset[str] = field(default_factory=frozenset)
    faces: frozenset[FaceRef] = field(default_factory=frozenset)

    def __or__(self, other: Superseded) -> Superseded:
        return Superseded(self.images | other.images, self.stations | other.stations, self.faces | other.faces)


@dataclass(frozen=True, slots=True)
class Removed:
    """External ids of the images that this delivery removed, also in earlier runs, and the number of removed files."""

    images: tuple[str, ...]
    files: int


def left_out(capture: Capture, images: Images) -> list[PublishedImage]:
    """Return capture360's images that a confirmed delivery removes: it has no such station and holds none back."""
    prefix = names.image_prefix(capture.key)
    stay = {names.image_id(capture.key, each) for each in (*_ids(capture), *capture.held_back)}
    return [images[name] for name in sorted(images) if name not in stay and name.startswith(prefix)]


def with_files_that_go(
    capture: Capture, faces: StationFaces, before: Images, *, confirmed: bool
) -> list[PublishedImage]:
    """Return the images whose face files this delivery replaces or removes, each with those files alone."""
    absent = left_out(capture, before) if confirmed else []
    used = {ref for by_face in faces.values() for ref in by_face.values()}
    stay = [before[name] for station in capture.stations if (name := names.image_id(capture.key, station.id)) in before]
    replaced = [
        replace(image, faces={face: ref for face, ref in image.faces.items() if ref not in used}) for image in stay
    ]
    return [*absent, *(image for image in replaced if image.faces)]


def plan_removal(
    ctx: StepContext, fingerprint: str, capture: Capture, faces: StationFaces, before: Images, *, confirmed: bool
) -> None:
    """Record what will be superseded; what an earlier run of this delivery recorded stays.

    That includes files that an ingest left which was killed, or ran with other settings: no image shows them.
    """
    known = _recorded(ctx.records, capture.key, fingerprint)
    absent = left_out(capture, before) if confirmed else []
    planned = Superseded(
        frozenset(image.external_id for image in absent),
        frozenset(image.station for image in absent if image.station),
        frozenset(ref for image in absent for ref in image.faces.values()),
    )
    for station in capture.stations:
        image = before.get(names.image_id(capture.key, station.id))
        if image is not None:
            node = names.station_node(capture, station.id)
            planned |= Superseded(
                stations=frozenset({image.station} - {node, ""}),
                faces=frozenset(image.faces.values()) - frozenset(faces[station.id].values()),
            )
    there = mode_of(ctx.cdf).images(ctx.cdf, ctx.site).faces_of(capture.key, known_stations(ctx.records, capture.key))
    used = {*_faces(before), *(ref for by_face in faces.values() for ref in by_face.values())}
    planned |= Superseded(faces=frozenset(there) - used)
    if (planned | known) != known:
        _record(ctx, capture.key, fingerprint, planned | known)


def remove_superseded(
    ctx: StepContext, model: Image360Store, fingerprint: str, capture: Capture, after: Images, *, confirmed: bool
) -> Removed:
    """Remove what the delivery leaves out, and everything superseded that nothing uses any more.

    Idempotent; finishes what an earlier run began. CdfUnavailableError if CDF still shows images that were removed;
    ConfigError if capture360's links on them may not be removed.
    """
    key = capture.key
    absent = left_out(capture, after) if confirmed else []
    shown = {name: image for name, image in after.items() if image not in absent}
    planned = Superseded()
    for known in ctx.records.fingerprints(key):
        planned |= _recorded(ctx.records, key, known)
    faces = sorted(planned.faces - _faces(shown), key=lambda ref: ref.external_id)
    stations = sorted(planned.stations - {image.station for image in shown.values()})
    there = sorted(model.file_ids(faces), key=lambda ref: ref.external_id)
    remove_links(ctx, key, absent, there)
    model.remove_images(absent)
    _wait_until_removed(model, key, absent)
    model.remove_stations(stations)
    files = model.remove_faces(faces)
    mine = _recorded(ctx.records, key, fingerprint).images
    return Removed(tuple(sorted(mine - set(shown))), files)


def remove_links(ctx: StepContext, key: CaptureKey, absent: Sequence[PublishedImage], faces: Sequence[FaceRef]) -> None:
    """Remove capture360's links on removed images and files; links of people disappear with them and are logged.

    Links that a killed run did not live to mark count as those of people here.
    """
    if not absent and not faces:
        return
    writer = mode_of(ctx.cdf).links(ctx.cdf, ctx.site, left_links(ctx.records, key))
    denied = lacking(capabilities(ctx.cdf), writer.needs_to_remove)
    if denied:
        needs = ", ".join(map(str, denied))
        if any(ctx.records.has(key, each, "match") for each in ctx.records.fingerprints(key)):
            raise ConfigError(f"{key}: images with links are to be removed, but {needs} is not granted. Ask for it.")
        if absent:
            ctx.log(f"Nobody looked for links on the images that are removed: {needs} is not granted.")
        return
    people = writer.of_people(absent, [])
    if people:
        ctx.log(f"{len(people)} links that people made or decided go with the removed images: {listed(people)}")
    forget_left(ctx.records, key, [f"{image.space}/{image.external_id}" for image in absent])
    removed = [*writer.remove(absent, [], dry_run=False), *writer.remove_from_files(faces)]
    if removed:
        ctx.log(f"{len(removed)} links by capture360 removed")


def _wait_until_removed(model: Image360Store, key: CaptureKey, absent: Sequence[PublishedImage]) -> None:
    """Wait until CDF no longer shows removed images, which stay recorded until then."""
    wanting = {image.external_id for image in absent}

    def all_removed() -> bool:
        wanting.intersection_update(image.external_id for image in model.images(key))
        return not wanting

    if absent and not wait_until(all_removed):
        raise CdfUnavailableError(
            f"{len(wanting)} images were removed but are still shown ({listed(sorted(wanting))})."
        )


def _recorded(records: Records, key: CaptureKey, fingerprint: str) -> Superseded:
    record = records.get(key, fingerprint, STEP)
    if record is None:
        return Superseded()
    return Superseded(
        frozenset(record.body["images"]),
        frozenset(record.body["stations"]),
        frozenset(FaceRef(face, external_id, space) for face, external_id, space in record.body["files"]),
    )


def _record(ctx: StepContext, key: CaptureKey, fingerprint: str, planned: Superseded) -> None:
    files = sorted(planned.faces, key=lambda ref: ref.external_id)
    body = {
        "images": sorted(planned.images),
        "stations": sorted(planned.stations),
        "files": [[ref.face, ref.external_id, ref.space] for ref in files],
    }
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run)


def _faces(images: Images) -> set[FaceRef]:
    return {ref for image in images.values() for ref in image.faces.values()}


def _ids(capture: Capture) -> list[str]:
    return [station.id for station in capture.stations]
