"""Findings that no failing task reports: captures and leases that wait longer than the register allows.

Each finding names what waits, since when, and how to fix it. One that a failed task of the capture explains is left
out, since people were alerted about that. A look takes some listings, and reads what belongs to captures that have not
ended, are held, or are under review. It writes nothing but that reviews and waits have ended whose runs did not say so,
when it met times in the future, and the document by which the store of the records is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from capture360 import dag_names
from capture360.capture_state import STAGE_STEPS, CaptureState, Stage
from capture360.errors import Capture360Error, ConfigError, RecordsError, UnavailableError
from capture360.landing.listing import capture_folder, captures
from capture360.model import CaptureKey
from capture360.records import EXTRACTIONS, Records
from capture360.settings.register import Register
from capture360.settings.site import Site
from capture360.steps import lease
from capture360.steps.e57_extraction import REVISION
from capture360.steps.folder_snapshot import FolderSnapshot, last_snapshot
from capture360.steps.incidents import Occurrence, finding, occurrences
from capture360.steps.last_sensing import last_sensing
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.review_answers import unwritten
from capture360.steps.review_due import asked_since, is_retracted, note_end, review_due, shown_state, waiting_reviews
from capture360.steps.review_page import newest_review
from capture360.steps.sense import done_with
from capture360.steps.sense_findings import MOST_LISTED
from capture360.steps.times_ahead import TimesAhead
from capture360.steps.turn_note import waiting_run, waiting_since
from capture360.text import counted
from capture360.time_zones import in_utc

_SENSING, _UNWATCHED = "sensing has stopped", "a site cannot be watched"
DAMAGED = "records are damaged"
_OVERWRITING = "leases have more than one holder"
_NOT_PUBLISHED = {Stage.READY, Stage.ACCEPTED, Stage.PARTIAL}
_QUEUED = ", while runs of captures_ingest wait in Airflow's queue, its own perhaps among them"
_LET_IT_BEGIN = (
    "Nothing, if captures_ingest is unpaused and its queue gets shorter: the run begins in its turn. Otherwise see "
    "whether its runs go on; more workers, or more tasks on each, make it faster."
)
_EXPLAINED_BY: Mapping[str, Collection[str]] = {
    "announced and not begun": (dag_names.INGEST,),
    "an E57 extraction takes long": (dag_names.INGEST,),
    "published and not contextualized": (dag_names.CONTEXTUALIZE,),
    "suggestions that nobody was asked about": (dag_names.CONTEXTUALIZE, dag_names.REVIEW),
    DAMAGED: (dag_names.INGEST, dag_names.CONTEXTUALIZE, dag_names.REVIEW),
}
"""The DAGs whose failure for a capture explains a finding about it. A failed retraction explains none.

