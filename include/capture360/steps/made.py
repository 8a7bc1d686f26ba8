"""Everything that one capture created in CDF, found by ids, records, and revisions of its scans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from capture360 import names
from capture360.cdf.attached_edges import attached_edges
from capture360.cdf.capabilities import Need, in_space
from capture360.cdf.client import cdf_errors
from capture360.cdf.instances import Instances
from capture360.cdf.preflight import in_spaces, space_exists
from capture360.cdf.registry import mode_of
from capture360.cdf.rights import REMOVE_3D
from capture360.cdf.three_d.extraction import ExtractedImage
from capture360.cdf.three_d.scans import Id, ScansMade
from capture360.model import Capture, CaptureKey, FaceRef, PublishedImage
from capture360.steps.collect import recorded_images
from capture360.steps.context import StepContext
from capture360.steps.e57_extraction import extracted_before, recorded_spaces
from capture360.steps.faces import all_recorded
from capture360.steps.replaced_scans import Used, left_unused
from capture360.steps.route import extraction_space
from capture360.steps.scene import scene_edges, take_out
from capture360.steps.shared_images import unrecorded
from capture360.steps.space_guard import refuse_other_space
from capture360.steps.stations import known_stations
from capture360.steps.validation_record import validated_capture

Name = tuple[str, str]
"""Space and external id of an instance."""


@dataclass(frozen=True, slots=True)
class Made:
    """Items to remove: instances by space and external id, files and 360° models by external id, 3D models by id.

    `revisions` are pairs of model and revision or job, `scans` are E57 files, `spaces` hold this capture alone,
    `scan_spaces` are those that CDF extracted the scans into.
    """

    images: frozenset[Name] = frozenset()
    collections: frozenset[Name] = frozenset()
    models: frozenset[str] = frozenset()
    stations: frozenset[Name] = frozenset()
    faces: frozenset[FaceRef] = frozenset()
    revisions: frozenset[tuple[Id, Id]] = frozenset()
    three_d: frozenset[Id] = frozenset()
    scans: frozenset[str] = frozenset()
    spaces: frozenset[str] = frozenset()
    scan_spaces: frozenset[str] = frozenset()

    def __or__(self, other: Made) -> Made:
        return Made(**{each.name: getattr(self, each.name) | getattr(other, each.name) for each in fields(self)})

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self) if each.name != "scan_spaces")

    def by_kind(self) -> Mapping[str, Sequence[str]]:
        """Return the items of each kind, in the order of removal."""
        return {
            "images": sorted(name for _, name in self.images),
            "collections": sorted(name for _, name in self.collections),
            "360° models": sorted(self.models),
            "stations": sorted(name for _, name in self.stations),
            "face files": sorted(ref.external_id for ref in self.faces),
            "3D revisions": sorted(str(number) for _, number in self.revisions),
            "3D models": sorted(map(str, self.three_d)),
            "E57 files": sorted(self.scans),
            "spaces": sorted(self.spaces),
        }

    def document(self) -> dict[str, Any]:
        """Return the items as JSON values."""
        faces = sorted([ref.face, ref.external_id, ref.space] for ref in self.faces)
        others = {each.name: sorted(getattr(self, each.name)) for each in fields(self) if each.name != "faces"}
        lists = {
            name: [list(each) if isinstance(each, tuple) else each for each in some] for name, some in others.items()
        }
        return {**lists, "faces": faces}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Made:
        """Build the items from their `document`."""
        values: dict[str, Any] = {
            name: frozenset(tuple(each) if isinstance(each, list) else each for each in some)
            for name, some in document.items()
        }
        return cls(**{**values, "faces": frozenset(FaceRef(*each) for each in document["faces"])})

    def needs_to_remove(self) -> Sequence[Need]:
        """Return the capabilities that these items need, which not every capture of the site has."""
        instances = {space for space, _ in self.images | self.collections | self.stations}
        scans = self.scan_spaces if self.revisions or self.scans else frozenset[str]()
        return [
            *in_spaces(sorted(instances | scans)),
            *(Need("dataModelsAcl", "WRITE", in_space(space)) for space in sorted(self.spaces)),
            *([REMOVE_3D] if self.models or self.revisions or self.three_d else ()),
        ]

    def remove_instances(self, ctx: StepContext, key: CaptureKey) -> None:
        """Remove images, collections, models and stations, in that order; missing ones are ignored."""
        model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
        take_out(ctx, key)
        instances = Instances(ctx.cdf.client)
        here = ctx.site.space
        if space_exists(ctx.cdf, here):
            model.remove(key, dry_run=False)
        for some in (self.images, self.collections):
            for space in sorted({space for space, _ in some}):
                instances.remove(space, sorted(name for where, name in some if where == space))
        if space_exists(ctx.cdf, here):
            model.remove_stations(sorted(name for space, name in self.stations if space == here))
        for space in sorted({space for space, _ in self.stations} - {here}):
            instances.remove(space, sorted(name for where, name in self.stations if where == space))

    def remove_scans(self, ctx: StepContext) -> None:
        """Remove revisions, their model once it is empty, E57 files, and empty spaces."""
        scans = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
        for space in sorted(self.scan_spaces):
            scans.remove(ScansMade(self.revisions, self.three_d, self.scans), space)
        for space in sorted(self.spaces):
            with cdf_errors(f"Removing space {space}"):
                if not ctx.cdf.client.data_modeling.instances.list("node", space=space, limit=1):
                    ctx.cdf.client.data_modeling.spaces.delete(space)


@dataclass(slots=True)
class Found:
    """Everything of a capture in CDF, its images, and what others attached to it.

    `kept` are stations and the space that images of others use, `unclear` images that may be another capture's as well,
    `foreign_images` images of others in its collections, `edges` names of edges at its nodes that are not of the site's
    scene.
    """

    images: list[PublishedImage] = field(default_factory=list)
    made: Made = Made()
    kept: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    foreign_images: list[str] = field(default_factory=list)
    edges: tuple[str, ...] = ()


def made_by(ctx: StepContext, key: CaptureKey) -> Found:
    """Find everything of the capture in CDF. Reads only. ConfigError if it is in a space that the site named before."""
    refuse_other_space(ctx, key)
    found = Found()
    captures = list(_captures(ctx, key))
    _find_published(ctx, key, found)
    _find_extracted(ctx, key, captures, found)
    nodes = sorted({*found.made.images, *found.made.collections, *found.made.stations})
    if nodes:
        own = scene_edges(ctx, key, found.made.collections)
        edges = attached_edges(Instances(ctx.cdf.client), nodes)
        found.edges = tuple(sorted(f"{space}/{name}" for space, name in edges if (space, name) not in own))
    return found


def shown_images(ctx: StepContext, key: CaptureKey) -> Sequence[PublishedImage]:
    """Return the capture's images alone, for a poll: `made_by` asks for much else."""
    found = Found()
    _find_images(ctx, key, known_stations(ctx.records, key), found)
    _find_extracted(ctx, key, list(_captures(ctx, key)), found)
    return found.images


