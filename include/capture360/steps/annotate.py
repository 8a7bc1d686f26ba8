"""Write the links of a capture to CDF."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from capture360.batches import batched
from capture360.cdf.ports import LinkWriter
from capture360.cdf.registry import mode_of
from capture360.matching.decisions import as_decided
from capture360.model import CaptureKey, Match, PublishedImage
from capture360.steps.context import StepContext
from capture360.steps.coverage import note_coverage
from capture360.steps.detect import images_of
from capture360.steps.link_state import LinkMemory
from capture360.steps.match import recorded_matches, recorded_places
from capture360.steps.positions import write_positions
from capture360.steps.progress import Progress
from capture360.steps.review_due import match_digest

STEP = "annotate"
LEAST_AT_ONCE = 150
"""Least number of images in a batch; their six faces fill one listing of annotations."""
MOST_BATCHES = 10


@dataclass(frozen=True, slots=True)
class Plates:
    """Counts of linked assets, of assets that are only suggested, and of dropped texts similar to a tag."""

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

    RecordsError if the recorded state of the capture's links was lost.
    """
    LinkMemory(ctx.records, key).ensure_whole()
    images = images_of(ctx, key, fingerprint)
    matches = decided_matches(ctx, key, fingerprint)
    writer = link_writer(ctx, key)
    progress = Progress(ctx.log)
    counts = dict.fromkeys(("approved", "suggested", "kept", "decided", "removed", "only_recorded"), 0)
    refused: list[str] = []
    seen = 0
    for some, found in batches_of(images, matches):
        written = writer.write(some, found)
        for name in counts:
            counts[name] += getattr(written, name)
        refused.extend(written.refused)
        seen += len(some)
        progress(seen, len(images), "images linked")
    done = Annotated(**counts, refused=tuple(refused), plates=count_plates(matches))
    for sentence in refused:
        ctx.log(sentence)
    if done.only_recorded:
        ctx.log(f"{done.only_recorded} suggestions are kept in the records only: this project holds no uncertain links")
    boxes = write_positions(ctx, key, matches, recorded_places(ctx.records, key, fingerprint))
    undecided = sum(match.status == "suggested" for match in matches)
    body = {
        **asdict(done),
        "undecided": undecided,
        "match": match_digest(ctx.records, key, fingerprint),
        "boxes": asdict(boxes) if boxes else None,
    }
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run)
    note_coverage(ctx.records, key, fingerprint, matches)
    return done


def count_plates(matches: Sequence[Match]) -> Plates:
    """Count plates, however many images show each."""
    linked = {match.asset.ref for match in matches if match.asset and match.status == "approved"}
    asked = {match.asset.ref for match in matches if match.asset and match.status == "suggested"} - linked
    missed = {match.detection.text for match in matches if match.status == "dropped" and match.candidates}
    return Plates(len(linked), len(asked), len(missed))


def decided_matches(ctx: StepContext, key: CaptureKey, fingerprint: str) -> list[Match]:
    """Return the recorded verdicts, replaced by those of people where there are any."""
    decisions = LinkMemory(ctx.records, key).decisions()
    return as_decided(recorded_matches(ctx.records, key, fingerprint), decisions)


def link_writer(ctx: StepContext, key: CaptureKey) -> LinkWriter:
    """Return the writer of the capture's links, with the record of the links it made before."""
    return mode_of(ctx.cdf).links(ctx.cdf, ctx.site, LinkMemory(ctx.records, key).pairs())


def batches_of(
    images: Sequence[PublishedImage], matches: Sequence[Match]
) -> Iterator[tuple[Sequence[PublishedImage], Sequence[Match]]]:
    """Yield the images in batches, each with the matches on it.

    Each batch stores the state of all links of the capture, so larger captures have larger batches, not more of them.
    """
    on: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        on[match.detection.image].append(match)
    for some in batched(images, max(LEAST_AT_ONCE, -(-len(images) // MOST_BATCHES))):
        yield some, [match for image in some for match in on[image.external_id]]
