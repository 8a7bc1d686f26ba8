"""Retraction: remove exactly what one capture created in CDF, in reverse order, unless others attached something.

The items are noted before the first deletion, since a run after a crash could no longer find all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture360 import dag_names
from capture360.capture_state import STAGE_STEPS, Stage
from capture360.cdf.fusion import asset_link, collection_link
from capture360.cdf.polling import wait_until
from capture360.cdf.ports import Collection
from capture360.cdf.preflight import require
from capture360.cdf.registry import mode_of
from capture360.cdf.rights import require_rights
from capture360.errors import CdfUnavailableError, MissingStepError, RetractionError
from capture360.model import Asset, CaptureKey, PublishedImage
from capture360.records import Records
from capture360.reports.retraction import render_plan
from capture360.steps.annotate import link_writer, written_matches
from capture360.steps.context import StepContext
from capture360.steps.coverage import NOTE as COVERAGE
from capture360.steps.decisions_in_cdf import memory_of, refreshed
from capture360.steps.earlier_plates import NOTE as PLATES
from capture360.steps.kept_decisions import keep_decided_in_cdf
from capture360.steps.left_links import LEFT
from capture360.steps.made import Made, made_by, shown_images
from capture360.steps.open_plates import note_open
from capture360.steps.positions import asset_boxes
from capture360.steps.published import NOTE as PUBLISHED
from capture360.steps.replaced_scans import NOTE as REPLACED
from capture360.steps.republish_guard import published_revision
from capture360.steps.retracted import PLAN, RETRACTED, delivered_anew, newest_begun
from capture360.steps.validation_record import CAPTURE
from capture360.text import counted, digest_of, listed, printable

STEP = "retract"
_SHOWN = 20
_LONGEST_LINE = 2_000
_WITH_PICTURES = (".html", ".jpg", ".png")
_PLAN_PAGE = "retraction-"


@dataclass(frozen=True, slots=True)
class Retraction:
    """Plan of a retraction: links as phrases, everything else by external id, in the order of removal.

    `holders` are sentences about what others attached, which prevents the retraction. `kept` stays since images of
    others use it, `unclear` are images that stay since they may be another extraction's.
    """

    key: CaptureKey
    links: tuple[str, ...]
    made: Made
    kept: tuple[str, ...]
    holders: tuple[str, ...]
    images: tuple[PublishedImage, ...] = ()
    """The images in CDF, whose links are removed."""
    boxes: tuple[str, ...] = ()
    """Bounding boxes of assets."""
    decisions: tuple[str, ...] = ()
    """Decisions of people that are kept in CDF."""
    revision: int = 0
    """The highest delivered revision: a higher one with the same pictures is another plan."""
    assets: tuple[Asset, ...] = ()
    """Assets that its links name."""
    unclear: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of the plan, so that exactly what was approved is removed."""
        parts = [sorted(some) for some in (self.links, self.boxes, self.decisions)]
        return digest_of([*parts, self.made.document(), self.holders, self.revision])

    def removes(self) -> Mapping[str, Sequence[str]]:
        """Return what would be removed by kind, in the order of removal."""
        parts = {"boxes": self.boxes, "links": self.links, **self.made.by_kind(), "decisions": self.decisions}
        return {what: some for what, some in parts.items() if some}

    def document(self) -> dict[str, Any]:
        """Return the whole plan as JSON values."""
        return {
            "capture": str(self.key),
            "digest": self.digest,
            "removes": {what: list(some) for what, some in self.removes().items()},
            "stays": list(self.kept),
            "unclear": list(self.unclear),
            "stopped_by": list(self.holders),
        }

    def lines(self, most: int = _SHOWN) -> list[str]:
        """Return the plan for people, with at most so many names of a kind.

        Each line is printable: names of what others made are texts from outside.
        """
        parts = self.removes()
        one = {what: "box" if what == "boxes" else what.removesuffix("s") for what in parts}
        lines = [f"{counted(len(some), one[what], what)}: {listed(some, most)}" for what, some in parts.items()]
        lines += [f"stays, since others use it: {name}" for name in self.kept]
        if self.unclear:
            lines.append(
                f"left in CDF: {counted(len(self.unclear), 'image')}, since another extraction may have made them: "
                f"no record that can be read says whose they are: {listed(self.unclear, most)}. captures_reconcile "
                "names damaged records. Run captures_ingest or captures_retract for the other capture as well, or "
                "delete them in CDF."
            )
        lines = [*(lines or ["Nothing of it is in CDF."]), *(f"Stops it: {sentence}" for sentence in self.holders)]
        return [printable(line, _LONGEST_LINE) for line in lines]


