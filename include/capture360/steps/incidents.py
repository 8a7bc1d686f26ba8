"""Incidents: failures and findings grouped by cause, so that people get one message at the start and one at the end.

What joins an incident later is one more message a day.

    sensing/occurrences/<digest>.json       a failure or finding about one capture, site or DAG
    sensing/incidents/<cause>.json          a cause with a message, and everything it concerned
    sensing/incidents/<cause>.joining       a process is making the message about what joined it
    sensing/incidents/<cause>.closing       a process is making the final message

Several processes may settle concurrently; the exclusive creation of a document decides which one makes a message. One
that is killed before its message is kept loses its claim after `claims.ABANDONED`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from pydantic import AwareDatetime, TypeAdapter

from capture360.errors import RecordsError
from capture360.records import SENSING, Records
from capture360.reports.alerts import Cause, Message, about, joined, over
from capture360.steps.causes import identity
from capture360.steps.claims import ABANDONED, claim, give_up
from capture360.steps.times_ahead import CLOCKS_APART
from capture360.text import printable, without_secrets

_OCCURRENCES, _INCIDENTS = f"{SENSING}/occurrences", f"{SENSING}/incidents"
_JOINING, _CLOSING = ".joining", ".closing"
_Kept = TypeVar("_Kept", "Occurrence", "_Incident")
_BETWEEN_MESSAGES = timedelta(days=1)
"""Shortest time from one message about an incident to the next about what joined it."""
_LONGEST_TEXT = 4000
_ASKED_AT_MOST = 50
"""Failed tasks of a new cause that are asked about, whether they are over, before it is reported."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A failure or finding. Occurrences with equal `cause` are one incident.

    `id` tells it from others: reported twice it is one. A failed task names its `dag` and `run`, and one of several
    batches the number of its `batch`. What captures_watch finds is `found` anew by every look. Records and CDF of a
    site that `drifted` were compared, and differed.
    """

    id: str
    cause: str
    subject: str
    where: str
    what: str
    fix: str
    who: str
    at: AwareDatetime
    links: Mapping[str, str] = field(default_factory=dict)
    dag: str = ""
    run: str = ""
    task: str = ""
    batch: int = -1
    found: bool = False
    drifted: bool = False

    def document(self) -> bytes:
        """Return the occurrence as a JSON document."""
        values = {**asdict(self), "at": self.at.isoformat()}
        return json.dumps(values, ensure_ascii=False).encode(errors="backslashreplace")

    @staticmethod
    def parse(values: Mapping[str, Any]) -> Occurrence:
        """Build an occurrence from its `document`; ValueError if it is malformed."""
        return _occurrence_form().validate_python(values)

    def shown(self) -> Cause:
        """Return the cause as messages show it."""
        return Cause(self.where, self.what, self.fix, self.who, self.links, self.cause)


def finding(
    kind: str, subject: str, what: str, fix: str, now: datetime, *, who: str = "platform team", cause: str = ""
) -> Occurrence:
    """Return what a look of captures_watch found about a subject.

    Findings of one `kind` about captures of one site are one incident; any other finding is an incident of its own,
    unless `cause` names one. Texts from outside in `what` become one printable line without secrets.
    """
    return Occurrence(
        id=identity("found", kind, subject),
        cause=cause or identity("found", kind, subject.partition("/")[0]),
        subject=printable(subject),
        where=kind,
        what=printable(without_secrets(what), _LONGEST_TEXT),
        fix=fix,
        who=who,
        at=now,
        found=True,
    )


def note(records: Records, occurrence: Occurrence, cleared_since: datetime | None = None) -> None:
    """Keep an occurrence, unless one with its id is kept.

    A task that was cleared, began again at `cleared_since` and now fails in another way, does not fail as it did
    before: the occurrence of that is removed. Those of its other batches stay.
    """
    what = occurrence.what if len(occurrence.what) <= _LONGEST_TEXT else f"{occurrence.what[: _LONGEST_TEXT - 1]}…"
    records.store.create(f"{_OCCURRENCES}/{occurrence.id}.json", replace(occurrence, what=what).document())
    if cleared_since is None:
        return
    task = _task(occurrence)
    for each in occurrences(records):
        if _task(each) == task and each.cause != occurrence.cause and each.at < cleared_since:
            forget(records, each)


def _task(occurrence: Occurrence) -> tuple[object, ...]:
    return occurrence.dag, occurrence.run, occurrence.task, occurrence.batch, occurrence.subject


def forget(records: Records, occurrence: Occurrence) -> None:
    """Remove an occurrence that is over."""
    records.store.remove(f"{_OCCURRENCES}/{occurrence.id}.json")


def occurrences(records: Records) -> list[Occurrence]:
    """Return all occurrences, oldest first. Damaged documents are removed; what persists is reported again."""
    names = [name for name in records.store.names(_OCCURRENCES) if name.endswith(".json")]
    paths = [f"{_OCCURRENCES}/{name}" for name in names]
    found = []
    for path, content in zip(paths, records.store.read_all(paths), strict=True):
        if content is None:
            continue
        try:
            found.append(Occurrence.parse(records.store.parsed(path, content)))
        except (RecordsError, ValueError):
            records.store.remove(path)
    return sorted(found, key=lambda each: (each.at, each.subject, each.id))


def observe(
    records: Records, findings: Sequence[Occurrence], is_decided: Callable[[Occurrence], bool] = lambda _: True
) -> list[Occurrence]:
    """Keep the findings of a look of captures_watch; return what stands.

    Earlier ones that it no longer found are removed if it `is_decided` that they are over. The others stand as well.
    """
    standing = list(findings)
    now = {each.id for each in findings}
    for each in occurrences(records):
        if not each.found or each.id in now:
            continue
        if is_decided(each):
            forget(records, each)
        else:
            standing.append(each)
    for each in findings:
        note(records, each)
    return standing


def settle(
    records: Records,
    say: Callable[[Message], bool],
    *,
    now: datetime,
    is_over: Callable[[Occurrence], bool] = lambda _: False,
    closes: bool = True,
) -> None:
    """Make the due messages: one about each new cause, and one about each that is over.

    `say` keeps or sends a message; one for which it returns False is made again later. `is_over` is asked about failed
    tasks, which takes a request to Airflow and several to the store each: about all of a cause that has a message, else
    about `_ASKED_AT_MOST`, so that one with hundreds of tasks is reported. Without `closes` causes are only opened.
    """
    by_cause: dict[str, list[Occurrence]] = {}
    for kept in occurrences(records):
        each = _not_ahead(records, f"{_OCCURRENCES}/{kept.id}.json", kept, now)
        by_cause.setdefault(each.cause, []).append(each)
    known = {name.removesuffix(".json") for name in records.store.names(_INCIDENTS)}
    for cause in sorted(by_cause, key=known.__contains__):  # new ones first: asking about the others may take too long
        if closes:
            most = None if cause in known else _ASKED_AT_MOST
            by_cause[cause] = _standing(records, by_cause[cause], is_over, most)
        if by_cause[cause]:
            _open(records, cause, by_cause[cause], say, now)
    if closes:
        for name in records.store.names(_INCIDENTS):
            cause, _, kind = name.rpartition(".")
            if kind == "json" and not by_cause.get(cause):
                _close(records, cause, say, now)


def _standing(
    records: Records, group: Sequence[Occurrence], is_over: Callable[[Occurrence], bool], most: int | None
) -> list[Occurrence]:
    """Forget what is over of one cause, each at once, since the process may be ended meanwhile; return the rest.

    Batches of a task are asked about once, by the one that failed last. After `most` questions the rest counts as
    standing if anything does.
    """
    tasks: dict[object, list[Occurrence]] = {}
    for each in group:
        tasks.setdefault(each.id if each.batch < 0 else (each.dag, each.run, each.task, each.subject), []).append(each)
    standing: list[Occurrence] = []
    for number, batches in enumerate(tasks.values()):
        is_asked = most is None or number < most or not standing
        if is_asked and not batches[-1].found and is_over(batches[-1]):
            for each in batches:
                forget(records, each)
        else:
            standing += batches
    return standing


def _not_ahead(records: Records, path: str, each: _Kept, now: datetime) -> _Kept:
    """Return what is kept there; what has a time in the future happened now, also for all later looks."""
    if each.at > now + CLOCKS_APART:
        each = replace(each, at=now)
        records.store.put(path, each.document())
    return each


def _open(
    records: Records, cause: str, group: Sequence[Occurrence], say: Callable[[Message], bool], now: datetime
) -> None:
    path = f"{_INCIDENTS}/{cause}.json"
    subjects = list(dict.fromkeys(each.subject for each in group))
    known = _known(records, path)
    if known is None:
        known = _Incident(now, False, group[0].at, subjects, group[0].shown(), subjects)
        if not records.store.create(path, known.document()):
            return
        _say_first(records, path, known, subjects, say)
        return
    known = _not_ahead(records, path, known, now)
    if not known.said:
        if now - known.at >= ABANDONED:
            _say_again(records, cause, subjects, say, now)
        return
    changed = known.with_present(subjects)
    if changed.joined and now - known.at >= _BETWEEN_MESSAGES:
        _join(records, cause, group, say, now)
    elif changed != known:
        records.store.put(path, changed.document())


def _say_again(
    records: Records, cause: str, subjects: list[str], say: Callable[[Message], bool], now: datetime
) -> None:
    """Make the first message of an incident whose process was killed before, or whose message was not kept."""
    path, saying = f"{_INCIDENTS}/{cause}.json", f"{_INCIDENTS}/{cause}{_JOINING}"
    if not claim(records, saying, now):
        return
    known = _known(records, path)  # anew: another process may have made the message meanwhile
    if known is not None and not known.said:
        _say_first(records, path, known, subjects, say)
    give_up(records, saying)


def _say_first(
    records: Records, path: str, known: _Incident, subjects: list[str], say: Callable[[Message], bool]
) -> None:
    if say(about(known.cause, subjects)):
        records.store.put(path, replace(known.with_present(subjects), said=True, joined=[]).document())


def _join(
    records: Records, cause: str, group: Sequence[Occurrence], say: Callable[[Message], bool], now: datetime
) -> None:
    """Make the message about what joined an incident since the last one."""
    path, joining = f"{_INCIDENTS}/{cause}.json", f"{_INCIDENTS}/{cause}{_JOINING}"
    if not claim(records, joining, now):
        return
    known = _known(records, path)  # anew: another process may have made the message meanwhile
    if known is not None and now - known.at >= _BETWEEN_MESSAGES:
        known = known.with_present(list(dict.fromkeys(each.subject for each in group)))
        first = next((each for each in group if each.subject in known.joined), None)
        if first is not None and say(joined(first.shown(), known.joined, known.since)):
            records.store.put(path, replace(known, at=now, joined=[]).document())
    give_up(records, joining)


def _close(records: Records, cause: str, say: Callable[[Message], bool], now: datetime) -> None:
    path, closing = f"{_INCIDENTS}/{cause}.json", f"{_INCIDENTS}/{cause}{_CLOSING}"
    if not claim(records, closing, now):
        return
    known = _known(records, path)  # another process may have closed it meanwhile
    if known is not None and (not known.said or say(over(known.cause, known.subjects, known.since))):
        records.store.remove(path)
    give_up(records, closing)


@dataclass(frozen=True, slots=True)
class _Incident:
    """A stored incident: `at` is when its last message was started, `since` when the incident began.

    `subjects` are all that it ever concerned, `present` those that it concerned last, and `joined` those of them that
    no message names yet.
    """

    at: AwareDatetime
    said: bool
    since: AwareDatetime
    subjects: list[str]
    cause: Cause
    present: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)

    def with_present(self, subjects: list[str]) -> _Incident:
        """Return the incident now that it concerns these."""
        every = list(dict.fromkeys([*self.subjects, *subjects]))
        joined = [each for each in subjects if each in self.joined or each not in (self.present or self.subjects)]
        return replace(self, subjects=every, present=subjects, joined=joined)

    def document(self) -> bytes:
        values = {**asdict(self), "at": self.at.isoformat(), "since": self.since.isoformat()}
        return json.dumps(values, ensure_ascii=False).encode(errors="backslashreplace")


def _known(records: Records, path: str) -> _Incident | None:
    """Return the incident; None if there is none, or if it is damaged, which is removed."""
    try:
        values = records.store.document(path)
        if values is None:
            return None
        found = _incident_form().validate_python(values)
        name = path.rpartition("/")[2].removesuffix(".json")
        return replace(found, cause=replace(found.cause, id=name))
    except (RecordsError, ValueError):
        records.store.remove(path)
        return None


@cache
def _occurrence_form() -> TypeAdapter[Occurrence]:
    return TypeAdapter(Occurrence)


@cache
def _incident_form() -> TypeAdapter[_Incident]:
    return TypeAdapter(_Incident)
