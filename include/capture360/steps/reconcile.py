"""Comparison of records and CDF: what was lost or changed since publishing and linking. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from capture360 import names
from capture360.capture_state import STAGE_STEPS, Stage, StepRecord
from capture360.cdf.instances import Instances
from capture360.cdf.link_ports import LinkDrift
from capture360.cdf.registry import decision_store, mode_of
from capture360.cdf.rights import require_rights
from capture360.errors import Capture360Error, ConfigError, MissingStepError, RecordsError, UnavailableError
from capture360.model import FACES, CaptureKey, PublishedImage
from capture360.rules.finding import Finding
from capture360.rules.reconciliation import R01, R02, R03, R04, R05, R06, R07, R08, R09, R10, R11, R12, R13
from capture360.rules.rule import Rule
from capture360.steps import lease
from capture360.steps.annotate import STEP as ANNOTATE
from capture360.steps.annotate import batches_of, decided_matches, link_writer
from capture360.steps.collect import extract_again, was_extracted
from capture360.steps.context import StepContext
from capture360.steps.decisions_in_cdf import memory_of
from capture360.steps.detect import images_of
from capture360.steps.match import STEP as MATCH
from capture360.steps.match import recorded_absent
from capture360.steps.positions import asset_boxes
from capture360.steps.progress import Progress
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.published import published_stations
from capture360.steps.retracted import is_unfinished
from capture360.steps.stations import known_stations
from capture360.steps.unrecorded import left_behind, unrecorded_images, unused_faces
from capture360.steps.unused_scans import unused_scans
from capture360.text import listed

"""Items that a sentence names at most."""
_LAST_RUN = "In its last run of captures_contextualize (trigger a new one if Airflow has none)"
"""Runs are deleted by `airflow db clean`, and captures that were moved, or linked by a command, have none."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Findings about one site, the number of compared captures, and those not compared since a run is writing them."""

    findings: Sequence[Finding]
    compared: int
    passed_over: Sequence[CaptureKey]


def reconcile_site(ctx: StepContext, *, is_finished: Callable[[str], bool] = lease.process_is_finished) -> Reconciled:
    """Compare every capture of the site, and the collections in its space. An error of one never hides the others.

    `is_finished` is called with runs that hold a capture's lease.
    """
    own = ctx.records.keys_of(ctx.site.id)
    findings: list[Finding] = []
    passed_over: list[CaptureKey] = []
    progress = Progress(ctx.log)
    for number, key in enumerate(own, 1):
        found = reconcile_quiet(ctx, key, is_finished=is_finished)
        if found is None:
            passed_over.append(key)
        else:
            findings += found
        progress(number, len(own), "captures compared")
    findings += unknown_collections(ctx)
    return Reconciled(findings, len(own) - len(passed_over), passed_over)


def reconcile_quiet(
    ctx: StepContext, key: CaptureKey, *, is_finished: Callable[[str], bool] = lease.process_is_finished
) -> Sequence[Finding] | None:
    """Return what `reconcile` finds; None if a run is writing the capture, or wrote it during the comparison.

    Faults of the capture's records are findings. ConfigError and UnavailableError concern all captures.
    """
    try:
        before = lease.position(ctx.records, key)
        if before[1] is not None and not is_finished(before[1]):
            return None
        found = reconcile(ctx, key)
        return found if lease.position(ctx.records, key) == before else None
    except (ConfigError, UnavailableError):
        raise
    except Capture360Error as error:
        return [_finding(key, R01, str(error))]
    except (KeyError, TypeError, ValueError) as error:
        what = f"It cannot be compared, since one of its records is damaged ({error!r})."
        return [_finding(key, R01, f"{what} Restore {ctx.records.url}/{key} from a backup.")]


