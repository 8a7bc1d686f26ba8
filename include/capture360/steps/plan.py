"""Dry run of an ingest: what it would write."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from capture360.cdf.preflight import space_exists
from capture360.cdf.registry import mode_of
from capture360.checks.validation import Validation
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, CaptureKey
from capture360.steps.context import StepContext
from capture360.steps.e57_extraction import scan_file
from capture360.steps.faces import open_faces, references
from capture360.steps.progress import Progress
from capture360.steps.removal import left_out
from capture360.steps.republish_guard import newer_revision_asked
from capture360.steps.route import extraction_space, route_of
from capture360.steps.scene import placing_writes
from capture360.steps.validate import checked, preflight


@dataclass(frozen=True, slots=True)
class Plan:
    """The verdict, and what would be written: the space if it is new, files and instances by external id.

    `revisions` are the scans out of which CDF would extract the panoramas: what it makes of them and which images they
    replace is known afterwards. `removed` are the images that another confirmed delivery leaves out.
    """

    validation: Validation
    space: str | None = None
    files: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def plan(ctx: StepContext, key: CaptureKey) -> Plan:
    """Check the capture, make its faces, and compare with CDF. Neither CDF nor the records are written."""
    folder = ctx.folder(key)
    validation = checked(ctx, key, folder, fingerprint(folder, ctx.site.landing.ready_markers))
    capture = validation.capture
    if capture is None:
        return Plan(validation)
    route = route_of(ctx, capture)
    preflight(ctx, key, len(capture.stations), route)
    if route == "revision":
        return _planned_revisions(ctx, folder, validation, capture)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    shas = {}
    progress = Progress(ctx.log)
    with closing(open_faces(ctx, capture, folder)) as source:
        for number, station in enumerate(capture.stations, 1):
            shas[station.id] = {face.face: face.sha256 for face in source.faces(station)}
            progress(number, len(capture.stations), "stations compared")
    refs = references(model, key, shas)
    wanted = {ref: shas[station][face] for station, by_face in refs.items() for face, ref in by_face.items()}
    stored = model.stored(wanted)
    files = tuple(ref.external_id for ref in wanted if ref not in stored)
    instances = model.changes(capture, refs)
    space = None if space_exists(ctx.cdf, ctx.site.space) else ctx.site.space
    removed: tuple[str, ...] = ()
    if newer_revision_asked(ctx.records, capture):
        there = {image.external_id: image for image in model.images(key)}
        removed = tuple(image.external_id for image in left_out(capture, there))
    return Plan(validation, space, files, (*instances, *placing_writes(ctx, capture)), removed=removed)


def _planned_revisions(ctx: StepContext, folder: CaptureFolder, validation: Validation, capture: Capture) -> Plan:
    space = extraction_space(ctx.site, capture.key)
    wanted = {path: scan_file(folder, capture, path) for path in sorted(capture.scans)}
    known = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site).known(capture.key, wanted, space)
    return Plan(
        validation,
        space=None if space_exists(ctx.cdf, space) else space,
        files=tuple(file.external_id for path, file in wanted.items() if path not in known.stored),
        instances=tuple(placing_writes(ctx, capture, extracted=True)),
        revisions=tuple(path for path in wanted if path not in known.started),
    )
