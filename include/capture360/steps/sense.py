"""Sense the landing zones: which captures are complete, and which of them to announce."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from capture360.capture_state import Stage
from capture360.landing.fingerprint import fingerprint
from capture360.landing.listing import capture_folder, captures
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.rules.finding import Finding
from capture360.rules.sensing import W01
from capture360.settings.register import Register
from capture360.settings.site import Site
from capture360.steps import lease
from capture360.steps.announcements import Announcement, Announcer, Unfinished
from capture360.steps.last_sensing import note_sensing
from capture360.steps.listing_state import ListingState, due, in_turn, keep_listing_state, last_listing_state
from capture360.steps.review_due import waiting_reviews
from capture360.steps.sense_findings import finding_of, keep_findings, known_findings

_SIDE_BY_SIDE = 16
"""Folders that are listed at once."""
MOST_ANNOUNCED = 500
"""Captures announced to each DAG by one sensing, since keys travel in XComs. The next ones announce others."""
_NEXT_SENSING = f"the next sensing: {MOST_ANNOUNCED} captures are announced at a time"


@dataclass(frozen=True, slots=True)
class Sensed:
    """Result of one sensing: captures that are `ready` to be announced, why others are `waiting`, and `findings`.

    `published` are to be announced again for contextualization, which is incomplete, and `suggested` for a review that
    has not begun. `news` are findings that no earlier sensing had. Unchanged captures at their end are in none.

    `ready`, `published` and `suggested` hold at most MOST_ANNOUNCED captures each. `announcements` are recorded by
    `remember` once the events are sent; `listing` is the state for the next sensing, by site. It began `at`.
    """

    ready: tuple[CaptureKey, ...]
    waiting: tuple[tuple[CaptureKey, str], ...]
    findings: tuple[Finding, ...]
    published: tuple[CaptureKey, ...] = ()
    news: tuple[Finding, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    suggested: tuple[CaptureKey, ...] = ()
    listing: Mapping[str, ListingState] = field(default_factory=dict, compare=False)
    at: datetime = field(kw_only=True, compare=False)


def sense(
    register: Register,
    records: Records,
    *,
    now: datetime,
    is_finished: Callable[[str], bool] = lease.process_is_finished,
    run: str | None = None,
    queued: Collection[str] = (),
) -> Sensed:
    """Sense every site's landing zone. An error in one site or capture never hides the others.

    Call `remember` once the events are sent; a sensing that fails in between is repeated with the same announcements.

    Level-triggered: a complete capture without an end state is ready, and again each `retrigger_after`, unless an
    unfinished run holds its lease, which `is_finished` tests. Once it has passed the checks, each wait is twice the
    one before, up to a day; so long is the wait as well while runs of the DAG are `queued`, its own perhaps among them.
    `run` names the run: repeated after a kill, it announces the same captures. Times in the future, from a clock that
    was ahead, count as now.
    """
    announcer = Announcer(records, now, is_finished, run, MOST_ANNOUNCED, queued)
    announcements: list[Announcement] = []
    published: list[CaptureKey] = []
    suggested: list[CaptureKey] = []
    waiting: list[tuple[CaptureKey, str]] = []
    findings: list[Finding] = []
    states: dict[str, ListingState] = {}
    for site_id in register.site_ids:
        try:
            site = register.site(site_id)
            listing = captures(site)
            done = done_with(site, records)
            names = [key.capture for key in listing.keys]
            ended = {capture for capture, _ in done}
            last = last_listing_state(records, site_id)
            without_files, archived = _without_files(records, site, {*names, *ended}, last)
            under_review = waiting_reviews(records, site_id)
        except Exception as error:  # noqa: BLE001 - stores raise what they like, and the other sites must be seen
            findings.append(finding_of(site_id, error))
            continue
        findings += [
            W01.finding(where=f"{site.landing.url}/{each.path}", sentence=f'The folder "{each.path}" {each.problem}.')
            for each in listing.left_out
        ]
        listed, state = due(names, ended, listing.changed, last, now)
        states[site_id] = replace(state, archived=archived)
        keys = [key for key in listing.keys if key.capture in listed]
        for key, due_now in _looked_at(announcer, site, keys, done, without_files, under_review):
            match due_now:
                case Exception():
                    findings.append(finding_of(str(key), due_now))
                case Announcement():
                    announcements.append(due_now)
                case Unfinished.CONTEXTUALIZE:
                    published.append(key)
                case Unfinished.REVIEW:
                    suggested.append(key)
                case why if why:
                    waiting.append((key, why))
    findings = list(dict.fromkeys(findings))  # a capture under review is looked at twice
    announcements.sort(key=lambda each: each.order)
    waiting += [(each.key, _NEXT_SENSING) for each in announcements[MOST_ANNOUNCED:]]
    del announcements[MOST_ANNOUNCED:]
    known = known_findings(records)
    news = tuple(each for each in findings if each.line not in known or (run is not None and known[each.line] == run))
    ready = tuple(each.key for each in announcements)
    return Sensed(
        ready,
        tuple(waiting),
        tuple(findings),
        tuple(published),
        news,
        tuple(announcements),
        tuple(suggested),
        states,
        at=now,
    )


def remember(records: Records, sensed: Sensed, run: str | None = None) -> None:
    """Record the announcements and the end of the sensing, and keep its findings for the next one."""
    for each in sensed.announcements:
        records.put(each.key, each.fingerprint, "sense", each.body, run=run or "sense")
    for site, state in sensed.listing.items():
        keep_listing_state(records, site, state)
    keep_findings(records, sensed.findings, run)
    note_sensing(records, sensed.at)


def done_with(site: Site, records: Records) -> Set[tuple[str, str]]:
    """Return the deliveries that sensing is done with, by capture and fingerprint.

    Published ones are not, where links are wanted and contextualization is incomplete.
    """
    goes_on = {Stage.PUBLISHED} if site.links.enabled else set()
    return {known for known, stage in records.done(site.id).items() if stage not in goes_on}


def _without_files(
    records: Records, site: Site, others: Collection[str], last: ListingState | None
) -> tuple[Sequence[CaptureKey], str]:
    """Return the captures whose files were taken away before sensing was done with them, and where to go on.

    As many as a sensing looks at, in turn: those that were never published stay among them for good.
    """
    names = {key.capture for key in records.keys_of(site.id)}.difference(others)
    some, following = in_turn(names, last.archived if last else "", MOST_ANNOUNCED)
    return [CaptureKey(site.id, name) for name in some], following


def _looked_at(
    announcer: Announcer,
    site: Site,
    keys: Sequence[CaptureKey],
    done: Set[tuple[str, str]],
    without_files: Sequence[CaptureKey],
    under_review: Sequence[CaptureKey],
) -> Iterator[tuple[CaptureKey, Announcement | Unfinished | str | Exception]]:
    """Yield what is due for each capture that sensing is not done with, or whose review waits, or the error of looking.

    Folders are listed and looked at concurrently, since only listings show changes, and none is kept: a listing may be
    large. A changed capture is listed each time until it reaches its end. What was published of captures that are
    now `without_files` is handed on all the same.
    """
    marked: dict[str, list[str]] = {}
    for capture, seen in done:
        marked.setdefault(capture, []).append(seen)

    def look(key: CaptureKey) -> Announcement | Unfinished | str:
        folder = capture_folder(site, key)
        if (key.capture, fingerprint(folder, site.landing.ready_markers)) in done:
            return ""
        for before in marked.get(key.capture, ()):
            announcer.records.unmark_done(key, before)
        return announcer.look(site, key, folder)

    def found(
        looks: tuple[CaptureKey, Callable[[CaptureKey], Announcement | Unfinished | str]],
    ) -> tuple[CaptureKey, Announcement | Unfinished | str | Exception]:
        key, look_at = looks
        try:
            return key, look_at(key)
        except Exception as error:  # noqa: BLE001 - stores raise anything, and one broken folder must not hide the others
            return key, error

    every = [
        *((key, look) for key in keys),
        *((key, partial(announcer.look_at_records, site)) for key in without_files),
        *((key, partial(announcer.look_at_review, site)) for key in under_review),
    ]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        yield from pool.map(found, every)