def plan_retraction(ctx: StepContext, key: CaptureKey) -> Retraction:
    """Return what a retraction would remove, and what prevents it. Reads only.

    MissingStepError if the capture has no records; ConfigError, or CdfError where old links are, if rights are lacking.
    """
    if ctx.records.load(key, only=STAGE_STEPS) is None:
        raise MissingStepError(key, "it is not in the records", dag_names.INGEST)
    require_rights(ctx.cdf, ctx.site, "retract")
    found = made_by(ctx, key)
    begun = ctx.records.note(key, PLAN)
    made = found.made | _noted(begun) if begun else found.made
    require(ctx.cdf, made.needs_to_remove())
    writer = link_writer(ctx, key)
    matches = written_matches(ctx, key)
    links = tuple(dict.fromkeys(writer.remove(found.images, matches, dry_run=True))) if found.images else ()
    people = writer.of_people(found.images, matches) if found.images else []
    people = [phrase for phrase in people if phrase not in links]
    own = {phrase.removeprefix("link ") for phrase in (*links, *people)}
    edges = [edge for edge in found.edges if edge not in own]
    holders = (
        *(f"{phrase} was made by others." for phrase in people),
        *(f"edge {edge} of others is attached to it." for edge in edges),
        *(f"image {image} of others is in its collections." for image in found.foreign_images),
    )
    boxes = asset_boxes(ctx, key)
    marked = tuple(boxes.remove(dry_run=True)) if boxes else ()
    decisions = tuple(memory_of(ctx, key).in_cdf())
    revision = _highest_revision(ctx.records, key)
    assets = {match.asset.ref: match.asset for match in matches if match.asset and match.status == "approved"}
    named = tuple(sorted(assets.values(), key=lambda asset: (asset.name, asset.ref)))
    images, unclear = tuple(found.images), found.unclear
    return Retraction(key, links, made, found.kept, holders, images, marked, decisions, revision, named, unclear)


def keep_plan(ctx: StepContext, plan: Retraction) -> str:
    """Keep a page with the whole plan beside the newest delivery; return its address relative to `reports/`."""
    newest = ctx.records.load(plan.key, only=STAGE_STEPS)
    if newest is None:
        raise MissingStepError(plan.key, "it is not in the records", dag_names.INGEST)
    connection = ctx.cdf.connection
    collections = [Collection(space, name) for space, name in sorted(plan.made.collections)]
    text = render_plan(
        plan.key,
        plan.removes(),
        plan.kept,
        plan.unclear,
        [
            *((each.external_id, collection_link(connection, each)) for each in collections),
            *((asset.name or asset.ref, asset_link(connection, asset)) for asset in plan.assets),
        ],
    )
    name = f"{_PLAN_PAGE}{plan.digest}.html"
    ctx.records.put_report(plan.key, newest.fingerprint, name, text)
    return f"{plan.key}/{newest.fingerprint}/{name}"