def reconcile(ctx: StepContext, key: CaptureKey) -> Sequence[Finding]:
    """Return findings about lost, changed and unrecorded items of a capture, each with its fix.

    Links are compared only if the published delivery is the linked one, the recorded state of links is complete, and
    all images exist.
    """
    if is_unfinished(ctx.records, key):
        what = "Its retraction has begun to remove it and has not ended. Run captures_retract for it again."
        return [_finding(key, R04, what)]
    state = ctx.records.load(key, only=STAGE_STEPS)
    if state is not None and state.stage is Stage.RETRACTED:
        model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
        left = [image.external_id for image in model.images(key)]
        files = [ref.external_id for ref in model.faces_of(key, known_stations(ctx.records, key))]
        what = f"shows images of it: {listed(left)}" if left else f"has face files of it: {listed(sorted(files))}"
        again = f"It is retracted, and CDF {what}. Run captures_retract for it again."
        return [_finding(key, R04, again)] if left or files else []
    published = ctx.records.newest_with(key, PUBLISH)
    record = ctx.records.get(key, published, PUBLISH) if published else None
    if published is None or record is None:
        # What has no records at all is reported by `unknown_collections`.
        return _unrecorded(ctx, key, None, None) if ctx.records.load(key, only=STAGE_STEPS) else []
    found = [*_image_drift(ctx, key, published, record), *_unrecorded(ctx, key, published, record)]
    linked = ctx.records.newest_with(key, ANNOTATE)
    if linked is None:
        return found
    memory = memory_of(ctx, key)
    if lost := memory.lost():
        found.append(_finding(key, R02, memory.sentence(lost)))
    if not ctx.records.has(key, linked, MATCH):
        what = "Missing from the records: the texts and their matches, suggestions among them."
        found.append(_finding(key, R03, f"{what} Run captures_contextualize for it: it reads them again."))
    linking = ctx.records.get(key, linked, ANNOTATE)
    if linked != published and linking is not None and linking.at > record.at:
        what = "Links of an older delivery, which were written after this one was published."
        found.append(_finding(key, R10, f"{what} Run captures_contextualize for it."))
    if not found and linked == published:
        return [*_link_drift(ctx, key, _compared(ctx, key, linked)), *_box_drift(ctx, key)]
    return found


def _unrecorded(ctx: StepContext, key: CaptureKey, published: str | None, record: StepRecord | None) -> list[Finding]:
    """Findings about images that viewers show although no record contains them."""
    found = []
    if unknown := unrecorded_images(ctx, key, published, record):
        fix = "Delete in CDF those that nobody else needs; a higher revision removes those by capture360."
        found.append(_finding(key, R04, f"Images that CDF shows and no record knows: {listed(unknown)}. {fix}"))
    if unused := unused_faces(ctx, key, record):
        what = f"Face files that CDF has and no image shows: {listed(unused)}."
        found.append(
            _finding(
                key,
                R04,
                f"{what} Run captures_ingest for it: it removes those that it does not publish. If it is not to be "
                "published, run captures_retract.",
            )
        )
    if scans := unused_scans(ctx, key):
        what = f"E57 files that CDF has of deliveries whose upload broke off: {listed(scans)}."
        found.append(_finding(key, R04, f"{what} Run captures_ingest for it: it removes them."))
    if record is not None and (left := left_behind(ctx, key, record)):
        what = "Images of earlier deliveries that CDF extracted itself and still shows"
        found.append(_finding(key, R05, f"{what}: {listed(left)}. Delete them in CDF."))
    return found


def unknown_collections(ctx: StepContext) -> Sequence[Finding]:
    """Return findings about capture360's collections in the site's space whose captures have no records."""
    there = Instances(ctx.cdf.client).found(ctx.site.space, names.COLLECTION_PREFIX)
    # Records are listed after CDF: those of a capture that is ingested meanwhile come before its collections.
    begun = [key for key in (ctx.records.keys() if there else ()) if _is_begun(ctx, key)]
    unknown = [each for each in there if not each.startswith(tuple(map(names.collection_id, begun)))]
    if not unknown:
        return []
    store = decision_store(ctx.cdf, ctx.site)
    decisions = "are lost" if store is None or store.missing() else "are kept in CDF"
    message = (
        f"Collections of captures without records: {listed(unknown)}. Restore their folders in "
        f"{ctx.records.url} from a backup. If a capture is ingested again instead, its images are found in CDF; "
        f"decisions of people on its links {decisions}."
    )
    return [R01.finding(where=f"space {ctx.site.space}", value=len(unknown), sentence=message)]


def _is_begun(ctx: StepContext, key: CaptureKey) -> bool:
    """Return whether a capture has records, of any site; those that are damaged are findings about that capture."""
    try:
        return ctx.records.load(key, only=STAGE_STEPS) is not None
    except RecordsError:
        return True


