"""Decisions of people on a capture's links where CDF keeps them: the container is the truth, the note a copy of it.

Pages and reports read the note without asking CDF. Decisions that the records kept before the project had the container
are written there once: the digests beside the note say that it holds them, and go with the kept answers once CDF has
all of it. Of two decisions on one link the newer counts. Killed anywhere, the next run ends the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from typing_extensions import override

from capture360.cdf.link_ports import DecisionStore
from capture360.cdf.registry import decision_store
from capture360.errors import RecordsError
from capture360.matching.decisions import NOTE, Decided, added, by_face
from capture360.model import CaptureKey
from capture360.records import MEMORY, Records
from capture360.steps.context import StepContext
from capture360.steps.link_state import ANSWERS, LinkMemory, document_of
from capture360.text import counted


class MemoryInCdf(LinkMemory):
    """LinkMemory of a project with the container of decisions."""

    def __init__(self, records: Records, key: CaptureKey, store: DecisionStore) -> None:
        super().__init__(records, key)
        self._store = store

    @override
    def decisions(self) -> list[Decided]:
        return self._merged(self._store.read(self._key).values())

    @override
    def decide(self, new: Sequence[Decided]) -> list[Decided]:
        self.ensure_whole()
        before = self._store.read(self._key)
        decisions = _sorted(added(self._merged(before.values()), [each.bare() for each in new]))
        held, wanted = set(before.values()), set(decisions)
        new_ones = {number: each for number, each in enumerate(decisions) if each not in held}
        written = set(self._store.write(self._key, new_ones))
        replaced = [name for name, each in before.items() if each not in wanted and name not in written]
        self._store.remove(replaced)
        if self._known() is not None:
            for name in self._answers():
                self._records.remove_note(self._key, name, ANSWERS)
            self._records.remove_note(self._key, NOTE, MEMORY)
        if not self._is_noted(document := document_of(decisions)):
            self._records.put_note(self._key, NOTE, document)
        return decisions

    @override
    def refresh(self) -> None:
        self.decide(())

    @override
    def in_cdf(self) -> Sequence[str]:
        return list(self._store.read(self._key))

    @override
    def take_out_of_cdf(self) -> None:
        if self._note() is not None:
            super().accept()  # first: a note without decisions in CDF and without digests counts as their loss
        self._store.remove(self.in_cdf())

    @override
    def lost(self) -> str:
        """Describe a loss: CDF holds nothing of what the note says, as after its container was created anew."""
        noted = self._noted() if self._known() is None and not self.in_cdf() else []
        return counted(len(noted), "decision of people", "decisions of people") if noted else super().lost()

    @override
    def sentence(self, lost: str) -> str:
        if self._known() is not None:
            return super().sentence(lost)
        return (
            f"Missing in CDF: {lost}, which the records still have. capture360 reconcile {self._key} --connection FILE "
            "--repair writes them there again, and --discard-lost discards them: rejected links may then be suggested "
            "again."
        )

    @override
    def recover(self) -> None:
        if self._known() is None and not self.in_cdf():
            self._store.write(self._key, dict(enumerate(self._noted())))
        else:
            super().recover()

    @override
    def accept(self) -> None:
        if self._known() is None:
            self._records.remove_note(self._key, NOTE)
        else:
            super().accept()

    def _noted(self) -> list[Decided]:
        try:
            return [one.bare() for one in super().decisions()]
        except RecordsError:  # a damaged copy is replaced
            return []

    def _is_noted(self, document: Mapping[str, Any]) -> bool:
        try:
            return (self._note() or document_of(())) == document
        except RecordsError:  # a damaged copy is replaced
            return False

    def _merged(self, in_cdf: Iterable[Decided]) -> list[Decided]:
        """Return the decisions in CDF, with those of the note as long as CDF may lack some of them.

        Without those that a later one replaces: a run that is killed in `decide` leaves both.
        """
        held = list(in_cdf)
        if self._known() is not None:
            known = set(held)
            held += [each for each in (one.bare() for one in super().decisions()) if each not in known]
        return list(_not_replaced(_sorted(held)))


def _not_replaced(decisions: Sequence[Decided]) -> Iterator[Decided]:
    """Yield the decisions but for those on a link that a newer one is about."""
    on_faces = by_face(decisions)
    for each in decisions:
        seen = each.match.detection
        near = (one for one in on_faces.get((seen.image, seen.face), ()) if one.moment > each.moment)
        if not any(one.is_about(each.match) or each.is_about(one.match) for one in near):
            yield each


def _sorted(decisions: Iterable[Decided]) -> list[Decided]:
    return sorted(decisions, key=lambda each: each.moment)


def memory_of(ctx: StepContext, key: CaptureKey, log: Callable[[str], None] | None = None) -> LinkMemory:
    """Return the decisions on a capture's links, from where the project keeps them; `log` takes why not in CDF."""
    store = decision_store(ctx.cdf, ctx.site)
    missing = store.missing() if store is not None else ""
    if missing and log:
        log(missing)
    return LinkMemory(ctx.records, key) if store is None or missing else MemoryInCdf(ctx.records, key, store)


def refreshed(ctx: StepContext, key: CaptureKey) -> LinkMemory:
    """Return the same with the note brought up to date, for the holder of the lease; RecordsError if any are lost."""
    memory = memory_of(ctx, key, ctx.log)
    memory.refresh()
    return memory
