"""Records and CDF compared: what was lost or changed since a capture was published and linked.

Nothing is written but by `repair`, which takes up again what CDF and the recorded answers prove.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass

from capture360 import names
from capture360.cdf.client import CdfProject
from capture360.cdf.link_writer import LinkDrift
from capture360.cdf.modes import mode_of
from capture360.cdf.nodes import Instances
from capture360.errors import BadInputError
from capture360.model import CaptureKey, Disposition, Finding, PublishedImage
from capture360.steps import lease
from capture360.steps.annotate import STEP as ANNOTATE
from capture360.steps.annotate import batches_of, decided_matches, link_writer
from capture360.steps.context import StepContext
from capture360.steps.detect import images_of
from capture360.steps.link_memory import LinkMemory
from capture360.steps.match import STEP as MATCH
from capture360.steps.progress import Progress
from capture360.steps.publish import STEP as PUBLISH

_NAMED = 5
"""How many of many are named in a sentence."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The findings about one site, how many captures were compared, and which were not, for a run is writing them."""

    findings: Sequence[Finding]
    compared: int
    passed_over: Sequence[CaptureKey]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was taken up again, and what nothing proves any more."""

    pairs: int
    decisions: int
    given_up: int


def reconcile(ctx: StepContext, key: CaptureKey) -> Sequence[Finding]:
    """What of a published capture is lost or changed, each with the way to mend it; nothing of one that is not.

    Links are compared once the delivery that is published is the one that was linked, and all its images are there.
    Reads only.
    """
    published = ctx.records.newest_with(key, PUBLISH)
    if published is None:
        return []
    try:
        images = images_of(ctx, key, published)
    except BadInputError:
        images = []
    found = [*_images_drift(ctx, key, published, images), *_faces_drift(ctx, key, images)]
    whole = not found
    linked = ctx.records.newest_with(key, ANNOTATE)
    if linked is None:
        return found
    memory = LinkMemory(ctx, key, linked)
    if lost := memory.lost():
        found.append(_finding(key, "memory", memory.loss(lost)))
    if ctx.records.get(key, linked, MATCH) is None:
        what = "The texts and their matches, suggestions among them, are gone from the records."
        found.append(_finding(key, "matches", f"{what} Run captures_contextualize for it: it reads them anew."))
    elif linked == published and whole:
        found += _link_drift(ctx, key, _compared(ctx, key, linked, images))
    return found


def reconcile_site(ctx: StepContext, *, is_finished: Callable[[str], bool] = lease.process_is_finished) -> Reconciled:
    """Every capture of the site, and the collections in its space; an error about one capture never hides the others.

    `is_finished` is asked about a run that holds a capture's lease.
    """
    known = list(ctx.records.keys())
    own = [key for key in known if key.site == ctx.site.id]
    findings: list[Finding] = []
    passed_over: list[CaptureKey] = []
    progress = Progress(ctx.say)
    for number, key in enumerate(own, 1):
        holder = lease.holder(ctx.records, key)
        if holder is not None and not is_finished(holder):
            passed_over.append(key)
        else:
            findings += _reconciled(ctx, key)
        progress(number, len(own), "captures compared")
    findings += unknown_collections(ctx.cdf, ctx.site.space, known)
    return Reconciled(findings, len(own) - len(passed_over), passed_over)


def _reconciled(ctx: StepContext, key: CaptureKey) -> Sequence[Finding]:
    try:
        return reconcile(ctx, key)
    except (KeyError, TypeError, ValueError) as error:
        what = f"One of its records cannot be read ({error!r})."
        return [_finding(key, "records", f"{what} Restore its folder in {ctx.records.url} from a backup.")]


def unknown_collections(cdf: CdfProject, space: str, known: Some[CaptureKey]) -> Sequence[Finding]:
    """Collections of ours in a space whose captures have no records."""
    prefixes = tuple(names.collection_id(key) for key in known)
    unknown = [
        each
        for each in Instances(cdf.client).found(space, names.COLLECTION_PREFIX)
        if not prefixes or not each.startswith(prefixes)
    ]
    if not unknown:
        return []
    message = (
        f"CDF holds {_counted(unknown, 'collection')} that no records know: {_list(unknown)}. Restore the folders of "
        "those captures among the records from a backup, or give the captures in again: what is there is found."
    )
    return [Finding("records", Disposition.WARN, f"space {space}", str(len(unknown)), message)]


def repair(ctx: StepContext, key: CaptureKey) -> Repaired:
    """Take up again the decisions that answers recorded and the pairs that CDF shows as we made them; then go on.

    What nothing proves is given up: such links are somebody else's from here on, and such suggestions are asked anew.
    BadInputError if the capture was not linked, or its matches are gone.
    """
    linked = ctx.records.newest_with(key, ANNOTATE)
    if linked is None:
        raise BadInputError(f"{key} has no links to remember. Run captures_contextualize for it.")
    memory = LinkMemory(ctx, key, linked)
    before = memory.lost()
    memory.recover_decisions()
    writer = link_writer(ctx, key, linked)
    matches = decided_matches(ctx, key, linked)
    pairs = sum(writer.recover(*batch) for batch in batches_of(images_of(ctx, key, linked), matches))
    after = memory.lost()
    memory.accept()
    done = Repaired(pairs, before.decisions - after.decisions, after.pairs + after.decisions)
    ctx.say(f"{key}: {done.pairs} pairs and {done.decisions} decisions taken up again, {done.given_up} given up")
    return done


def _images_drift(ctx: StepContext, key: CaptureKey, published: str, images: Sequence[PublishedImage]) -> list[Finding]:
    record = ctx.records.get(key, published, PUBLISH)
    promised = int(record.body["images"]) if record else 0
    if len(images) >= promised:
        return []
    what = f"CDF shows {len(images)} of {promised} images."
    return [_finding(key, "images", f"{what} Run captures_ingest for it: what is there is not written again.")]


def _faces_drift(ctx: StepContext, key: CaptureKey, images: Sequence[PublishedImage]) -> list[Finding]:
    refs = [ref for image in images for ref in image.faces.values()]
    there = mode_of(ctx.cdf).images(ctx.cdf, ctx.site).file_ids(refs)
    gone = [ref.external_id for ref in refs if ref not in there]
    if not gone:
        return []
    what = f"{_counted(gone, 'face file')} of its images {'is' if len(gone) == 1 else 'are'} not in CDF: {_list(gone)}."
    return [_finding(key, "faces", f"{what} Run captures_ingest for it: what is there is not written again.")]


def _compared(ctx: StepContext, key: CaptureKey, linked: str, images: Sequence[PublishedImage]) -> LinkDrift:
    matches = decided_matches(ctx, key, linked)
    writer = link_writer(ctx, key, linked)
    parts = [writer.compare(some, found) for some, found in batches_of(images, matches)]
    return LinkDrift(
        missing=tuple(each for part in parts for each in part.missing),
        unexplained=tuple(each for part in parts for each in part.unexplained),
        forgotten=tuple(each for part in parts for each in part.forgotten),
        changed=tuple(each for part in parts for each in part.changed),
    )


def _link_drift(ctx: StepContext, key: CaptureKey, drift: LinkDrift) -> list[Finding]:
    if drift.changed:
        ctx.say(f"{key}: {_counted(drift.changed, 'link')} of ours were changed by people, and stay so")
    anew = "Run captures_contextualize for it from the task annotate."
    told = (
        ("missing", drift.missing, f"that the records hold are not in CDF: {_list(drift.missing)}. {anew}"),
        ("unexplained", drift.unexplained, f"of ours are in no record: {_list(drift.unexplained)}. {anew}"),
        (
            "forgotten",
            drift.forgotten,
            f"in CDF are as we would make them, but nothing remembers that we did: {_list(drift.forgotten)}. "
            f"If they are ours, run: capture360 reconcile {key} --repair",
        ),
    )
    return [_finding(key, rule, f"{_counted(links, 'link')} {what}") for rule, links, what in told if links]


def _finding(key: CaptureKey, rule: str, message: str) -> Finding:
    return Finding(rule, Disposition.WARN, str(key), "", message)


def _counted(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _list(things: Sequence[str]) -> str:
    more = f" and {len(things) - _NAMED} more" if len(things) > _NAMED else ""
    return ", ".join(things[:_NAMED]) + more