def _image_drift(ctx: StepContext, key: CaptureKey, published: str, record: StepRecord) -> list[Finding]:
    """Findings about images that CDF no longer has, and about images that lack faces."""
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    again = "Run captures_ingest for it: what is there is not written again."
    if was_extracted(record.body):
        promised = list(record.body["shown"].values())
        images = _images(ctx, key, published)
        again = extract_again(ctx, key, published)
    else:
        promised = [names.image_id(key, station) for station in published_stations(ctx.records, key)]
        images = list(model.images(key))
    there = {image.external_id for image in images}
    found = []
    if hidden := [each for each in promised if each not in there]:
        found.append(_finding(key, R06, f"Images that CDF does not show: {listed(hidden)}. {again}"))
    refs = {ref: image.external_id for image in images for ref in image.faces.values()}
    uploaded = model.file_ids(list(refs))
    faceless = {image.external_id for image in images if len(image.faces) < len(FACES)}
    faceless |= {image for ref, image in refs.items() if ref not in uploaded}
    if faceless:
        found.append(_finding(key, R07, f"Images that lack faces: {listed(sorted(faceless))}. {again}"))
    return found


def _images(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Sequence[PublishedImage]:
    try:
        return images_of(ctx, key, fingerprint)
    except MissingStepError:
        return []


def _compared(ctx: StepContext, key: CaptureKey, linked: str) -> LinkDrift:
    require_rights(ctx.cdf, ctx.site, "reconcile")
    matches = decided_matches(ctx, key, linked)
    writer = link_writer(ctx, key, reads_only=True)
    absent = recorded_absent(ctx.records, key, linked)
    parts = [writer.compare(some, found, absent) for some, found in batches_of(images_of(ctx, key, linked), matches)]
    return LinkDrift(
        missing=tuple(each for part in parts for each in part.missing),
        unexplained=tuple(each for part in parts for each in part.unexplained),
        unmarked=tuple(each for part in parts for each in part.unmarked),
        changed=tuple(each for part in parts for each in part.changed),
        orphans=tuple(each for part in parts for each in part.orphans),
    )


def _link_drift(ctx: StepContext, key: CaptureKey, drift: LinkDrift) -> list[Finding]:
    if drift.changed:
        ctx.log(f"{key}: links by capture360 that people changed or removed, which stays so: {listed(drift.changed)}")
    assets = {asset.ref for asset in mode_of(ctx.cdf).assets(ctx.cdf, ctx.site.links).assets()} if drift.missing else ()
    assetless = [link.description for link in drift.missing if link.asset not in assets]
    missing = [link.description for link in drift.missing if link.asset in assets]
    clear = f"{_LAST_RUN} clear the task"
    drifts = (
        (R08, missing, "Links that the records hold and CDF does not", f"{clear} annotate."),
        (R09, assetless, "Links to assets that no longer exist", f"{clear} match with all downstream."),
        (R10, drift.unexplained, "Links by capture360 that no record contains", f"{clear} annotate."),
        (
            R11,
            drift.orphans,
            "Links whose asset was deleted, which keeps viewers out of the image",
            f"{clear} annotate: it removes those by capture360; delete the others, or set object3D of their assets.",
        ),
        (
            R12,
            drift.unmarked,
            "Links with exactly capture360's outlines that are not marked as its own",
            f"{clear} annotate: it marks them.",
        ),
    )
    return [_finding(key, rule, f"{what}: {listed(links)}. {remedy}") for rule, links, what, remedy in drifts if links]


def _box_drift(ctx: StepContext, key: CaptureKey) -> list[Finding]:
    boxes = asset_boxes(ctx, key)
    emptied, others = boxes.drift() if boxes else ((), ())
    if others:
        ctx.log(f"{key}: boxes by capture360 that others replaced, which stays so: {listed(others)}")
    what = f"Boxes of assets that the records hold and CDF does not: {listed(emptied)}."
    remedy = f"{_LAST_RUN} clear the task annotate."
    return [_finding(key, R13, f"{what} {remedy}")] if emptied else []


def _finding(key: CaptureKey, rule: Rule, sentence: str) -> Finding:
    return rule.finding(where=str(key), sentence=sentence)
