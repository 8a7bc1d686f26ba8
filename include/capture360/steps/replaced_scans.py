"""Removal of what CDF extracted out of scans that a confirmed delivery replaces or leaves out.

CDF does not say which scan an image was made of, so only what the records prove is removed: an image that they name for
a station of a scan whose revision this delivery does not use. The revision goes first: one that is done and without
images would keep the same scan from ever coming back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from capture360 import names
from capture360.cdf.capabilities import Need, capabilities, lacking
from capture360.cdf.instances import Instances
from capture360.cdf.polling import wait_until
from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.extraction import Extracted, ExtractedImage
from capture360.cdf.three_d.scans import Id, ScansMade
from capture360.e57 import split_reference
from capture360.errors import CdfUnavailableError
from capture360.model import Capture
from capture360.steps.context import StepContext
from capture360.steps.kept_decisions import keep_decided_in_cdf
from capture360.steps.removal import remove_links
from capture360.steps.validate import validated_capture
from capture360.text import counted, listed

_REMOVE_3D = Need("threedAcl", "DELETE")


@dataclass(slots=True)
class _Replaced:
    """Images by external id, with the work (model and revision) and the files of scans that gave them."""

    images: set[str] = field(default_factory=set)
    work: set[tuple[Id, Id]] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


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
    if not absent:
        return
    if denied := lacking(capabilities(ctx.cdf), [_REMOVE_3D]):
        ctx.log(
            f"What CDF extracted out of scans that are replaced stays: {denied[0]} is not granted, and unless their 3D "
            "revisions are deleted as well, the same scans could not come back."
        )
        return
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    rest = [each for name, each in there.items() if name not in planned.images]
    faces = {ref for each in absent for ref in each.image.faces.values()}
    faces -= {ref for each in rest for ref in each.image.faces.values()}
    refs = sorted(faces, key=lambda ref: ref.external_id)
    keep_decided_in_cdf(ctx, capture.key, [each.image for each in absent])
    remove_links(ctx, capture.key, [each.image for each in absent], list(model.file_ids(refs)))
    scans.remove(ScansMade(frozenset(planned.work), frozenset(), frozenset(planned.files)), space)
    instances = Instances(ctx.cdf.client)
    instances.remove(space, [each.image.external_id for each in absent])
    _wait_until_removed(extraction, {each.image.external_id for each in absent})
    instances.remove(space, sorted(_collections(absent, space) - _collections(rest, space)))
    instances.remove(space, sorted(_stations(absent) - _stations(rest)))
    model.remove_faces(refs)
    ctx.log(
        f"{counted(len(absent), 'image')} removed that CDF extracted out of scans which revision {capture.revision} "
        f"replaces or leaves out ({listed([each.image.external_id for each in absent])})"
    )


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


def _collections(images: Sequence[ExtractedImage], space: str) -> Set[str]:
    found = {each.collection for each in images if each.collection is not None}
    return {each.external_id for each in found if each.space == space}


def _stations(images: Sequence[ExtractedImage]) -> Set[str]:
    return {each.image.station for each in images if each.image.station}


def _wait_until_removed(extraction: Extracted, wanting: set[str]) -> None:
    def all_removed() -> bool:
        wanting.intersection_update(each.image.external_id for each in extraction.images())
        return not wanting

    if not wait_until(all_removed):
        raise CdfUnavailableError(
            f"{len(wanting)} images were removed but are still shown ({listed(sorted(wanting))})."
        )
