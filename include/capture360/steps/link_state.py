"""Recorded state of a capture's links, with detection of its loss.

Two notes persist across deliveries: the pairs that capture360 linked, and the decisions of people. Not every project
mode keeps these in CDF, so after the loss of a note, or its restoration from an old backup, rejected links would come
back and capture360's links would count as others'. A folder of their own therefore holds digests of the notes, and
each answer as given:

    <site>/<capture>/memory/links.json                        entries and digests, by note
    <site>/<capture>/memory/answers/<number>-<digest>.json    what one answer decided, in order

Before a note is written, its old and its new digest are stored, afterwards the new one alone, so that a run that is
killed in between does not look like a loss.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from capture360.cdf.links.provenance import NOTE as PAIRS
from capture360.cdf.links.provenance import LinkRegistry
from capture360.errors import RecordsError
from capture360.matching.decisions import NOTE as DECISIONS
from capture360.matching.decisions import Decided, added
from capture360.model import CaptureKey
from capture360.records import MEMORY, NOTES, Records

ANSWERS = f"{MEMORY}/answers"
_STATE = "links"
_ENTRIES = {PAIRS: "pairs", DECISIONS: "decisions"}
_NAMES = {PAIRS: "linked pairs", DECISIONS: "decisions of people"}


class LinkMemory:
    """Recorded state of one capture's links, for the holder of its lease. Every change is stored at once."""

    def __init__(self, records: Records, key: CaptureKey) -> None:
        self._records = records
        self._key = key
        self._digests: dict[str, str] = {}

    def pairs(self) -> LinkRegistry:
        """The pairs that capture360 linked, in projects where CDF does not record the creator of a link."""
        return LinkRegistry(lambda: self._records.note(self._key, PAIRS), lambda document: self._keep(PAIRS, document))

    def decisions(self) -> list[Decided]:
        """Decisions of people on the capture's links, over all its deliveries."""
        note = self._records.note(self._key, DECISIONS) or {"decisions": []}
        return [Decided.from_document(document) for document in note["decisions"]]

    def decide(self, new: Sequence[Decided]) -> list[Decided]:
        """Add an answer's decisions, which replace earlier ones on the same links; return all decisions."""
        documents = [each.document() for each in new]
        names = self._answers()
        digest = _digest({"decisions": documents})
        if not names or not names[-1].endswith(f"-{digest}"):
            number = int(names[-1].partition("-")[0]) + 1 if names else 1
            self._records.put_note(self._key, f"{number:06}-{digest}", {"decisions": documents}, ANSWERS)
        decisions = added(self.decisions(), new)
        self._keep(DECISIONS, _document(decisions))
        return decisions

    def lost(self) -> Mapping[str, str]:
        """Describe what is lost, by name of the note; empty if nothing is."""
        state = self._state()
        while True:
            lost = {note: self._loss(note, known) for note, known in state.items() if not self._is_whole(note, known)}
            now = self._state()
            if not lost or now == state:
                return lost
            state = now  # Somebody has written while we looked.

    def ensure_whole(self) -> None:
        """Raise RecordsError if a note is lost or outdated, since going on would undo decisions of people."""
        if lost := self.lost():
            raise RecordsError(f"{self._key}: {self.sentence(lost)}")

    def sentence(self, lost: Mapping[str, str]) -> str:
        """Return a sentence on what is missing and how to fix it."""
        files = " and ".join(f"{note}.json" for note in lost)
        return (
            f"Missing from the records: {' and '.join(lost.values())}. Restore {files} in "
            f"{self._records.url}/{self._key}/{NOTES} from the newest backup. Without one, "
            f"capture360 reconcile {self._key} --connection FILE --repair restores what answers and CDF prove, and "
            "--discard-lost discards the rest: rejected links may then be suggested again, and existing links are "
            "treated as made by others."
        )

    def recover_decisions(self) -> None:
        """Restore decisions from the kept answers, which override what is left of the note."""
        if DECISIONS not in self.lost():
            return
        answered: list[Decided] = []
        for name in self._answers():
            answer = self._records.note(self._key, name, ANSWERS) or {"decisions": []}
            answered = added(answered, [Decided.from_document(document) for document in answer["decisions"]])
        complete = _digest(_document(answered)) in self._state()[DECISIONS]["digests"]
        self._keep(DECISIONS, _document(answered if complete else added(self.decisions(), answered)))

    def remembered(self, note: str) -> int:
        """Return the number of entries that a note had when it was last written."""
        return int(self._state().get(note, {"entries": 0})["entries"])

    def accept(self, *notes: str) -> None:
        """Accept the present notes as complete."""
        for note in notes:
            document = self._records.note(self._key, note)
            self._put_state(note, document, _digest(document))

    def _keep(self, note: str, document: Mapping[str, Any]) -> None:
        known = self._state().get(note)
        before = self._digests.get(note) or _digest(self._records.note(self._key, note))
        if known is None or before in known["digests"]:
            after = _digest(document)
            if after != before:
                self._put_state(note, document, after, before)
                self._records.put_note(self._key, note, document)
                self._put_state(note, document, after)
                self._digests[note] = after
        else:
            # Something is lost: what was remembered stands until it is found again or given up.
            self._records.put_note(self._key, note, document)

    def _is_whole(self, note: str, known: Mapping[str, Any]) -> bool:
        return _digest(self._records.note(self._key, note)) in known["digests"]

    def _loss(self, note: str, known: Mapping[str, Any]) -> str:
        lost = known["entries"] - len((self._records.note(self._key, note) or {}).get(_ENTRIES[note], ()))
        return f"{lost if lost > 0 else 'the newest'} of {known['entries']} {_NAMES[note]}"

    def _answers(self) -> list[str]:
        """Return the names of the kept answers, oldest first; foreign files are ignored."""
        return [name for name in self._records.note_names(self._key, ANSWERS) if name.partition("-")[0].isdecimal()]

    def _state(self) -> Mapping[str, Mapping[str, Any]]:
        return self._records.note(self._key, _STATE, MEMORY) or {}

    def _put_state(self, note: str, document: Mapping[str, Any] | None, *digests: str) -> None:
        entries = len((document or {}).get(_ENTRIES[note], ()))
        state = {**self._state(), note: {"entries": entries, "digests": list(digests)}}
        self._records.put_note(self._key, _STATE, state, MEMORY)


def _document(decisions: Sequence[Decided]) -> Mapping[str, Any]:
    return {"decisions": [each.document() for each in decisions]}


def _digest(document: Mapping[str, Any] | None) -> str:
    """Return the digest of a note's content; a missing note has one as well."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]