def retract(ctx: StepContext, key: CaptureKey, *, approved: str | None, by: str) -> Retraction:
    """Remove what the capture created, and record the retraction. Idempotent.

    `approved` is the digest of the plan that people have seen; None takes the plan as it is now. RetractionError if the
    plan has changed since, or others attached something. An interrupted retraction resumes with the noted items, unless
    the capture has created more since, or was delivered anew.
    """
    state = ctx.records.load(key, only=STAGE_STEPS)
    plan = plan_retraction(ctx, key)
    begun = ctx.records.note(key, PLAN)
    if plan.holders:
        raise RetractionError(
            f"{key} cannot be retracted, since others attached something to it: {' '.join(plan.holders[:_SHOWN])}",
        )
    if begun is None or plan.made != _noted(begun) or delivered_anew(ctx.records, key):
        is_empty = not (plan.made or plan.links or plan.boxes or plan.decisions)
        if begun is None and state is not None and state.stage is Stage.RETRACTED and is_empty:
            ctx.log(f"{key} is retracted; nothing was changed")
            return plan
        if approved is not None and approved != plan.digest:
            raise RetractionError(f"{key} has changed since its retraction was planned; nothing was removed.")
        begun = {"made": plan.made.document(), "by": by}
        ctx.records.put_note(key, PLAN, begun)
    refreshed(ctx, key)
    _remove(ctx, key, plan)
    body = {"by": begun["by"], "removed": {kind: len(some) for kind, some in plan.made.by_kind().items()}}
    known = [each for each in ctx.records.fingerprints(key) if ctx.records.load(key, each, only=STAGE_STEPS)]
    _remove_pictures(ctx.records, key, ctx.records.fingerprints(key))  # a killed examination left a report alone
    note_open(ctx.records, key, 0)
    ctx.records.put(key, known[0], STEP, body, run=ctx.run, also=known[1:])
    newest, read = ctx.records.load(key, only=STAGE_STEPS), newest_begun(ctx.records, key)
    if newest is not None and (read is None or read.fingerprint == newest.fingerprint):
        ctx.records.mark_done(
            newest
        )  # the pages say so before the next sensing, which looks at what was only announced
    ctx.records.remove_note(key, PLAN)
    ctx.log(f"{key} is retracted")
    return plan


def _remove(ctx: StepContext, key: CaptureKey, plan: Retraction) -> None:
    """Remove links first and files last, so that nothing that is shown lacks what it refers to."""
    made = plan.made
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    writer = link_writer(ctx, key)
    # Before anything is removed: otherwise, if this run breaks off, the next ingest would publish all of it again.
    ctx.records.put_note(key, RETRACTED, {"revision": _highest_revision(ctx.records, key)})
    keep_decided_in_cdf(ctx, key, plan.images)
    ctx.records.remove_note(key, LEFT)  # before any link: otherwise people would seem to have removed them
    if boxes := asset_boxes(ctx, key):
        boxes.remove(dry_run=False)
    if plan.images:
        writer.remove(plan.images, written_matches(ctx, key), dry_run=False)
    writer.remove_from_files(list(made.faces))
    made.remove_instances(ctx, key)

    def all_gone() -> bool:
        return not shown_images(ctx, key)

    if not wait_until(all_gone):
        raise CdfUnavailableError(f"{key}: its images were removed, but CDF still shows some of them.")
    model.remove_faces(list(made.faces))
    made.remove_scans(ctx)
    memory_of(ctx, key).take_out_of_cdf()
    ctx.records.remove_note(key, PUBLISHED)
    ctx.records.remove_note(key, COVERAGE)
    ctx.records.remove_note(key, PLATES)
    ctx.records.remove_note(key, REPLACED)


def _remove_pictures(records: Records, key: CaptureKey, deliveries: Sequence[str]) -> None:
    """Remove reports, thumbnails and cards of reviews: they may show what the capture was retracted for."""
    folders = [f"{key}/{delivery}" for delivery in deliveries]
    reports = [(folder, name) for folder in folders for name in records.store.names(folder)]
    with_pictures = [each for each in reports if each[1].endswith(_WITH_PICTURES)]
    records.store.remove_all([f"{folder}/{name}" for folder, name in with_pictures if not name.startswith(_PLAN_PAGE)])


def _highest_revision(records: Records, key: CaptureKey) -> int:
    """Return the highest revision of all deliveries, published or not: some of their faces may have been in CDF."""
    found = [records.get(key, delivery, CAPTURE) for delivery in records.fingerprints(key)]
    revisions = [int(record.body["revision"]) for record in found if record is not None]
    return max([published_revision(records, key), *revisions])


def _noted(begun: Mapping[str, Any]) -> Made:
    return Made.from_document(begun["made"])
