"""The state of a capture, derived from the records of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from capture360.model import CaptureKey, Verdict

VALIDATE, PUBLISH, MATCH, ANNOTATE = "validate", "publish", "match", "annotate"
"""Names of steps whose records lists of captures read, without importing the steps."""
FLOOR_PLAN = "floor_plan"
"""The record of where the stations stand; long."""
VALIDATION_REPORT, MATCH_REPORT = "validation.html", "matches.html"


class Stage(StrEnum):
    """How far a capture was processed."""

    READY = "ready"
    ACCEPTED = "accepted"
    PARTIAL = "partial"
    REJECTED = "rejected"
    PUBLISHED = "published"
    CONTEXTUALIZED = "contextualized"
    RETRACTED = "retracted"

    @property
    def is_end(self) -> bool:
        """Whether sensing ignores a capture at this stage until its files change."""
        return self in {Stage.REJECTED, Stage.PUBLISHED, Stage.CONTEXTUALIZED, Stage.RETRACTED}


_STAGE_AFTER = {
    "sense": Stage.READY,
    "verify": Stage.PUBLISHED,
    "annotate": Stage.CONTEXTUALIZED,
    "retract": Stage.RETRACTED,
}
ORDERED_STEPS = {"validate": 1, "verify": 2, "annotate": 3}
"""Steps that determine the stage, by their order within a run."""
LOOKING_STEPS = frozenset({"sense", "validate"})
"""The steps that see a delivery in the landing zone."""
STAGE_STEPS = frozenset({"validate", *_STAGE_AFTER})
"""The steps whose records determine the stage; all of them small."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One document: which step wrote it, in which run and when, and its body."""

    step: str
    batch: int | None
    at: datetime
    run: str
    body: Mapping[str, Any]

    @property
    def stage(self) -> Stage | None:
        """The stage that this record brings the capture to."""
        if self.step == "validate":
            return Stage(Verdict(self.body["verdict"]).value)
        return _STAGE_AFTER.get(self.step)


@dataclass(frozen=True, slots=True)
class CaptureState:
    """The records of one delivery, oldest first. `stage` is that of the newest record that has one."""

    key: CaptureKey
    fingerprint: str
    stage: Stage
    records: tuple[StepRecord, ...]

    @classmethod
    def from_records(cls, key: CaptureKey, fingerprint: str, records: Sequence[StepRecord]) -> CaptureState:
        """Build the state from one or more records, in any order."""
        ordered = _in_order(records)
        stages = [record.stage for record in ordered if record.stage is not None]
        return cls(key, fingerprint, stages[-1] if stages else Stage.READY, tuple(ordered))

    @property
    def seen_at(self) -> datetime:
        """When this delivery was last seen in the landing zone. Runs of older deliveries may write records later."""
        seen = [record.at for record in self.records if record.step in LOOKING_STEPS]
        return max(seen, default=self.records[0].at)

    def body(self, step: str, batch: int | None = None) -> Mapping[str, Any] | None:
        """Return what `step` recorded; None if it did not run yet."""
        for record in self.records:
            if record.step == step and record.batch == batch:
                return record.body
        return None

    def batches(self, step: str) -> Mapping[int, Mapping[str, Any]]:
        """Return what the batches of `step` recorded, by batch number."""
        return {
            record.batch: record.body for record in self.records if record.step == step and record.batch is not None
        }


def _in_order(records: Sequence[StepRecord]) -> list[StepRecord]:
    """Sort records, oldest first; those of one run in the order of its steps, since the clocks of workers differ.

    A run ends at a rejection, so one that has later steps comes from a repeated validation, and is sorted by its time.
    """
    times = {(record.step, record.batch): record.at for record in records}
    reached: dict[str, datetime] = {}
    for record in sorted(records, key=lambda each: ORDERED_STEPS.get(each.step, 0)):
        if record.step in ORDERED_STEPS and record.stage is not Stage.REJECTED:
            reached[record.run] = max(record.at, reached.get(record.run, record.at))
            times[record.step, record.batch] = reached[record.run]
    return sorted(records, key=lambda each: (times[each.step, each.batch], ORDERED_STEPS.get(each.step, 0)))
