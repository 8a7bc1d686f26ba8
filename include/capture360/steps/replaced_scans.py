"""Removal of what CDF extracted out of scans that a confirmed delivery replaces or leaves out.

CDF does not say which scan an image was made of, so only what the records prove is removed: an image that they name for
a station of a scan whose revision this delivery does not use. The revision goes first: one that is done and without
images would keep the same scan from ever coming back. What the images alone used is noted before: once they are
removed, nothing in CDF says that it was theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from capture360 import names
from capture360.cdf.capabilities import capabilities, lacking
from capture360.cdf.instances import Instances
from capture360.cdf.polling import wait_until
from capture360.cdf.registry import mode_of
from capture360.cdf.rights import REMOVE_3D
from capture360.cdf.three_d.extraction import Extracted, ExtractedImage
from capture360.cdf.three_d.scans import Id, ScansMade
from capture360.e57 import split_reference
from capture360.errors import CdfUnavailableError
from capture360.model import Capture, CaptureKey, FaceRef
from capture360.records import Records
from capture360.steps.context import StepContext
from capture360.steps.kept_decisions import keep_decided_in_cdf
from capture360.steps.removal import remove_links
from capture360.steps.validation_record import validated_capture
from capture360.text import counted, listed

NOTE = "replaced-scans"
"""Note of what images that are being removed alone used, by space."""


@dataclass(slots=True)
class _Replaced:
    """Images by external id, with the work (model and revision) and the files of scans that gave them."""

    images: set[str] = field(default_factory=set)
    work: set[tuple[Id, Id]] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Used:
    """What images of one space use: its collections and stations by external id, and face files."""

    collections: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()
    faces: frozenset[FaceRef] = frozenset()

    @classmethod
    def by(cls, images: Iterable[ExtractedImage], space: str) -> Used:
        """Return what these images use."""
        some = list(images)
        collections = {each.collection for each in some if each.collection is not None}
        return cls(
            frozenset(each.external_id for each in collections if each.space == space),
            frozenset(each.image.station for each in some if each.image.station),
            frozenset(ref for each in some for ref in each.image.faces.values()),
        )

    def __or__(self, other: Used) -> Used:
        return Used(self.collections | other.collections, self.stations | other.stations, self.faces | other.faces)

    def __sub__(self, other: Used) -> Used:
        return Used(self.collections - other.collections, self.stations - other.stations, self.faces - other.faces)


def remove_replaced(
    ctx: StepContext, capture: Capture, fingerprint: str, extraction: Extracted, space: str, missing: Sequence[str]
) -> None:
    """Remove what a confirmed delivery replaces. What stays, since nothing proves whose it is, is named by `collect`.

    `missing` are stations of which CDF made no image this time: what it had made of their scans stays.
    Idempotent; a run after a crash goes on. CdfUnavailableError if CDF still shows images that were removed.
    """
    scans = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site)
    if not scans.finds_by_place:
        return
    planned = _replaced(ctx, capture, fingerprint, {*capture.held_back, *missing})
    there = {each.image.external_id: each for each in extraction.images()}
    absent = [there[name] for name in sorted(planned.images & there.keys())]
    begun = left_unused(ctx.records, capture.key, space)
    if not absent and begun == Used():
        return
    if denied := lacking(capabilities(ctx.cdf), [REMOVE_3D]):
        ctx.log(
            f"What CDF extracted out of scans that are replaced stays: {denied[0]} is not granted, and unless their 3D "
            "revisions are deleted as well, the same scans could not come back."
        )
        return
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    rest = Used.by((each for name, each in there.items() if name not in planned.images), space)
    unused = (begun | Used.by(absent, space)) - rest
    if unused != begun:
        _note_unused(ctx.records, capture.key, space, unused)
    refs = sorted(unused.faces, key=lambda ref: ref.external_id)
    keep_decided_in_cdf(ctx, capture.key, [each.image for each in absent])
    remove_links(ctx, capture.key, [each.image for each in absent], list(model.file_ids(refs)))
    scans.remove(ScansMade(frozenset(planned.work), frozenset(), frozenset(planned.files)), space)
    instances = Instances(ctx.cdf.client)
    instances.remove(space, [each.image.external_id for each in absent])
    _wait_until_removed(extraction, {each.image.external_id for each in absent})
    instances.remove(space, sorted(unused.collections))
    instances.remove(space, sorted(unused.stations))
    model.remove_faces(refs)
    _note_unused(ctx.records, capture.key, space, Used())
    if absent:
        what = f"{counted(len(absent), 'image')} removed that CDF extracted out of scans which revision"
        which = listed([each.image.external_id for each in absent])
        ctx.log(f"{what} {capture.revision} replaces or leaves out ({which})")


def _replaced(ctx: StepContext, capture: Capture, fingerprint: str, staying: Set[str]) -> _Replaced:
    """Return what earlier deliveries recorded of scans that this one does not use; none of `staying` stations."""
    key, records = capture.key, ctx.records
    now = records.get(key, fingerprint, "revision")
    used = _work(now.body) if now is not None else {}
    kept_files = {names.e57_id(key, path, sha256) for path, sha256 in capture.scans.items()}
    found, kept = _Replaced(), _Replaced()
    for earlier in records.fingerprints(key):
        published, begun = records.get(key, earlier, "publish"), records.get(key, earlier, "revision")
        before = validated_capture(records, key, earlier)
        if published is None or begun is None or before is None:
            continue
        work = _work(begun.body)
        for station, image in published.body.get("shown", {}).items():
            path = split_reference(before.media[station].panorama or "")[0] if station in before.media else ""
            if path not in work:
                continue
            file = names.e57_id(key, path, before.scans[path])
            part = kept if station in staying or work[path] in used.values() else found
            part.images.add(image)
            part.work.add(work[path])
            part.files |= {file} - kept_files
    return _Replaced(found.images - kept.images, found.work - kept.work, found.files - kept.files)


def _work(body: Mapping[str, Any]) -> dict[str, tuple[Id, Id]]:
    """Return model and revision of each scan in a record of `start_revisions`."""
    return {path: (body["model"], number) for path, (number, _) in body["revisions"].items()}


def left_unused(records: Records, key: CaptureKey, space: str) -> Used:
    """Return what a removal in a space was still to remove when it ended; nothing if it was finished."""
    noted = (records.note(key, NOTE) or {"spaces": {}})["spaces"].get(space)
    if noted is None:
        return Used()
    faces = frozenset(FaceRef(*each) for each in noted["files"])
    return Used(frozenset(noted["collections"]), frozenset(noted["stations"]), faces)


def _note_unused(records: Records, key: CaptureKey, space: str, unused: Used) -> None:
    spaces = dict((records.note(key, NOTE) or {"spaces": {}})["spaces"])
    spaces.pop(space, None)
    if unused != Used():
        spaces[space] = {
            "collections": sorted(unused.collections),
            "stations": sorted(unused.stations),
            "files": sorted([ref.face, ref.external_id, ref.space] for ref in unused.faces),
        }
    if spaces:
        records.put_note(key, NOTE, {"spaces": spaces})
    else:
        records.remove_note(key, NOTE)


def _wait_until_removed(extraction: Extracted, wanting: set[str]) -> None:
    def all_removed() -> bool:
        wanting.intersection_update(each.image.external_id for each in extraction.images())
        return not wanting

    if not wait_until(all_removed):
        raise CdfUnavailableError(
            f"{len(wanting)} images were removed but are still shown ({listed(sorted(wanting))})."
        )
