"""Decide which captures captures_sense announces to the DAGs, and when it announces them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Any

from capture360 import dag_names
from capture360.capture_state import STAGE_STEPS, VALIDATE, CaptureState, Stage
from capture360.errors import RecordsError
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey
from capture360.records import LOOK, Records
from capture360.settings.site import Site
from capture360.steps import lease
from capture360.steps.folder_snapshot import FolderSnapshot, last_snapshot
from capture360.steps.retracted import RETRACTED, comes_back, newest_begun, stays_out
from capture360.steps.review_due import outdated_review, review_due, shown_state
from capture360.steps.settling import Settling, settling
from capture360.steps.turn_note import waiting_run

_LONGEST_WAIT = timedelta(days=1)
_DOUBLINGS = 30
"""Limit of doublings against overflow of the shortest waits; the longest wait is reached far earlier."""


class Unfinished(StrEnum):
    """What a published capture is announced again for; each value names the note of its last announcement."""

    CONTEXTUALIZE = "contextualize"
    REVIEW = "review"

    @property
    def dag(self) -> str:
        """The DAG that does it."""
        return f"captures_{self}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """An announced delivery, and the body of its record.

    `order` sorts them: those that this run announced before it was killed, then new ones, then the longest announced.
    """

    key: CaptureKey
    fingerprint: str
    body: Mapping[str, Any]
    order: tuple[bool, str] = (True, "")


@dataclass(frozen=True, slots=True)
class Announcer:
    """Announces captures in one sensing of all landing zones: at most `most` to each DAG.

    What was announced to a DAG of which runs are `queued` may have one among them, and Airflow would make another for
    the same capture: it is announced again once a day.
    """

    records: Records
    now: datetime
    is_finished: Callable[[str], bool]
    run: str | None
    most: int
    queued: Collection[str] = ()
    handed_on: Counter[str] = field(default_factory=Counter)
    """Captures that this run announced again, by the note of the announcement."""
    counting: Lock = field(default_factory=Lock)
    """Several captures are looked at side by side."""

    def look(self, site: Site, key: CaptureKey, folder: CaptureFolder) -> Announcement | Unfinished | str:
        """Return the announcement that is due, or what a capture waits for, empty if there is nothing to do."""
        last = last_snapshot(self.records, key)
        settled = settling(folder, last, site.landing, self.now)
        state = self.records.load(key, settled.snapshot.fingerprint, only=STAGE_STEPS)
        if state is not None and state.stage.is_end:
            if self._is_newest(state) and not comes_back(self.records, state, folder):
                self._end_wait(key, last)
                return self._hand_on(site, state)
            state = None  # it was not read yet, or the folder went back to what a later delivery has replaced
        if out := stays_out(self.records, key, folder):
            self._keep_out(key, last, settled)
            return out
        if settled.snapshot != last:
            self.records.put_note(key, LOOK, settled.snapshot.document())
        if settled.waiting_for is not None:
            return settled.waiting_for
        holder = self._holder(key)
        if holder is not None:
            return f"its turn: it is being written by {holder}"
        if waiting := waiting_run(self.records, key, self.is_finished):
            shown = state and self._hand_on(site, state)
            return shown or f"its turn: {waiting} waits until another capture is extracted"
        announced = None if state is None else state.body("sense")
        if announced is not None and not self._is_mine(announced):
            at = datetime.fromisoformat(announced["announced"])
            if at > self.now:
                at = self.now
                body = {**announced, "announced": at.isoformat()}
                self.records.put(key, settled.snapshot.fingerprint, "sense", body, run=self.run or "sense")
            if self.now - at < self._wait(site, dag_names.INGEST, int(announced.get("times", 0))):
                waits = dag_names.INGEST in self.queued
                queue = ", and runs of captures_ingest wait in Airflow's queue" if waits else ""
                return f"its run: announced at {at.isoformat(timespec='seconds')}{queue}"
        mine = announced is not None and self._is_mine(announced)
        times = int((announced or {}).get("times", 0))
        if state is not None and state.body(VALIDATE) is not None and not mine:
            times += 1  # its run has begun, and what stopped it may stop the next one
        body = {
            "announced": self.now.isoformat(),
            "first": (announced or {}).get("first", self.now.isoformat()),
            "by": self.run,
            "times": times,
            "files": len(folder.files),
            "bytes": sum(folder.sizes.values()),
        }
        order = (not mine, "" if mine or announced is None else str(announced["announced"]))
        return Announcement(key, settled.snapshot.fingerprint, body, order)

    def _wait(self, site: Site, dag: str, times: int) -> timedelta:
        """Return how long a capture that was announced to a DAG so many times is left to its run."""
        return _LONGEST_WAIT if dag in self.queued else next_wait(site.retrigger_after, times)

    def _is_newest(self, state: CaptureState) -> bool:
        """Return whether no other delivery of the capture was seen in the landing zone later."""
        newest = self.records.load(state.key, only=STAGE_STEPS)
        return newest is None or newest.fingerprint == state.fingerprint

    def look_at_records(self, site: Site, key: CaptureKey) -> Unfinished | str:
        """Return what a capture whose files were taken away is due to be announced again for; empty if nothing is."""
        self._end_wait(key, last_snapshot(self.records, key))
        state = self.records.load(key, only=STAGE_STEPS)
        if state is not None and state.stage is Stage.RETRACTED:
            state = newest_begun(self.records, key) or state  # what was only announced may come back
        return self._hand_on(site, state) if state is not None and state.stage.is_end else ""

    def look_at_review(self, site: Site, key: CaptureKey) -> Unfinished | str:
        """Return whether a review that waits is due to be ended by captures_review, since the capture was retracted.

        That holds whatever lies in its folder. A command retracts without starting a DAG.
        """
        if self.records.note(key, RETRACTED) is None:  # one read for most reviews
            return ""
        shown = shown_state(self.records, key)
        if shown is None or shown.stage is not Stage.RETRACTED:
            return ""
        return Unfinished.REVIEW if self._announce_again(site, shown, Unfinished.REVIEW, "retracted") else ""

    def _end_wait(self, key: CaptureKey, last: FolderSnapshot | None) -> None:
        """Note that the capture waits for no files any more, if the last look noted that it does."""
        if last is not None and last.waiting:
            self.records.put_note(key, LOOK, replace(last, waiting="").document())

    def _keep_out(self, key: CaptureKey, last: FolderSnapshot | None, settled: Settling) -> None:
        """Mark a delivery of a retracted capture as done once it is complete, under the stage that the capture has."""
        state = self.records.load(key, only=STAGE_STEPS)
        if state is None or state.stage is not Stage.RETRACTED:
            self._end_wait(key, last)
            return
        snapshot = replace(settled.snapshot, waiting="")  # it waits for a higher revision, not for files
        if snapshot != last:
            self.records.put_note(key, LOOK, snapshot.document())
        if settled.waiting_for is None:
            self.records.mark_done(replace(state, fingerprint=snapshot.fingerprint))

    def _announcement(self, key: CaptureKey, name: str) -> Mapping[str, Any]:
        """Return the last announcement; empty if there is none, or if it is damaged: it is announced once more."""
        try:
            note = self.records.note(key, name) or {}
            return note if note and {"of", "announced", "times"} <= set(note) else {}
        except RecordsError:
            return {}

    def _is_mine(self, announced: Mapping[str, Any]) -> bool:
        """Return whether this run announced it before it was killed."""
        return self.run is not None and announced.get("by") == self.run

    def _holder(self, key: CaptureKey) -> str | None:
        """Return the unfinished run that holds the capture's lease."""
        holder = lease.holder(self.records, key)
        return None if holder is None or self.is_finished(holder) else holder

    def _hand_on(self, site: Site, state: CaptureState) -> Unfinished | str:
        """Return what a published capture is due to be announced again for; empty if it is not time.

        The event that starts the run is lost while its DAG is paused. A delivery that is rejected, or waits for its
        turn, leaves what is shown.
        """
        stays = state.stage not in {Stage.PUBLISHED, Stage.CONTEXTUALIZED, Stage.RETRACTED}
        shown = (shown_state(self.records, state.key) if stays else None) or state
        if site.links.enabled and shown.stage is Stage.PUBLISHED:
            again = self._announce_again(site, shown, Unfinished.CONTEXTUALIZE, shown.fingerprint)
            return Unfinished.CONTEXTUALIZE if again else ""
        linked = shown.stage is Stage.CONTEXTUALIZED
        due = (review_due(self.records, shown) or outdated_review(self.records, shown)) if linked else None
        if due is None:
            hides = stays and shown.stage is Stage.PUBLISHED  # its mark would not say that links may be wanted later
            if state.stage.is_end and not hides and not self._holder(state.key):
                self.records.mark_done(state)
        elif site.links.enabled and self._announce_again(site, shown, Unfinished.REVIEW, due):
            return Unfinished.REVIEW
        return ""

    def _announce_again(self, site: Site, state: CaptureState, name: Unfinished, what: str) -> bool:
        """Return whether to announce `what` now, and note it. Each wait is twice the previous one, up to a day."""
        if self._holder(state.key):
            return False
        note = self._announcement(state.key, name)
        mine = note.get("of") == what
        times = int(note["times"]) if mine else 0
        since = datetime.fromisoformat(note["announced"]) if mine else state.records[-1].at
        body = {"of": what, "announced": self.now.isoformat(), "times": times, "by": self.run}
        repeated = mine and self._is_mine(note)
        if not repeated:
            if since > self.now:
                self.records.put_note(state.key, name, {**body, "by": note.get("by") if mine else None})
                return False
            if self.now - since < self._wait(site, name.dag, times):
                return False
            body["times"] = times + 1
        with self.counting:
            if not repeated and self.handed_on[name] >= self.most:
                return False
            self.handed_on[name] += 1
        self.records.put_note(state.key, name, body)
        return True


def next_wait(first: timedelta, times: int) -> timedelta:
    """Return the wait after so many announcements: each is twice the one before, up to a day."""
    doublings = min(times, _DOUBLINGS, _LONGEST_WAIT // first) if first else 0
    return min(first * int(2**doublings), _LONGEST_WAIT)
