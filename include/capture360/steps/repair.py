"""What was lost of a capture's links is taken up again as far as CDF and the kept answers prove it."""

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
    """How many linked pairs were taken up again, how many decisions are known now, and whether those are all."""

    pairs: int
    decisions: int
    whole: bool


def repair(ctx: StepContext, key: CaptureKey) -> Repaired:
    """Take up again the decisions that answers keep and the links that CDF shows as we made them.

    A link that should be there, that nothing remembers and that CDF does not show counts as removed by somebody: it
    does not come back. What nothing proves stays lost until it is given up.

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
    ctx.log(f"{key}: {done.pairs} linked pairs taken up again, {done.decisions} decisions of people known")
    return done


def discard_lost(ctx: StepContext, key: CaptureKey) -> None:
    """Let what is lost go: rejected links may come back, and links of ours count as somebody else's."""
    memory = LinkMemory(ctx.records, key)
    for what in memory.lost().values():
        ctx.log(f"{key}: given up {what}")
    memory.accept(*memory.lost())


def _linked(ctx: StepContext, key: CaptureKey) -> list[str]:
    """Deliveries whose links can be known, the newest first."""
    found = [(ctx.records.get(key, delivery, ANNOTATE), delivery) for delivery in ctx.records.fingerprints(key)]
    linked = sorted(((record.at, delivery) for record, delivery in found if record is not None), reverse=True)
    if not linked:
        raise MissingStepError(key, "it has no links to remember", "captures_contextualize")
    known = [delivery for _, delivery in linked if ctx.records.has(key, delivery, MATCH)]
    if not known:
        raise RecordsError(f"{key}: what was matched is missing from the records. Restore match.json from a backup.")
    return known
