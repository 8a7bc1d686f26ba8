"""Scan the landing zones: which captures are complete, and which of them to announce."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from capture360.capture_state import STAGE_STEPS, CaptureState, Stage
from capture360.errors import Capture360Error, RecordsError, StoreUnavailableError
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.landing.listing import capture_folder, captures
from capture360.model import CaptureKey
from capture360.records import SENSING, Records
from capture360.rules.finding import Finding
from capture360.rules.sensing import W01
from capture360.settings.register import Register
from capture360.settings.site import Site
from capture360.steps import lease
from capture360.steps.retracted import stays_out
from capture360.steps.review_due import review_due
from capture360.steps.settling import FolderSnapshot, settling
from capture360.steps.turns import Turn, due, keep_turn, last_turn

_LOOK = "look"
_CONTEXTUALIZE = "contextualize"
_REVIEW = "review"
_FINDINGS = f"{SENSING}/findings.json"
_LONGEST_WAIT = timedelta(days=1)
_SIDE_BY_SIDE = 16
"""Folders that are listed at once."""
_DOUBLINGS = 30
"""Limit of doublings against overflow; the longest wait is reached far earlier."""
MOST_LISTED = 20
"""Findings that one log or alert lists."""
MORE = "more findings of sensing"
MOST_ANNOUNCED = 500
"""Captures that one scan announces to each DAG, since keys travel in XComs. The next scans announce others."""
_NEXT_SCAN = f"the next scan: {MOST_ANNOUNCED} captures are announced at a time"


@dataclass(frozen=True, slots=True)
class Sensed:
    """Result of a scan: captures that are `ready` to be announced, why others are `waiting`, and `findings`.

    `published` are to be announced again for contextualization, which is incomplete, and `suggested` for a review that
    has not begun. `news` are findings that the previous scan did not have. Unchanged captures at their end are in none.

    `ready`, `published` and `suggested` hold at most MOST_ANNOUNCED captures each. `announcements` are recorded by
    `remember` once the events are sent; `turns` is the state for the next scan, by site.
    """

    ready: tuple[CaptureKey, ...]
    waiting: tuple[tuple[CaptureKey, str], ...]
    findings: tuple[Finding, ...]
    published: tuple[CaptureKey, ...] = ()
    news: tuple[Finding, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    suggested: tuple[CaptureKey, ...] = ()
    turns: Mapping[str, Turn] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Announcement:
    """An announced delivery, and the body of its record.

    `turn` orders them: those that this scan announced before it was killed, then new ones, then the longest announced.
    """

    key: CaptureKey
    fingerprint: str
    body: Mapping[str, Any]
    turn: tuple[bool, str] = (True, "")


def sense(
    register: Register,
    records: Records,
    *,
    now: datetime,
    is_finished: Callable[[str], bool] = lease.process_is_finished,
    run: str | None = None,
) -> Sensed:
    """Scan every site's landing zone. An error in one site or capture never hides the others.

    Call `remember` once the events are sent; a scan that fails in between is repeated with the same announcements.

    Level-triggered: a complete capture without an end state is ready, and again each `retrigger_after`, unless an
    unfinished run holds its lease, which `is_finished` tests. `run` names this scan: repeated after a kill, it
    announces the same captures. Times in the future, from a clock that was ahead, count as now.
    """
    scan = _Scan(records, now, is_finished, run)
    announcements: list[Announcement] = []
    published: list[CaptureKey] = []
    suggested: list[CaptureKey] = []
    waiting: list[tuple[CaptureKey, str]] = []
    findings: list[Finding] = []
    turns: dict[str, Turn] = {}
    for site_id in register.site_ids:
        try:
            site = register.site(site_id)
            listing = captures(site)
            done = _done(site, records)
        except Exception as error:  # noqa: BLE001 - stores raise what they like, and the other sites must be seen
            findings.append(_finding(site_id, _sentence(error)))
            continue
        findings += [
            _finding(f"{site.landing.url}/{each.path}", f'The folder "{each.path}" {each.problem}.')
            for each in listing.left_out
        ]
        names = [key.capture for key in listing.keys]
        ended = {capture for capture, _ in done}
        listed, turns[site_id] = due(names, ended, listing.changed, last_turn(records, site_id), now)
        for key, folder in _changed(site, [key for key in listing.keys if key.capture in listed], records, done):
            try:
                if isinstance(folder, Exception):
                    raise folder
                why = scan.waiting_for(site, key, folder)
            except Exception as error:  # noqa: BLE001 - stores raise anything, and one broken folder must not hide the others
                findings.append(_finding(str(key), _sentence(error)))
                continue
            if isinstance(why, Announcement):
                announcements.append(why)
            elif why is _TO_CONTEXTUALIZE:
                published.append(key)
            elif why is _TO_REVIEW:
                suggested.append(key)
            elif why:
                waiting.append((key, why))
    announcements.sort(key=lambda each: each.turn)
    waiting += [(each.key, _NEXT_SCAN) for each in announcements[MOST_ANNOUNCED:]]
    del announcements[MOST_ANNOUNCED:]
    before = _last_findings(records)
    news = tuple(finding for finding in findings if sentence(finding) not in before)
    ready = tuple(each.key for each in announcements)
    return Sensed(
        ready, tuple(waiting), tuple(findings), tuple(published), news, tuple(announcements), tuple(suggested), turns
    )


def remember(records: Records, sensed: Sensed, run: str | None = None) -> None:
    """Record the announcements of a scan, and keep its findings for the next one."""
    for each in sensed.announcements:
        records.put(each.key, each.fingerprint, "sense", each.body, run=run or "sense")
    for site, turn in sensed.turns.items():
        keep_turn(records, site, turn)
    found = sorted({sentence(finding) for finding in sensed.findings})
    if set(found) != _last_findings(records):
        records.store.put(_FINDINGS, json.dumps(found).encode())


def last_scan(records: Records, sites: Sequence[str]) -> datetime | None:
    """Return when the newest complete scan of any of the sites began; None if there is none."""
    turns = (last_turn(records, site) for site in sites)
    return max((turn.at.astimezone(UTC) for turn in turns if turn is not None), default=None)


def last_snapshot(records: Records, key: CaptureKey) -> FolderSnapshot | None:
    """Return the last snapshot of a capture's folder; None if there is none.

    None as well if the note is damaged, which only restarts the quiet period.
    """
    try:
        note = records.note(key, _LOOK)
        return FolderSnapshot.from_document(note) if note else None
    except (RecordsError, ValueError, TypeError):
        return None


def standing_findings(records: Records) -> set[str]:
    """Return the findings of the last scan as sentences."""
    return _last_findings(records)


def sentence(finding: Finding) -> str:
    """Word a finding as one line of a log or alert."""
    return f"{finding.where}: {finding.message}"


def sentences(findings: Sequence[Finding], most: int = MOST_LISTED) -> list[str]:
    """Word the first `most` findings, and the number of the others."""
    listed = [sentence(finding) for finding in findings[:most]]
    more = len(findings) - len(listed)
    return [*listed, f"There are {more:,} {MORE}; fix these first."] if more else listed


_TO_CONTEXTUALIZE = "contextualization"
_TO_REVIEW = "review"


@dataclass(frozen=True, slots=True)
class _Scan:
    """One scan of all landing zones."""

    records: Records
    now: datetime
    is_finished: Callable[[str], bool]
    run: str | None
    handed_on: Counter[str] = field(default_factory=Counter)
    """Captures that this scan announced again, by the note of the announcement."""

    def waiting_for(self, site: Site, key: CaptureKey, folder: CaptureFolder) -> str | Announcement:
        """Return the announcement that is due, empty if the capture is done; else what it waits for."""
        last = last_snapshot(self.records, key)
        settled = settling(folder, last, site.landing, self.now)
        state = self.records.load(key, settled.snapshot.fingerprint, only=STAGE_STEPS)
        if state is not None and state.stage.is_end:
            return self._hand_on(site, state)
        if state is None and (out := stays_out(self.records, key, folder)):
            return out
        if settled.snapshot != last:
            self.records.put_note(key, _LOOK, settled.snapshot.document())
        if settled.waiting_for is not None:
            return settled.waiting_for
        holder = self._holder(key)
        if holder is not None:
            return f"its turn: it is being written by {holder}"
        announced = None if state is None else state.body("sense")
        if announced is not None and not self._is_mine(announced):
            at = datetime.fromisoformat(announced["announced"])
            if at > self.now:
                at = self.now
                body = {**announced, "announced": at.isoformat()}
                self.records.put(key, settled.snapshot.fingerprint, "sense", body, run=self.run or "sense")
            if self.now - at < site.retrigger_after:
                return f"its run: announced at {at.isoformat(timespec='seconds')}"
        body = {
            "announced": self.now.isoformat(),
            "first": (announced or {}).get("first", self.now.isoformat()),
            "by": self.run,
            "files": len(folder.files),
            "bytes": sum(folder.sizes.values()),
        }
        mine = announced is not None and self._is_mine(announced)
        turn = (not mine, "" if mine or announced is None else str(announced["announced"]))
        return Announcement(key, settled.snapshot.fingerprint, body, turn)

    def _announcement(self, key: CaptureKey, name: str) -> Mapping[str, Any]:
        """Return the last announcement; None as well if the note is damaged, so that it is announced once more."""
        try:
            note = self.records.note(key, name) or {}
            return note if note and {"of", "announced", "times"} <= set(note) else {}
        except RecordsError:
            return {}

    def _is_mine(self, announced: Mapping[str, Any]) -> bool:
        """Return whether this scan announced it before it was killed."""
        return self.run is not None and announced.get("by") == self.run

    def _holder(self, key: CaptureKey) -> str | None:
        """Return the unfinished run that holds the capture's lease."""
        holder = lease.holder(self.records, key)
        return None if holder is None or self.is_finished(holder) else holder

    def _hand_on(self, site: Site, state: CaptureState) -> str:
        """Return the asset of a published capture that is due to be announced again; empty if it is not time.

        The event that starts the run is lost while its DAG is paused.
        """
        if site.links.enabled and state.stage is Stage.PUBLISHED:
            return _TO_CONTEXTUALIZE if self._announce_again(site, state, _CONTEXTUALIZE, state.fingerprint) else ""
        due = review_due(self.records, state) if state.stage is Stage.CONTEXTUALIZED else None
        if due is None:
            if not self._holder(state.key):
                self.records.mark_done(state)
        elif site.links.enabled and self._announce_again(site, state, _REVIEW, due):
            return _TO_REVIEW
        return ""

    def _announce_again(self, site: Site, state: CaptureState, name: str, what: str) -> bool:
        """Return whether to announce `what` now, and note it. Each wait is twice the previous one, up to a day."""
        if self._holder(state.key):
            return False
        note = self._announcement(state.key, name)
        mine = note.get("of") == what
        times = int(note["times"]) if mine else 0
        since = datetime.fromisoformat(note["announced"]) if mine else state.records[-1].at
        body = {"of": what, "announced": self.now.isoformat(), "times": times, "by": self.run}
        if not (mine and self._is_mine(note)):
            if since > self.now:
                self.records.put_note(state.key, name, {**body, "by": note.get("by") if mine else None})
                return False
            if self.now - since < min(site.retrigger_after * 2 ** min(times, _DOUBLINGS), _LONGEST_WAIT):
                return False
            if self.handed_on[name] >= MOST_ANNOUNCED:
                return False
            body["times"] = times + 1
        self.handed_on[name] += 1
        self.records.put_note(state.key, name, body)
        return True


