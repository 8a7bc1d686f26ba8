"""Repair of a capture's lost link state, as far as CDF and the kept answers prove it."""

from __future__ import annotations

from dataclasses import dataclass

from capture360.cdf.links.provenance import NOTE as PAIRS
from capture360.errors import MissingStepError, RecordsError
from capture360.model import CaptureKey
from capture360.steps.annotate import STEP as ANNOTATE
from capture360.steps.annotate import batches_of, decided_matches, link_writer
from capture360.steps.context import StepContext
from capture360.steps.detect import images_of
from capture360.steps.link_state import LinkMemory
from capture360.steps.match import STEP as MATCH


@dataclass(frozen=True, slots=True)
class Repaired:
    """Numbers of restored linked pairs and of known decisions, and whether the decisions are complete."""

    pairs: int
    decisions: int
    whole: bool


def repair(ctx: StepContext, key: CaptureKey) -> Repaired:
    """Restore decisions from kept answers, and links in CDF that equal those capture360 would create.

    An expected link that is neither recorded nor in CDF counts as removed by a person, and is not created again. What
    cannot be proved stays lost until it is discarded.

    MissingStepError if the capture was not linked, RecordsError if its matches are missing.
    """
    deliveries = _linked(ctx, key)
    memory = LinkMemory(ctx.records, key)
    memory.recover_decisions()
    writer = link_writer(ctx, key)
    gone_by_hand = PAIRS in memory.lost()
    seen: set[str] = set()
    pairs = 0
    for delivery in deliveries:
        images = [image for image in images_of(ctx, key, delivery) if image.external_id not in seen]
        seen |= {image.external_id for image in images}
        for batch in batches_of(images, decided_matches(ctx, key, delivery)):
            pairs += writer.recover(*batch, gone_by_hand=gone_by_hand)
    if gone_by_hand and pairs >= memory.remembered(PAIRS):
        memory.accept(PAIRS)
    done = Repaired(pairs, len(memory.decisions()), not memory.lost())
    ctx.log(f"{key}: {done.pairs} linked pairs restored, {done.decisions} decisions of people known")
    return done


def discard_lost(ctx: StepContext, key: CaptureKey) -> None:
    """Discard lost state: rejected links may be suggested again, and unrecorded links count as made by others."""
    memory = LinkMemory(ctx.records, key)
    for what in memory.lost().values():
        ctx.log(f"{key}: discarded {what}")
    memory.accept(*memory.lost())


def _linked(ctx: StepContext, key: CaptureKey) -> list[str]:
    """Return the deliveries with recorded matches, the newest first."""
    found = [(ctx.records.get(key, delivery, ANNOTATE), delivery) for delivery in ctx.records.fingerprints(key)]
    linked = sorted(((record.at, delivery) for record, delivery in found if record is not None), reverse=True)
    if not linked:
        raise MissingStepError(key, "it has no recorded links", "captures_contextualize")
    known = [delivery for _, delivery in linked if ctx.records.has(key, delivery, MATCH)]
    if not known:
        raise RecordsError(f"{key}: its matches are missing from the records. Restore match.json from a backup.")
    return known
