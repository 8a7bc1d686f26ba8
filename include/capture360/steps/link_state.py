"""Decisions of people on a capture's links, with detection of their loss.

One note persists across deliveries. Where CDF keeps no decisions (otherwise see `steps.decisions_in_cdf`), rejected
links would come back after the loss of the note, or its restoration from an old backup. A folder of its own therefore
holds digests of the note, and each answer as given:

    <site>/<capture>/memory/decisions.json                    number of decisions, and digests
    <site>/<capture>/memory/answers/<number>-<digest>.json    what one answer decided, in order

Before the note is written, its old and its new digest are stored, afterwards the new one alone, so that a run that is
killed in between does not look like a loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capture360.errors import RecordsError
from capture360.matching.decisions import NOTE, Decided, added
from capture360.model import CaptureKey
from capture360.records import MEMORY, NOTES, Records
from capture360.text import digest_of

ANSWERS = f"{MEMORY}/answers"


class LinkMemory:
    """Decisions on one capture's links, for the holder of its lease. Every change is stored at once."""

    def __init__(self, records: Records, key: CaptureKey) -> None:
        self._records = records
        self._key = key

    def decisions(self) -> list[Decided]:
        """Decisions of people on the capture's links, over all its deliveries."""
        return [Decided.from_document(document) for document in (self._note() or {"decisions": []})["decisions"]]

    def decide(self, new: Sequence[Decided]) -> list[Decided]:
        """Add an answer's decisions, which replace earlier ones on the same links; return all decisions."""
        documents = [each.document() for each in new]
        names = self._answers()
        digest = digest_of({"decisions": documents})
        if not names or not names[-1].endswith(f"-{digest}"):
            number = int(names[-1].partition("-")[0]) + 1 if names else 1
            self._records.put_note(self._key, f"{number:06}-{digest}", {"decisions": documents}, ANSWERS)
        decisions = added(self.decisions(), new)
        self._keep(decisions)
        return decisions

    def refresh(self) -> None:
        """Bring the note up to date with what is the truth; RecordsError if decisions are lost."""
        self.ensure_whole()

    def in_cdf(self) -> Sequence[str]:
        """Return the external ids of the capture's decisions in CDF, where they are kept there."""
        return ()

    def take_out_of_cdf(self) -> None:
        """Remove the decisions from CDF, where they are kept there; the note has them until a run writes them again."""

    def lost(self) -> str:
        """Describe what is lost; empty if nothing is."""
        known = self._known()
        while known is not None and self._digest() not in known["digests"]:
            now = self._known()
            if now == known:
                lost = known["entries"] - len((self._note() or {"decisions": ()})["decisions"])
                return f"{lost if lost > 0 else 'the newest'} of {known['entries']} decisions of people"
            known = now  # Somebody has written while we looked.
        return ""

    def ensure_whole(self) -> None:
        """Raise RecordsError if decisions are lost or outdated, since going on would undo them."""
        if lost := self.lost():
            raise RecordsError(f"{self._key}: {self.sentence(lost)}")

    def sentence(self, lost: str) -> str:
        """Return a sentence on what is missing and how to fix it."""
        return (
            f"Missing from the records: {lost}. Restore {NOTE}.json in {self._records.url}/{self._key}/{NOTES} from "
            f"the newest backup. Without one, capture360 reconcile {self._key} --connection FILE --repair restores "
            "what the kept answers prove, and --discard-lost discards the rest: rejected links may then be suggested "
            "again."
        )

    def recover(self) -> None:
        """Restore decisions from the kept answers, which override what is left of the note."""
        known = self._known()
        if known is None or not self.lost():
            return
        answered: list[Decided] = []
        for name in self._answers():
            answer = self._records.note(self._key, name, ANSWERS) or {"decisions": []}
            answered = added(answered, [Decided.from_document(document) for document in answer["decisions"]])
        complete = digest_of(document_of(answered)) in known["digests"]
        self._keep(answered if complete else added(self.decisions(), answered))

    def accept(self) -> None:
        """Accept the present decisions as complete."""
        self._put_known(len(self.decisions()), self._digest())

    def _keep(self, decisions: Sequence[Decided]) -> None:
        document = document_of(decisions)
        known, before, after = self._known(), self._digest(), digest_of(document)
        if known is not None and before not in known["digests"]:
            # Something is lost: what was remembered stands until it is found again or discarded.
            self._records.put_note(self._key, NOTE, document)
        elif after != before:
            self._put_known(len(decisions), after, before)
            self._records.put_note(self._key, NOTE, document)
            self._put_known(len(decisions), after)

    def _note(self) -> Mapping[str, Any] | None:
        return self._records.note(self._key, NOTE)

    def _digest(self) -> str:
        """Return the digest of the note; a missing note has one as well."""
        return digest_of(self._note())

    def _answers(self) -> list[str]:
        """Return the names of the kept answers, oldest first; foreign files are ignored."""
        return [name for name in self._records.note_names(self._key, ANSWERS) if name.partition("-")[0].isdecimal()]

    def _known(self) -> Mapping[str, Any] | None:
        return self._records.note(self._key, NOTE, MEMORY)

    def _put_known(self, entries: int, *digests: str) -> None:
        self._records.put_note(self._key, NOTE, {"entries": entries, "digests": list(digests)}, MEMORY)


def noted_decisions(records: Records, key: CaptureKey) -> list[Decided]:
    """Return the decisions in the note, without asking CDF."""
    return LinkMemory(records, key).decisions()


def document_of(decisions: Sequence[Decided]) -> Mapping[str, Any]:
    """Return decisions as the note holds them."""
    return {"decisions": [each.document() for each in decisions]}
