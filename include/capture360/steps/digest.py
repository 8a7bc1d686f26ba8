"""Collection of a site's digest from the records alone. Only `send_due` and `note_drift` write.

Sensing marks captures that it is done with. Only captures without a mark, or with one newer than the beginning of the
period, can have changed in it, so the others are not read; their undecided plates are in an index.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile

from capture360.capture_state import CaptureState, Stage
from capture360.errors import RecordsError
from capture360.markers import day_of
from capture360.model import CaptureKey
from capture360.records import SENSING, Records
from capture360.reports.digest import Digest, Drift, Standing
from capture360.settings.site import Site
from capture360.steps.claims import claim, give_up
from capture360.steps.incidents import occurrences
from capture360.steps.open_plates import open_plates
from capture360.steps.review_due import REVIEWED, last_counts
from capture360.steps.waits import waits

MOST = 2000
"""Captures that are read for one digest."""
_STEPS = frozenset({"sense", "validate", "verify", "annotate", "retract", REVIEWED})
_CLOCKS = timedelta(hours=1)
"""Tolerance for clocks of stores."""
_SIDE_BY_SIDE = 16
_SENTENCES = 5
_DIGESTS = f"{SENSING}/digests"
_BEING_SENT = ".sending"
_LONGEST_SENTENCE = 500
MOST_LATE = 7
"""Digests of earlier periods that are still sent."""
_NOT_AT_AN_END = {Stage.READY, Stage.ACCEPTED, Stage.PARTIAL}


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a site, first and last included."""

    first: date
    last: date

    @classmethod
    def ending(cls, last: date, days: int) -> Period:
        """Return the period of `days` days that ends with `last`."""
        return cls(last - timedelta(days=days - 1), last)

    @classmethod
    def newest(cls, kind: str, today: date) -> Period:
        """Return the last complete day or week (Monday to Sunday) before today."""
        if kind == "weekly":
            return cls.ending(today - timedelta(days=today.weekday() + 1), 7)
        return cls.ending(today - timedelta(days=1), 1)

    @property
    def before(self) -> Period:
        """The period before it, equally long."""
        return Period.ending(self.first - timedelta(days=1), (self.last - self.first).days + 1)


def digest(site: Site, records: Records, period: Period) -> Digest:
    """Collect the digest of a site for a period. Captures with damaged records are named and do not hide others.

    UnavailableError if the store does not answer about each capture.
    """
    begin = datetime.combine(period.first, time(), site.zone)
    end = datetime.combine(period.last + timedelta(days=1), time(), site.zone)
    keys, unread = _to_read(site, records, begin)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        read = list(pool.map(lambda key: _read(records, key), keys))
    found = _Collected(begin, end)
    for key, one in zip(keys, read, strict=True):
        if isinstance(one, RecordsError):
            found.damaged.append(key)
            continue
        state, sentences = one
        if state is not None:
            found.add(key, state, links=site.links.enabled)
        if sentences:
            found.waiting[key] = ", ".join(filter(None, (found.waiting.get(key, ""), *sentences)))
    seen = set(keys)
    elsewhere = sum(count for key, count in open_plates(records, site.id).items() if key not in seen)
    reasons = {rule: (_title(rule), count) for rule, count in found.reasons.most_common()}
    return Digest(
        site=site.id,
        name=site.name,
        first=period.first,
        last=period.last,
        **found.lists,
        waiting=found.waiting,
        stations=found.stations,
        held_back=found.held_back,
        reasons=reasons,
        linked=found.linked,
        asked=found.asked,
        open=found.open + elsewhere,
        alerts=_alerts(records, site),
        drift=last_drift(records, site.id),
        damaged=found.damaged,
        unread=unread,
    )


def today(site: Site, now: datetime) -> date:
    """Return today's date in the site's zone."""
    return now.astimezone(site.zone).date()


def send_due(records: Records, site: Site, now: datetime, send: Callable[[Digest], None]) -> int:
    """Send the digest of each complete period that lacks it, as `due` names them; return how many were sent.

    Several processes may call it concurrently. A digest is sent twice if one is killed between sending and noting it.
    """
    sent = 0
    folder = f"{_DIGESTS}/{site.id}"
    for period in due(records, site, now):
        name = f"{site.digest}-{period.last}"
        if not claim(records, f"{folder}/{name}{_BEING_SENT}", now):
            break
        try:
            if period not in due(records, site, now):
                continue
            send(digest(site, records, period))
            records.store.put(f"{folder}/{name}", b"")
            sent += 1
            for other in records.store.names(folder):
                if _is_outdated(other, site.digest, period):
                    records.store.remove(f"{folder}/{other}")
        finally:
            give_up(records, f"{folder}/{name}{_BEING_SENT}")
    return sent


def due(records: Records, site: Site, now: datetime) -> Sequence[Period]:
    """Return the periods whose digest was not sent, oldest first: the last complete one, and up to MOST_LATE before it.

    A site whose digest was never sent has missed none.
    """
    if site.digest == "off":
        return ()
    newest = Period.newest(site.digest, today(site, now))
    names = records.store.names(f"{_DIGESTS}/{site.id}")
    dates = [name.removeprefix(f"{site.digest}-") for name in names if not name.endswith(_BEING_SENT)]
    sent = max((day for text in dates if (day := day_of(text)) is not None), default=newest.before.last)
    missing = islice(takewhile(lambda each: each.last > sent, _backwards(newest)), 1 + MOST_LATE)
    return tuple(missing)[::-1]


