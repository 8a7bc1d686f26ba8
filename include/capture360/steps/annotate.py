"""Write the links of a capture to CDF."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from capture360.batches import batched
from capture360.capture_state import ANNOTATE
from capture360.cdf.capabilities import capabilities, lacking
from capture360.cdf.link_ports import LinksWritten, LinkWriter
from capture360.cdf.registry import mode_of
from capture360.errors import CdfError
from capture360.model import CaptureKey, Match, PublishedImage
from capture360.records import NOTES
from capture360.steps.context import StepContext
from capture360.steps.coverage import note_coverage
from capture360.steps.decisions_in_cdf import memory_of
from capture360.steps.detect import images_of
from capture360.steps.earlier_plates import note_plates
from capture360.steps.kept_decisions import refreshed_from_cdf
from capture360.steps.left_links import LEFT, left_links, note_left
from capture360.steps.links_to_write import note_links_written
from capture360.steps.match import STEP as MATCH
from capture360.steps.match import recorded_absent, recorded_body, recorded_places
from capture360.steps.open_plates import note_open
from capture360.steps.outdated import refuse_outdated
from capture360.steps.plates import decided_in
from capture360.steps.positions import write_positions
from capture360.steps.progress import Progress
from capture360.steps.review_due import match_digest

STEP = ANNOTATE
AT_ONCE = 150
"""Images of a batch; their six faces fill one listing of annotations."""


@dataclass(frozen=True, slots=True)
class Plates:
    """Counts of plates that are linked, that people are asked about, and that are similar to a tag but dropped."""

    linked: int
    asked: int
    missed: int


@dataclass(frozen=True, slots=True)
class Annotated:
    """Counts of links created, unchanged, left to a person, and removed; `refused` are sentences about matches.

    `only_recorded` are suggestions that only the records hold, since the project cannot.
    """

    approved: int
    suggested: int
    kept: int
    decided: int
    removed: int
    only_recorded: int
    refused: Sequence[str]
    plates: Plates


def annotate(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Annotated:
    """Write the links that `match` recorded to CDF, except where people decided otherwise. Idempotent.

    RecordsError if decisions of people on the capture's links were lost; RequestError if another delivery was published
    since; CdfError if CDF refuses links and the capture has none, since such a project takes no links at all.
    """
    refuse_outdated(ctx.records, key, fingerprint)
    refreshed_from_cdf(ctx, key)
    images = images_of(ctx, key, fingerprint)
    matches = decided_matches(ctx, key, fingerprint)
    absent = recorded_absent(ctx.records, key, fingerprint)
    writer = link_writer(ctx, key)
    progress = Progress(ctx.log)
    counts = dict.fromkeys(("approved", "suggested", "kept", "decided", "removed", "only_recorded"), 0)
    refused: list[str] = []
    parts: list[LinksWritten] = []
    seen = 0
    for some, found in batches_of(images, matches):
        written = writer.write(some, found, absent)
        for name in counts:
            counts[name] += getattr(written, name)
        refused.extend(written.refused)
        parts.append(written)
        seen += len(some)
        progress(seen, len(images), "images linked")
    finish_links(ctx, key, writer, parts)
    refusal = next((part.refusal for part in parts if part.refusal is not None), None)
    if refusal is not None and not any(counts[name] for name in ("approved", "suggested", "kept", "decided")):
        raise refusal
    done = Annotated(**counts, refused=tuple(refused), plates=count_plates(matches))
    for sentence in refused:
        ctx.log(sentence)
    if done.only_recorded:
        ctx.log(f"{done.only_recorded} suggestions are kept in the records only: this project holds no uncertain links")
    boxes = write_positions(ctx, key, matches, recorded_places(ctx.records, key, fingerprint))
    body = {
        **asdict(done),
        "match": match_digest(ctx.records, key, fingerprint),
        "boxes": asdict(boxes) if boxes else None,
    }
    note_open(ctx.records, key, done.plates.asked)
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run)
    note_links_written(ctx.records, key)
    note_coverage(ctx.records, key, fingerprint, matches)
    note_plates(ctx.records, key, recorded_body(ctx.records, key, fingerprint))
    return done


def finish_links(ctx: StepContext, key: CaptureKey, writer: LinkWriter, parts: Sequence[LinksWritten]) -> None:
    """Note what the writes left in CDF, then remove the links that they found outdated.

    In this order: a link that a run was killed after removing would otherwise look as if a person had removed it. A
    write that is not noted looks undone once a person removes its link, and the next run would create that again.
    """
    note_left(ctx.records, key, {image: links for part in parts for image, links in part.left.items()})
    writer.discard([edge for part in parts for edge in part.outdated])


def count_plates(matches: Sequence[Match]) -> Plates:
    """Count plates, however many images show each; an undecided one has one suggested match, and is one question."""
    linked = {match.plate or match.asset.ref for match in matches if match.asset and match.status == "approved"}
    asked = [match for match in matches if match.status == "suggested"]
    near = {match.plate or match.detection.text for match in matches if match.status == "dropped" and match.candidates}
    return Plates(len(linked), len(asked), len(near - linked - {match.plate for match in asked}))


def decided_matches(ctx: StepContext, key: CaptureKey, fingerprint: str) -> list[Match]:
    """Return the recorded matches, replaced by those of people where there are any."""
    body = recorded_body(ctx.records, key, fingerprint)
    return decided_in(ctx.records, key, body, memory_of(ctx, key).decisions())


def link_writer(ctx: StepContext, key: CaptureKey, *, reads_only: bool = False) -> LinkWriter:
    """Return the writer of the capture's links, with what the last run left on each image.

    CdfError if that cannot be read, as after another `links_space` was set: its links would seem to be removed. And if
    it could not be removed, unless the caller `reads_only`: that would break off in the middle.
    """
    writer = mode_of(ctx.cdf).links(ctx.cdf, ctx.site, left_links(ctx.records, key))
    if denied := lacking(capabilities(ctx.cdf), writer.needs_to_read if reads_only else writer.needs_to_remove):
        needs = ", ".join(map(str, denied))
        note = f"{ctx.records.url}/{key}/{NOTES}/{LEFT}.json"
        raise CdfError(
            f"{key}: links of it may be where nobody may look or change them: {needs} is not granted. Ask for it. "
            f"If a space of these was deleted with the links, delete {note}: they are written anew."
        )
    return writer


def written_matches(ctx: StepContext, key: CaptureKey) -> list[Match]:
    """Return the matches of the delivery that was matched last, as `decided_matches`; none if no delivery was."""
    newest = ctx.records.newest_with(key, MATCH)
    return decided_matches(ctx, key, newest) if newest else []


def batches_of(
    images: Sequence[PublishedImage], matches: Sequence[Match]
) -> Iterator[tuple[Sequence[PublishedImage], Sequence[Match]]]:
    """Yield the images in batches, each with the matches on it."""
    on: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        on[match.detection.image].append(match)
    for some in batched(images, AT_ONCE):
        yield some, [match for image in some for match in on[image.external_id]]
