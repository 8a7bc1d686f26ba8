"""Repair of a capture's lost decisions of people, as far as the kept answers prove them."""

from __future__ import annotations

from dataclasses import dataclass

from capture360.model import CaptureKey
from capture360.steps.context import StepContext
from capture360.steps.decisions_in_cdf import memory_of


@dataclass(frozen=True, slots=True)
class Repaired:
    """The number of known decisions, and whether they are complete."""

    decisions: int
    whole: bool


def repair(ctx: StepContext, key: CaptureKey) -> Repaired:
    """Restore decisions from kept answers. What cannot be proved stays lost until it is discarded."""
    memory = memory_of(ctx, key, ctx.log)
    memory.recover()
    done = Repaired(len(memory.decisions()), not memory.lost())
    ctx.log(f"{key}: {done.decisions} decisions of people known")
    return done


def discard_lost(ctx: StepContext, key: CaptureKey) -> None:
    """Discard lost decisions: rejected links may be suggested again."""
    memory = memory_of(ctx, key, ctx.log)
    if lost := memory.lost():
        ctx.log(f"{key}: discarded {lost}")
        memory.accept()