def _captures(ctx: StepContext, key: CaptureKey) -> Iterator[Capture]:
    for fingerprint in ctx.records.fingerprints(key):
        capture = validated_capture(ctx.records, key, fingerprint)
        if capture is not None:
            yield capture


def _find_published(ctx: StepContext, key: CaptureKey, found: Found) -> None:
    """Find what was uploaded and published from here.

    A record names the faces of a batch once all of them are uploaded, and replaces the one before, so CDF is asked too.
    """
    site = ctx.site
    model = mode_of(ctx.cdf).images(ctx.cdf, site)
    stations = known_stations(ctx.records, key)
    own = {names.image_id(key, each) for each in stations}
    images = _find_images(ctx, key, stations, found)
    there = space_exists(ctx.cdf, site.space)
    used = {image.station for image in images if image.station}
    removed = set(model.remove(key, dry_run=True))
    refs = {ref for image in images for ref in image.faces.values()}
    for fingerprint in ctx.records.fingerprints(key):
        refs |= all_recorded(ctx.records, model, key, fingerprint)
    collections = {(each.space, each.external_id) for each in (model.collections(key) if there else ())}
    faces = set(model.file_ids(sorted(refs, key=lambda ref: ref.external_id))) if refs else set[FaceRef]()
    faces.update(model.faces_of(key, stations))
    kinds = {*own, *used, *(name for _, name in collections), *(ref.external_id for ref in refs | faces)}
    found.kept += tuple(sorted(used - removed))
    found.made |= Made(
        images=frozenset((image.space, image.external_id) for image in images),
        collections=frozenset(collections),
        models=frozenset(removed - kinds - set(found.foreign_images)),
        stations=frozenset((site.space, name) for name in used & removed),
        faces=frozenset(faces),
    )


