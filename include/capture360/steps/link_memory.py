"""What we remember of a capture's links, and whether it is still there.

Two notes beside the capture outlive its deliveries: the pairs that we linked, and what people decided. CDF does not
tell them everywhere, so a lost note would let a rejected link come back, and make our own links look like somebody
else's. How many entries the notes hold is therefore recorded with the delivery too. The count is lowered before a note
shrinks and raised after it has grown: a run that is killed between the two never looks like a loss.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture360.cdf.pair_ledger import NOTE as PAIRS
from capture360.cdf.pair_ledger import PairLedger
from capture360.errors import BadInputError
from capture360.matching.decisions import NOTE as DECISIONS
from capture360.matching.decisions import Decided, added
from capture360.model import CaptureKey
from capture360.records import NOTES
from capture360.steps.context import StepContext

STEP = "remembered"
_ANSWER = "answer-"
"""Begins the names of records that keep what one answer decided, under a name that no later answer takes."""
_ENTRIES = {PAIRS: "pairs", DECISIONS: "decisions"}


@dataclass(frozen=True, slots=True)
class Lost:
    """How many entries of the two notes are gone."""

    pairs: int
    decisions: int

    def __bool__(self) -> bool:
        return self.pairs + self.decisions > 0


class LinkMemory:
    """The memory of one capture's links, for the steps of one delivery of it. Every change is stored at once."""

    def __init__(self, ctx: StepContext, key: CaptureKey, fingerprint: str) -> None:
        self._records = ctx.records
        self._run = ctx.run
        self._key = key
        self._fingerprint = fingerprint

    @property
    def pairs(self) -> PairLedger:
        """The pairs that we linked, in projects where CDF does not tell whose a link is."""
        return PairLedger(lambda: self._records.note(self._key, PAIRS), lambda document: self._keep(PAIRS, document))

    @property
    def decisions(self) -> list[Decided]:
        """What people decided about the capture's links, over all its deliveries."""
        note = self._records.note(self._key, DECISIONS) or {"decisions": []}
        return [Decided.from_document(document) for document in note["decisions"]]

    def decide(self, new: Sequence[Decided]) -> list[Decided]:
        """Add decisions, in place of earlier ones about the same links; all of them."""
        documents = [each.document() for each in new]
        digest = hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()[:16]
        self._records.put(self._key, self._fingerprint, f"{_ANSWER}{digest}", {"decisions": documents}, run=self._run)
        return self._decided(added(self.decisions, new))

    def recover_decisions(self) -> None:
        """Take up again what the recorded answers decided and the note does not hold, the newest about each link."""
        folds = [self._records.load(self._key, delivery) for delivery in self._records.fingerprints(self._key)]
        records = [record for fold in folds if fold for record in fold.records if record.step.startswith(_ANSWER)]
        answered: list[Decided] = []
        for record in sorted(records, key=lambda each: each.at):
            answered = added(answered, [Decided.from_document(document) for document in record.body["decisions"]])
        self._decided(added(answered, self.decisions))

    def lost(self) -> Lost:
        """What was remembered and is gone."""
        counts = self._counts()
        gone = {note: max(0, counts.get(note, 0) - self._entries(note)) for note in _ENTRIES}
        return Lost(gone[PAIRS], gone[DECISIONS])

    def ensure_whole(self) -> None:
        """BadInputError if entries are gone: going on would take what people did for undone."""
        if lost := self.lost():
            raise BadInputError(f"{self._key}: {self.loss(lost)}")

    def loss(self, lost: Lost) -> str:
        """A sentence on what is gone, and the ways to mend it."""
        what = ((lost.pairs, "linked pairs", PAIRS), (lost.decisions, "decisions of people", DECISIONS))
        gone = [(f"{count} {name}", f"{note}.json") for count, name, note in what if count]
        return (
            f"{' and '.join(name for name, _ in gone)} that were remembered are gone from the records. Restore "
            f"{' and '.join(file for _, file in gone)} in {self._records.url}/{self._key}/{NOTES} from a backup; "
            f"without one, run: capture360 reconcile {self._key} --repair"
        )

    def accept(self) -> None:
        """Take what is there for all there is."""
        self._count({note: self._entries(note) for note in _ENTRIES})

    def _decided(self, decisions: list[Decided]) -> list[Decided]:
        self._keep(DECISIONS, {"decisions": [each.document() for each in decisions]})
        return decisions

    def _keep(self, note: str, document: Mapping[str, Any]) -> None:
        counts = dict(self._counts())
        before, now = counts.get(note, 0), len(document[_ENTRIES[note]])
        if before > self._entries(note):
            # Something is lost: the count stands until it is found again or given up.
            self._records.put_note(self._key, note, document)
            return
        counts[note] = now
        if now < before:
            self._count(counts)
        self._records.put_note(self._key, note, document)
        if now > before:
            self._count(counts)

    def _entries(self, note: str) -> int:
        return len((self._records.note(self._key, note) or {}).get(_ENTRIES[note], ()))

    def _counts(self) -> Mapping[str, int]:
        """By note, as the newest delivery that has a count says."""
        delivery = self._records.newest_with(self._key, STEP)
        record = self._records.get(self._key, delivery, STEP) if delivery else None
        return record.body if record else {}

    def _count(self, counts: Mapping[str, int]) -> None:
        self._records.put(self._key, self._fingerprint, STEP, counts, run=self._run)