def _is_outdated(name: str, kind: str, period: Period) -> bool:
    """Return whether a mark or claim is of an earlier period, or a mark of another kind; a later one is another's."""
    whose = name.removesuffix(_BEING_SENT)
    if not whose.startswith(f"{kind}-"):
        return whose == name
    day = day_of(whose.removeprefix(f"{kind}-"))
    return day is not None and day < period.last


def _backwards(period: Period) -> Iterator[Period]:
    while True:
        yield period
        period = period.before


def note_drift(records: Records, site: str, now: datetime, compared: int, sentences: Sequence[str]) -> None:
    """Keep the result of a comparison of records and CDF."""
    values = {"at": now.isoformat(), "compared": compared, "differences": len(sentences),
              "sentences": [sentence[:_LONGEST_SENTENCE] for sentence in sentences[:_SENTENCES]]}  # fmt: skip
    records.store.put(_drift(site), json.dumps(values).encode())


def last_drift(records: Records, site: str) -> Drift | None:
    """Return the last comparison of records and CDF; None if there was none, or the note is damaged."""
    try:
        values = records.store.document(_drift(site))
        if values is None:
            return None
        at = datetime.fromisoformat(values["at"]).astimezone(UTC)
        return Drift(at, int(values["compared"]), int(values["differences"]), tuple(map(str, values["sentences"])))
    except (RecordsError, ValueError, TypeError, OverflowError):
        return None


class _Collected:
    """Accumulated captures of a period and their counts."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        self.begin, self.end = begin, end
        self.lists: dict[str, list[CaptureKey]] = {
            name: [] for name in ("came", "published", "contextualized", "rejected", "retracted")
        }
        self.waiting: dict[CaptureKey, str] = {}
        self.damaged: list[CaptureKey] = []
        self.reasons: Counter[str] = Counter()
        self.stations = self.held_back = self.linked = self.asked = self.open = 0

    def add(self, key: CaptureKey, state: CaptureState, *, links: bool) -> None:
        within = {record.step for record in state.records if self.begin <= record.at < self.end}
        came = _first_seen(state)
        if came is not None and self.begin <= came < self.end:
            self.lists["came"].append(key)
        validated = state.body("validate") if "validate" in within else None
        if validated is not None:
            self.stations += int(validated["accepted"])
            self.held_back += len(validated["quarantined"])
            self.reasons.update(rule for rules in validated["quarantined"].values() for rule in set(rules))
            if validated["verdict"] == "rejected":
                self.lists["rejected"].append(key)
        for step, name in (("verify", "published"), ("annotate", "contextualized"), ("retract", "retracted")):
            if step in within:
                self.lists[name].append(key)
        now = last_counts(state) or {}
        if "annotate" in within:
            self.linked += now.get("linked", 0)
            self.asked += int(((state.body("annotate") or {}).get("plates") or {}).get("asked", 0))
        if state.stage is Stage.CONTEXTUALIZED:
            self.open += now.get("asked", 0)
        if state.stage in _NOT_AT_AN_END or (links and state.stage is Stage.PUBLISHED):
            self.waiting[key] = state.stage.value


def _first_seen(state: CaptureState) -> datetime | None:
    """Return when a delivery was announced first; a step that is done again has a later time than it had."""
    announced = state.body("sense")
    if announced is not None:
        return datetime.fromisoformat(announced.get("first") or announced["announced"]).astimezone(UTC)
    return next((record.at for record in state.records if record.step == "validate"), None)


def _to_read(site: Site, records: Records, begin: datetime) -> tuple[list[CaptureKey], int]:
    """Return the captures that may have changed since `begin`, and the number of older ones beyond the limit."""
    marked = records.done_since(site.id)
    newest = datetime.max.replace(tzinfo=UTC)
    dated = [(marked.get(key.capture) or newest, str(key), key) for key in records.keys_of(site.id)]
    wanted = sorted((each for each in dated if each[0] >= begin - _CLOCKS), reverse=True)
    return sorted((key for _, _, key in wanted[:MOST]), key=str), max(0, len(wanted) - MOST)


def _read(records: Records, key: CaptureKey) -> tuple[CaptureState | None, Sequence[str]] | RecordsError:
    """Return the newest delivery, and what the capture waits for."""
    try:
        state = records.load(key, only=_STEPS)
        asked = (last_counts(state) or {}).get("asked", 0) if state else 0
        return state, [each.sentence for each in waits(records, key, state.stage if state else None, asked)]
    except RecordsError as error:
        return error


def _alerts(records: Records, site: Site) -> list[Standing]:
    """Return the open alerts about the site and its captures, one for each subject and place: batches fail alike."""
    found: dict[tuple[str, str], Standing] = {}
    for each in occurrences(records):
        if each.subject == site.id or each.subject.startswith(f"{site.id}/"):
            place = each.subject, each.where
            found.setdefault(place, Standing(*place, each.what, each.links))
    return list(found.values())


def _title(rule: str) -> str:
    from capture360.checks.rules import RULES

    try:
        return RULES[rule].title
    except KeyError:
        return "a rule of another version"


def _drift(site: str) -> str:
    return f"{SENSING}/reconciled/{site}.json"