def _find_images(ctx: StepContext, key: CaptureKey, stations: Set[str], found: Found) -> Sequence[PublishedImage]:
    """Find the images published from here in the capture's collections, and those of others; return the former."""
    own = {names.image_id(key, each) for each in stations}
    there = space_exists(ctx.cdf, ctx.site.space)
    shown = list(mode_of(ctx.cdf).images(ctx.cdf, ctx.site).images(key)) if there else []
    images = [image for image in shown if image.external_id in own]
    found.images += images
    found.foreign_images += [image.external_id for image in shown if image.external_id not in own]
    return images


def _find_extracted(ctx: StepContext, key: CaptureKey, captures: Sequence[Capture], found: Found) -> None:
    """Find what CDF extracted out of the capture's scans, with revisions and files."""
    scans = [names.e57_id(key, path, sha256) for each in captures for path, sha256 in each.scans.items()]
    if not scans:
        return
    backend = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    extracted_into = recorded_spaces(ctx.records, key)
    there = ScansMade()
    every = sorted(set[Id]().union(*extracted_into.values()), key=str)
    spaces = {*extracted_into, extraction_space(ctx.site, key)}
    alone = names.space_id(key)
    for space in sorted(spaces):
        there |= backend.made(key, every, sorted(set(scans)), space)
    for space in sorted(spaces):
        # The models of a run that was killed before it recorded them are asked as well.
        images = extracted_before(ctx, key, space, {*extracted_into.get(space, ()), *there.own})
        others = _find_in_space(ctx, key, space, images, found, there.began)
        if space == alone and others:
            found.kept += (alone,)
    found.made |= Made(
        revisions=there.work,
        three_d=there.own,
        scans=there.files,
        spaces=frozenset({alone} if alone in spaces - {*found.kept} and space_exists(ctx.cdf, alone) else ()),
        scan_spaces=frozenset(spaces),
    )


def _find_in_space(
    ctx: StepContext,
    key: CaptureKey,
    space: str,
    extracted: list[ExtractedImage],
    found: Found,
    began: datetime | None,
) -> Sequence[ExtractedImage]:
    """Find the capture's images among those that extractions made in a space, and return the others.

    All of them are the capture's where jobs say what they made.
    """
    mine = [each for each in extracted if not each.image.external_id.startswith(names.IMAGE_PREFIX)]
    others: list[ExtractedImage] = []
    if mode_of(ctx.cdf).scans(ctx.cdf, ctx.site).finds_by_place:
        recorded = recorded_images(ctx, key)
        more = unrecorded(ctx, key, space, extracted, recorded, began)
        mine, others = parted(extracted, recorded | more.own)
        found.unclear += tuple(sorted(more.unclear))
    collections = {each.collection for each in mine if each.collection is not None}
    stations = {each.image.station for each in mine if each.image.station}
    left = left_unused(ctx.records, key, space) - Used.by((*mine, *others), space)
    shared = {each.image.station for each in others} & stations
    found.images += [each.image for each in mine]
    found.foreign_images += [each.image.external_id for each in others if each.collection in collections]
    found.kept += tuple(sorted(shared))
    found.made |= Made(
        images=frozenset((each.image.space, each.image.external_id) for each in mine),
        collections=frozenset(
            {*((each.space, each.external_id) for each in collections), *((space, name) for name in left.collections)}
        ),
        stations=frozenset((space, name) for name in (stations - shared) | left.stations),
        faces=_faces(mine) | left.faces,
    )
    return others


def parted(
    extracted: Iterable[ExtractedImage], recorded: Set[str]
) -> tuple[list[ExtractedImage], list[ExtractedImage]]:
    """Return the images with the recorded external ids, and the others."""
    mine: list[ExtractedImage] = []
    others: list[ExtractedImage] = []
    for each in extracted:
        (mine if each.image.external_id in recorded else others).append(each)
    return mine, others


def _faces(images: Sequence[ExtractedImage]) -> frozenset[FaceRef]:
    return frozenset(ref for each in images for ref in each.image.faces.values())