A rejected delivery leaves a failed ingest, which explains neither what is shown nor a delivery that comes later.
"""
_SIDE_BY_SIDE = 16
"""Captures whose notes are read at once."""


def look(
    register: Register,
    records: Records,
    *,
    now: datetime,
    since: datetime,
    is_finished: Callable[[str], bool],
    has_queue: bool = False,
) -> tuple[list[Occurrence], Callable[[Occurrence], bool]]:
    """Return everything that waits too long, and whether the look decided about an earlier finding.

    It decides about captures, sites and sensing, but for what could not be looked at. An error in one site never hides
    the others. `since` is when captures_watch looked first. `is_finished` is called with runs that hold leases or ask
    people. `has_queue` says whether runs of captures_ingest wait in Airflow's queue.
    """
    failed = {(each.subject, each.dag) for each in occurrences(records) if not each.found}
    found = [*_sensing(register, records, now, since), *_store(records, now)]
    unseen: set[str] = set()
    ahead = TimesAhead(records, now)
    for site_id in register.site_ids:
        try:
            site = register.site(site_id)
            found += _Look(records, site, now, is_finished, failed, unseen, has_queue, ahead).findings()
        except UnavailableError:
            raise
        except Capture360Error as error:  # of the register: captures_sense reports it for each site
            found.append(finding(_UNWATCHED, site_id, str(error), error.fix, now))
            unseen.add(site_id)
    found += _spaces(register, records, now, is_finished, unseen, ahead)
    ahead.keep(whole=not unseen)

    def is_decided(earlier: Occurrence) -> bool:
        looked_for = "/" in earlier.subject or earlier.where in {_SENSING, _UNWATCHED, _OVERWRITING}
        return looked_for and unseen.isdisjoint({earlier.subject, earlier.subject.partition("/")[0]})

    return found, is_decided


def _sensing(register: Register, records: Records, now: datetime, since: datetime) -> Iterator[Occurrence]:
    last = last_sensing(records, now)
    limit = register.watch.sensed_within
    if now - max(since, last or since) > limit:
        seen = (
            f"The last sensing began at {_at(last)}" if last else "No sensing of the landing zones has come to its end"
        )
        yield finding(
            _SENSING,
            dag_names.SENSE,
            f"{seen}, which is more than {_span(limit)} ago (watch.sensed_within). Deliveries are not seen.",
            "See whether captures_sense is paused or its runs hang, and whether scheduler and triggerer are healthy.",
            now,
        )


def _store(records: Records, now: datetime) -> Iterator[Occurrence]:
    try:
        lease.refuse_overwriting_store(records)
    except ConfigError as error:
        yield finding(_OVERWRITING, "records", str(error), error.fix, now)


def _spaces(
    register: Register,
    records: Records,
    now: datetime,
    is_finished: Callable[[str], bool],
    unseen: set[str],
    ahead: TimesAhead,
) -> Iterator[Occurrence]:
    """Find spaces that captures share (`e57.space`) and that one run keeps from the others for long."""
    for space in lease.held_of(records, EXTRACTIONS):
        try:
            yield from _long_held(records, space, register.watch.lease_within, now, is_finished, ahead)
        except RecordsError as error:
            yield finding(DAMAGED, str(space), str(error), error.fix, now)
            unseen.add(str(space))


def _long_held(
    records: Records,
    key: CaptureKey,
    limit: timedelta,
    now: datetime,
    is_finished: Callable[[str], bool],
    ahead: TimesAhead,
) -> Iterator[Occurrence]:
    taken = lease.held_since(records, key)
    if taken is None:
        return
    run, since = taken[0], ahead.since(taken[1], "lease", str(key))
    if now - since <= limit or is_finished(run):
        return
    space = key.site == EXTRACTIONS
    lacking = "no other capture can be extracted into it" if space else "no other run can write it"
    capture = (lease.held_for(records, key) or "its capture") if space else None
    hangs = lease.if_it_hangs(run, "space" if space else "capture", capture)
    yield finding(
        "a lease is held long",
        str(key),
        f"{key} was taken at {_at(since)}, and after {_span(limit)} (watch.lease_within) {run} still holds it, and "
        f"{lacking}.",
        f"See whether {run} goes on; {hangs}",
        now,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the captures of a site.

    `failed` are captures and the DAGs that failed for them, which people were alerted about. Captures that cannot be
    looked at are added to `unseen`.
    """

    records: Records
    site: Site
    now: datetime
    is_finished: Callable[[str], bool]
    failed: Collection[tuple[str, str]]
    unseen: set[str]
    has_queue: bool
    ahead: TimesAhead

    def findings(self) -> list[Occurrence]:
        keys = self.records.keys_of(self.site.id)
        known = set(keys)
        ended = {capture for capture, _ in done_with(self.site, self.records)}
        goes_on = [key for key in keys if key.capture not in ended]
        under_review = [key for key in waiting_reviews(self.records, self.site.id) if key in known]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            snapshots = dict(zip(goes_on, pool.map(lambda key: last_snapshot(self.records, key), goes_on), strict=True))
            asked = pool.map(lambda key: asked_since(self.records, key), under_review)
            reviews = dict(zip(under_review, asked, strict=True))
        held = lease.held_of(self.records, self.site.id)
        found: list[Occurrence] = []
        for key in sorted({*held, *under_review, *goes_on}, key=str):
            try:
                found += self._lease(key) if key in held else ()
                found += self._review(key, reviews.get(key))
                if key in snapshots:
                    found += self._files(key, snapshots[key])
                    found += self._capture(key)
            except RecordsError as error:
                found.append(finding(DAMAGED, str(key), str(error), error.fix, self.now))
                self.unseen.add(str(key))
        return [each for each in found if not self._is_explained(each)]

    def _is_explained(self, found: Occurrence) -> bool:
        return any((found.subject, dag) in self.failed for dag in _EXPLAINED_BY.get(found.where, ()))

    def _capture(self, key: CaptureKey) -> Iterator[Occurrence]:
        state = self.records.load(key, only=STAGE_STEPS)
        if state is None:
            return
        watch = self.site.watch
        if self._is_held(key):
            yield from self._extraction(state)
            return
        if run := waiting_run(self.records, key, self.is_finished):
            if since := waiting_since(self.records, key):
                yield from self._late(
                    "a capture waits long for its turn", key, since, watch.lease_within, "lease_within",
                    "began to wait for its turn", f"{run} still waits until other captures are extracted",
                    "See in the log of the run's take_turn which run extracts into the space (e57.space), and whether "
                    "that one goes on.",
                )  # fmt: skip
            state = shown_state(self.records, key) or state
            if state.stage in _NOT_PUBLISHED:
                return
        if state.stage is Stage.REJECTED:
            state = shown_state(self.records, key) or state
        if state.stage in _NOT_PUBLISHED and (announced := state.body("sense")) is not None:
            first = announced.get("first", announced["announced"])
            yield from self._late(
                "announced and not begun", key, in_utc(first), watch.begun_within, "begun_within", "was announced",
                "no run has published it, and none is writing it" + (_QUEUED if self.has_queue else ""),
                _LET_IT_BEGIN if self.has_queue else
                f"See whether captures_ingest is unpaused and its runs start, then trigger it with capture {key}.",
            )  # fmt: skip
        elif state.stage is Stage.PUBLISHED and self.site.links.enabled:
            yield from self._late(
                "published and not contextualized", key, state.records[-1].at, watch.contextualized_within,
                "contextualized_within", "was published", "it is not contextualized",
                f"See whether captures_contextualize is unpaused, then trigger it with capture {key}.",
            )  # fmt: skip
        elif state.stage is Stage.CONTEXTUALIZED and review_due(self.records, state) is not None:
            yield from self._late(
                "suggestions that nobody was asked about", key, state.records[-1].at, watch.asked_within,
                "asked_within", "was contextualized", "nobody was asked about its suggested links",
                f"See whether captures_review is unpaused, then trigger it with capture {key}.",
            )  # fmt: skip

    def _extraction(self, state: CaptureState) -> Iterator[Occurrence]:
        record = self.records.get(state.key, state.fingerprint, REVISION)
        if record is None or self.records.has(state.key, state.fingerprint, PUBLISH):
            return
        yield from self._late(
            "an E57 extraction takes long", state.key, record.at, self.site.watch.extracted_within, "extracted_within",
            "was given to CDF", "CDF has not extracted its panoramas",
            "See the revisions of its 3D model in CDF. The run fails by itself after the site's e57.deadline.",
            who="CDF administrator",
        )  # fmt: skip

    def _files(self, key: CaptureKey, snapshot: FolderSnapshot | None) -> Iterator[Occurrence]:
        """Find deliveries that sensing has seen and not announced."""
        limit = self.site.watch.expected_within
        if snapshot is None or self.now - snapshot.since <= limit:
            return
        newest = self.records.load(key, only=STAGE_STEPS)
        if newest is not None and newest.stage is Stage.RETRACTED:
            return
        if self.records.load(key, snapshot.fingerprint, only=STAGE_STEPS) is None and self._is_there(key):
            yield from self._late(
                "a delivery is not complete", key, snapshot.since, limit, "expected_within", "changed last",
                f"it is still not complete{snapshot.waiting and f': it waits for {snapshot.waiting}'}",
                "Ask the surveyor for what it waits for, or for a _READY file that is written last.",
                who="surveyor",
            )  # fmt: skip

    def _is_there(self, key: CaptureKey) -> bool:
        try:
            if capture_folder(self.site, key).files:
                return True
            captures(self.site)  # raises if the landing zone itself is away
            return False
        except Exception:  # noqa: BLE001 - stores raise what they like, and the other captures must be seen
            self.unseen.add(str(key))  # captures_sense reports a landing zone that cannot be listed
            return False

    def _review(self, key: CaptureKey, asked: tuple[str, datetime] | None) -> Iterator[Occurrence]:
        limit = self.site.watch.reviewed_within
        if asked is None:
            return
        run, since = asked[0], self.ahead.since(asked[1], "asked", str(key))
        if self.now - since <= limit:
            return
        shown = (key, since, limit, "reviewed_within", "was shown to people")
        if is_retracted(self.records, key):
            note_end(self.records, key, run)  # nothing is left to answer or to write
        elif not self.is_finished(run):
            yield from self._late(
                "a review waits for answers", *shown, "its suggested links are not all decided on",
                "Answer it under Required Actions; after two weeks it ends, and what is not decided stays as it is.",
                who="reviewers",
            )  # fmt: skip
        elif (newest := newest_review(self.records, key)) and unwritten(self.records, key, newest.plates.keys()):
            yield from self._late(
                "answers are not written", *shown, "what people answered on its page is not written to CDF",
                f"{run} has ended without that. Trigger captures_review with capture {key}: it shows the answers "
                "again, and writes them.",
            )  # fmt: skip
        else:
            note_end(self.records, key, run)

    def _lease(self, key: CaptureKey) -> Iterator[Occurrence]:
        return _long_held(self.records, key, self.site.watch.lease_within, self.now, self.is_finished, self.ahead)

    def _is_held(self, key: CaptureKey) -> bool:
        holder = lease.holder(self.records, key)
        return holder is not None and not self.is_finished(holder)

    def _late(
        self, kind: str, key: CaptureKey, since: datetime, limit: timedelta, setting: str, began: str, lacking: str,
        fix: str, who: str = "platform team",
    ) -> Iterator[Occurrence]:  # fmt: skip
        since = self.ahead.since(since, kind, str(key))
        if self.now - since > limit:
            what = f"{key} {began} at {_at(since)}, and after {_span(limit)} (watch.{setting}) {lacking}."
            yield finding(kind, str(key), what, fix, self.now, who=who)


def kinds(found: Sequence[Occurrence], most: int = MOST_LISTED) -> list[str]:
    """Return a line for each of the first so many findings, and one with the number of the others, for a log."""
    listed = [f"{each.subject}: {each.where}. {each.what}" for each in found[:most]]
    more = len(found) - len(listed)
    return [*listed, f"{counted(more, 'more finding')}."] if more else listed


def _at(when: datetime | None) -> str:
    return when.isoformat(sep=" ", timespec="minutes") if when else "an unknown time"


def _span(limit: timedelta) -> str:
    hours = limit.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} hours" if hours >= 2 else f"{hours * 60:g} minutes"
