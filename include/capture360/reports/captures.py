"""Airflow's pages of captures: the list of all, and the page of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from capture360.capture_state import Stage
from capture360.errors import Capture360Error
from capture360.matching.coverage import Coverage
from capture360.model import CaptureKey
from capture360.reports.page import page_in_airflow
from capture360.reports.plan_view import plan_view

if TYPE_CHECKING:
    from capture360.checks.validation import PlanPoint

PAGE_SIZE = 50
TO_REVIEW = "review"
"""Filter of the list for captures whose review waits for people, whatever their state."""


class State(StrEnum):
    """The state of a capture by the index of records alone."""

    RUNNING = "running"
    FAILED = "failed"
    INCOMING = "incoming"
    REJECTED = "rejected"
    PUBLISHED = "published"
    CONTEXTUALIZED = "contextualized"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last Airflow run of a capture, with Airflow's name of its state. `ended` is None until it ends."""

    dag: str
    run: str
    state: str
    at: datetime
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A capture of the list."""

    key: CaptureKey
    state: State
    last: LastRun | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery of a capture by its records. Addresses of reports are relative to `reports/`.

    `held_back` is None if the delivery was rejected as a whole, not for its stations.
    """

    fingerprint: str
    stage: Stage
    seen_at: datetime
    changed_at: datetime
    verdict: str
    headline: str
    fix: str
    captured_on: str
    stations: int
    held_back: int | None
    plates: Mapping[str, int] | None
    cdf: str
    validation_report: str
    match_report: str
    thumbnail: str
    retracted: str = ""
    """Who retracted it, and when; empty if nobody did."""

    @property
    def asked(self) -> int:
        """Number of plates that people have not decided."""
        return self.plates["asked"] if self.plates else 0


@dataclass(frozen=True, slots=True)
class Wait:
    """What a capture waits for, and since when."""

    what: str
    since: datetime

    @property
    def sentence(self) -> str:
        """The wait in words."""
        return f"waits for {self.what}, since {self.began}"

    @property
    def began(self) -> str:
        """When it began, as pages write times."""
        return f"{self.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Detail:
    """A capture with its last deliveries, the newest first; `plan` holds the stations of the newest.

    There are no deliveries as long as none was complete.
    """

    key: CaptureKey
    state: State
    label: str
    deliveries: Sequence[Delivery]
    earlier: int
    """Number of deliveries before these."""
    plan: Sequence[PlanPoint] = ()
    waits: Sequence[Wait] = ()
    coverage: Coverage | None = None
    critical: Coverage | None = None
    """Of the site's assets and of its critical ones, by this capture."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest delivery of a capture, None without records or with damaged ones, and what the capture waits for."""

    delivery: Delivery | None
    waits: Sequence[Wait] = ()
    error: Capture360Error | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters and page of the list: an empty filter matches all; the first page is 1."""

    state: str = ""
    site: str = ""
    like: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list: a capture with its newest delivery; `is_damaged` if its records cannot be read."""

    entry: Entry
    delivery: Delivery | None
    is_damaged: bool
    run: str
    age: str
    waits: Sequence[Wait] = ()


def render_captures(
    index: Mapping[CaptureKey, State],
    under_review: Collection[CaptureKey],
    sites: Sequence[str],
    wanted: Wanted,
    order: Callable[[Collection[str]], Iterable[str]],
    last: Callable[[Sequence[str]], Mapping[str, LastRun]],
    read: Callable[[Sequence[CaptureKey]], Sequence[Newest]],
    now: datetime,
) -> tuple[str, str]:
    """Return the HTML of a page of the list, and its content security policy.

    `order` returns keys by their last runs, the newest first, at least those of the given captures, and is read up to
    the end of the page. The last runs of captures on the page are asked for, and only these captures are `read`.
    """
    like = wanted.like.casefold()
    among = {
        key: state
        for key, state in index.items()
        if (not wanted.site or key.site == wanted.site) and like in str(key).casefold()
    }
    counted = Counter(among.values())
    reviews = among.keys() & under_review
    found = {
        key: state
        for key, state in among.items()
        if wanted.state in {"", state.value} or (wanted.state == TO_REVIEW and key in reviews)
    }
    first = (wanted.page - 1) * PAGE_SIZE
    keys = list(islice(_newest_first(found, order), first, first + PAGE_SIZE))
    runs = last(list(map(str, keys)))
    shown = [Entry(key, found[key], runs.get(str(key))) for key in keys]
    return page_in_airflow(
        "captures",
        rows=[_row(entry, newest, now) for entry, newest in zip(shown, read(keys), strict=True)],
        counts=[
            (TO_REVIEW, "to review", len(reviews)),
            *((state.value, state.value, counted[state]) for state in State),
        ],
        total=len(among),
        found=len(found),
        first=first + 1,
        page=wanted.page,
        size=PAGE_SIZE,
        state=wanted.state,
        site=wanted.site,
        like=wanted.like,
        sites=sites,
    )


def _newest_first(
    found: Collection[CaptureKey], order: Callable[[Collection[str]], Iterable[str]]
) -> Iterator[CaptureKey]:
    """Yield captures by last run, then those without one by name."""
    left = {str(key): key for key in found}
    for name in order(set(left)):
        key = left.pop(name, None)
        if key is not None:
            yield key
    for name in sorted(left, reverse=True):
        yield left[name]


def render_capture(detail: Detail, runs: Sequence[LastRun], last: LastRun | None = None) -> tuple[str, str]:
    """Return the HTML of one capture's page, and its content security policy. Its state comes from the run `last`."""
    is_in_cdf = detail.state is not State.RETRACTED
    cdf = next((each.cdf for each in detail.deliveries if each.cdf and is_in_cdf), "")
    return page_in_airflow(
        "capture",
        own="capture",
        detail=detail,
        plan=plan_view(detail.plan),
        published=bool(cdf),
        cdf=cdf if cdf.startswith(("https://", "http://")) else "",
        last=last and (last, _run_address(last)),
        runs=[(run, _run_address(run)) for run in runs],
    )


def _run_address(run: LastRun) -> str:
    return f"../../../{_run_path(run)}"


def _row(entry: Entry, newest: Newest, now: datetime) -> Row:
    known = newest.delivery
    run = f"../{_run_path(entry.last)}" if entry.last else ""
    times = [
        time
        for time in (entry.last and entry.last.at, known and known.changed_at, *(each.since for each in newest.waits))
        if time
    ]
    age = _age(now - max(times)) if times else ""
    return Row(entry, known, newest.error is not None, run, age, newest.waits)


def _age(passed: timedelta) -> str:
    minutes = max(0, int(passed.total_seconds() // 60))
    for unit, length in (("d", 1440), ("h", 60)):
        if minutes >= length:
            return f"{minutes // length} {unit}"
    return f"{minutes} min"


def _run_path(run: LastRun) -> str:
    """Path of Airflow's page of a run."""
    return f"dags/{quote(run.dag, safe='')}/runs/{quote(run.run, safe='')}"
