"""Digest of a site for a period: as a message, as lines for a terminal, and as a page within Airflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from capture360.model import CaptureKey
from capture360.reports.alerts import Message
from capture360.reports.page import page_in_airflow
from capture360.text import counted, listed, noun, printable

_NAMED = 10
"""Captures and sentences that a message lists; the others are counted."""
_LONGEST_ALERT = 300
LONGEST = 90
"""Longest period in days."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The last comparison of records and CDF: time, number of captures, and the first sentences about differences."""

    at: datetime
    compared: int
    differences: int
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert that stands: about what, where it appeared, what broke, and addresses by label."""

    subject: str
    where: str
    what: str
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The alert as one line."""
        return f"{self.subject}: {self.where}. {self.what}"


@dataclass(frozen=True, slots=True)
class Digest:
    """Captures of a site in a period, first and last day included; a capture may be in several lists.

    `waiting`, `open` and `alerts` are the present state; `waiting` has the stage by capture, and what it waits for.
    `reasons` has title and number of quarantined stations by rule. `unread` is the number of captures left out,
    `damaged` are those with unreadable records.
    """

    site: str
    name: str
    first: date
    last: date
    came: Sequence[CaptureKey]
    published: Sequence[CaptureKey]
    contextualized: Sequence[CaptureKey]
    rejected: Sequence[CaptureKey]
    retracted: Sequence[CaptureKey]
    waiting: Mapping[CaptureKey, str]
    stations: int
    held_back: int
    reasons: Mapping[str, tuple[str, int]]
    linked: int
    asked: int
    open: int
    alerts: Sequence[Standing]
    drift: Drift | None
    damaged: Sequence[CaptureKey] = ()
    unread: int = 0

    @property
    def period(self) -> str:
        """The days that the digest covers, in words."""
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

    def captures(self) -> Mapping[str, Sequence[CaptureKey]]:
        """Return the lists of captures by event."""
        return {
            "came in": self.came,
            "published": self.published,
            "contextualized": self.contextualized,
            "rejected": self.rejected,
            "retracted": self.retracted,
        }

    def document(self) -> dict[str, Any]:
        """Return the digest as JSON values."""
        lists = {name.replace(" ", "_"): [str(key) for key in keys] for name, keys in self.captures().items()}
        drift = self.drift and {
            "at": self.drift.at.isoformat(),
            "compared": self.drift.compared,
            "differences": self.drift.differences,
            "sentences": list(self.drift.sentences),
        }
        return {
            "site": self.site,
            "first": str(self.first),
            "last": str(self.last),
            **lists,
            "waiting": {str(key): stage for key, stage in self.waiting.items()},
            "stations": self.stations,
            "held_back": self.held_back,
            "reasons": {rule: count for rule, (_, count) in self.reasons.items()},
            "plates": {"linked": self.linked, "asked": self.asked, "open": self.open},
            "alerts": [asdict(each) for each in self.alerts],
            "drift": drift,
            "damaged": [str(key) for key in self.damaged],
            "unread": self.unread,
        }


def lines(digest: Digest) -> list[str]:
    """Return the digest as sentences, with texts from outside not escaped yet."""
    found = [f"{name.capitalize()}: {_named(keys)}." for name, keys in digest.captures().items() if keys]
    if not found:
        found = ["No capture came in, and none was published."]
    if digest.waiting:
        found.append(f"Waiting now: {_some([f'{key} ({stage})' for key, stage in digest.waiting.items()])}.")
    if digest.stations or digest.held_back:
        found.append(f"Stations: {digest.stations:,} accepted, {digest.held_back:,} held back.")
    if digest.reasons:
        why = [f"{rule} {title} ({count:,})" for rule, (title, count) in digest.reasons.items()]
        found.append(f"Held back by: {'; '.join(why[:_NAMED])}{_and_more(len(why))}.")
    if digest.contextualized or digest.open:
        found.append(f"Plates: {digest.linked:,} linked, {digest.asked:,} asked, {digest.open:,} open.")
    if digest.alerts:
        found.append(f"Alerts that stand: {len(digest.alerts):,}.")
        found += [printable(each.line, _LONGEST_ALERT) for each in digest.alerts[:_NAMED]]
    found.append(drift_line(digest.drift))
    found += notes(digest)
    return found


def drift_line(drift: Drift | None) -> str:
    """Word the comparison of records and CDF."""
    if drift is None:
        return "Records and CDF have not been compared yet."
    when = f"{drift.at:%Y-%m-%d %H:%M} UTC"
    if not drift.differences:
        return f"Records and CDF agreed at {when} ({counted(drift.compared, 'capture')})."
    more = drift.differences - len(drift.sentences)
    rest = f" And {more:,} more." if more > 0 else ""
    return f"Differences between records and CDF at {when}: {drift.differences:,}. {' '.join(drift.sentences)}{rest}"


def notes(digest: Digest) -> list[str]:
    """Return sentences about what the digest leaves out."""
    found = []
    if digest.damaged:
        found.append(f"Records that cannot be read: {_named(digest.damaged)}.")
    if digest.unread:
        found.append(f"{digest.unread:,} more {noun(digest.unread, 'capture')} changed in this time, not counted here.")
    return found


def message(digest: Digest, links: Mapping[str, str]) -> Message:
    """Return the digest as a message."""
    return Message(f"{digest.name}: captures of {digest.period}", tuple(lines(digest)), links, is_over=True)


def text(digest: Digest) -> str:
    """Return the digest for a terminal."""
    shown = [printable(line, 2000) for line in (f"{digest.name}, {digest.period}", *lines(digest))]
    return "\n".join(shown)


def render_digest(digest: Digest, sites: Sequence[str], days: int) -> tuple[str, str]:
    """Return the page of a site's digest, and its content security policy."""
    return page_in_airflow(
        "digest",
        digest=digest,
        sites=sites,
        days=days,
        longest=LONGEST,
        periods=sorted({1, 7, 30, days}),
        drift=drift_line(digest.drift),
        notes=notes(digest),
    )


def _named(keys: Sequence[CaptureKey]) -> str:
    return _some([key.capture for key in keys])


def _some(names: Sequence[str]) -> str:
    return f"{len(names):,} ({listed(names, _NAMED)})"


def _and_more(count: int) -> str:
    return f" and {count - _NAMED:,} more" if count > _NAMED else ""