def _done(site: Site, records: Records) -> Set[tuple[str, str]]:
    """Return the deliveries that sensing is done with, by capture and fingerprint.

    Published ones are not, where links are wanted and contextualization is incomplete.
    """
    stages = records.done(site.id)
    return {known for known, stage in stages.items() if stage is not Stage.PUBLISHED or not site.links.enabled}


def _changed(
    site: Site, keys: Sequence[CaptureKey], records: Records, done: Set[tuple[str, str]]
) -> Iterator[tuple[CaptureKey, CaptureFolder | Exception]]:
    """Yield the captures that sensing is not done with, each with its folder, or the error of listing it.

    Folders are listed concurrently, since only listings show changes. A changed capture is listed at every scan until
    it reaches its end.
    """
    marked: dict[str, list[str]] = {}
    for capture, seen in done:
        marked.setdefault(capture, []).append(seen)

    def list_folder(key: CaptureKey) -> CaptureFolder | Exception | None:
        folder = capture_folder(site, key)
        try:
            now = fingerprint(folder, site.landing.ready_markers)
            if (key.capture, now) in done:
                return None
            for before in marked.get(key.capture, ()):
                records.unmark_done(key, before)
        except Exception as error:  # noqa: BLE001 - stores raise what they like, and the other captures must be seen
            return error
        return folder

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        for key, folder in zip(keys, pool.map(list_folder, keys), strict=True):
            if folder is not None:
                yield key, folder


def _last_findings(records: Records) -> set[str]:
    """Return the findings of the last scan; none if they cannot be read, so that they are reported again."""
    try:
        found = json.loads(records.store.read(_FINDINGS) or b"[]")
    except (ValueError, RecursionError, RecordsError, StoreUnavailableError):
        return set()
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()


def _finding(where: str, message: str) -> Finding:
    return W01.finding(where=where, sentence=message)


def _sentence(error: Exception) -> str:
    """Return the text of an error, with its class if it is no Capture360Error."""
    if isinstance(error, Capture360Error):
        return str(error)
    return f"It cannot be looked at ({type(error).__name__}: {error}). Correct its settings, or see to its store."
