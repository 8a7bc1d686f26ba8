"""Delivery of alerts: they are grouped into messages, sent, and kept beside the records until they are sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.context import airflow_url, register_and_records
from airflow_capture360.over import is_over
from airflow_capture360.targets import CONNECTION, Failing, NoConnectionError, NotSentError, send
from capture360.errors import ConfigError
from capture360.reports.alerts import Message, log_text
from capture360.text import counted

if TYPE_CHECKING:
    from capture360.records import Records
    from capture360.steps.incidents import Occurrence

log = logging.getLogger(__name__)

LONGEST = timedelta(days=1)
"""How long an alert is kept whose cause is over, or that has none; later it is only in the log of its task."""
MOST = 500
"""Maximum number of kept alerts."""
UNDELIVERED = "alerts do not arrive"
_NAMED_BY = "%Y%m%dT%H%M%S.%f"
_OF_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def settle_and_send() -> int:
    """Send due and kept messages; return the number sent.

    A task of captures_watch and captures_sense; skipped if there is nothing to send.
    """
    from capture360.steps.incidents import settle

    records = register_and_records()[1]
    settle(records, partial(keep, records), now=datetime.now(UTC), is_over=is_over)
    if not records.store.names(_folder()):
        raise AirflowSkipException("No alert is to be sent.")
    return send_kept(records)


def open_and_send(records: Records) -> None:
    """Send a message about each new cause, while captures_watch does not run."""
    from capture360.steps.incidents import settle

    settle(records, partial(send_or_keep, records), now=datetime.now(UTC), closes=False)


def send_test() -> None:
    """Send a test message, with where links lead; ConfigError if it does not arrive. Nothing is kept."""
    lines = ("Nothing is wrong. Somebody asked for this message.", _where_links_lead())
    message = Message("capture360: test alert", lines, cause="test-alert")
    try:
        send(message)
    except NotSentError as error:
        raise ConfigError(
            f"The test alert did not arrive: {error}.",
            remedy=f"Correct the addresses in the password of the Airflow connection {CONNECTION}, then send it again.",
        ) from None


def _where_links_lead() -> str:
    url = airflow_url()
    host = urlsplit(url).hostname
    if host and host not in _OF_THIS_MACHINE:
        return f"Links in alerts and digests begin with {url}."
    leads = f"lead to {url}, which browsers of other machines do not find" if host else "have no host"
    return (
        f"Links in alerts and digests {leads}. Set base_url in section [api] of Airflow's configuration (in the "
        "composition: AIRFLOW_URL in .env) to the address that people open."
    )


def send_kept(records: Records) -> int:
    """Send the kept alerts, oldest first; return the number that arrived.

    captures_watch and captures_sense may do so concurrently; whichever claims an alert sends it. An alert is sent twice
    only if the process is killed between sending and removing it.
    """
    from capture360.steps.claims import claim, give_up

    turn = _Turn(records)
    for name in records.store.names(_folder()):
        path, claimed = f"{_folder()}/{name}", f"{_sending()}/{name}"
        if claim(records, claimed, datetime.now(UTC)):
            turn.send(path)
            give_up(records, claimed)
        else:
            turn.leave(path)
    return turn.sent


def undelivered(records: Records, limit: timedelta, now: datetime) -> Iterator[Occurrence]:
    """Find that alerts were kept for longer than `limit`, since an address did not take them."""
    from capture360.steps.incidents import finding

    names = [name for name in records.store.names(_folder()) if name < f"{now - limit:{_NAMED_BY}}"]
    refused = [kept for kept in _all_kept(records, names) if kept.refused]
    if refused:
        since = min(kept.at for kept in refused).isoformat(sep=" ", timespec="minutes")
        what = f"{counted(len(refused), 'alert')} of {since} and later did not arrive: {refused[0].refused}."
        fix = f"Correct the addresses in the password of {CONNECTION}, then try them with `capture360 alert-test`."
        yield finding(UNDELIVERED, CONNECTION, what, fix, now)


class _Turn:
    """The sending of all kept alerts, one after the other, and the number `sent`."""

    def __init__(self, records: Records) -> None:
        self.sent = 0
        self._records = records
        self._failing = Failing(float)
        self._said = set[str]()
        self._reached = _Reached()

    def send(self, path: str) -> None:
        """Send a kept alert to the addresses that lack it.

        It is given up after LONGEST, unless it was never tried, or is about a cause that stands: no other message would
        tell people of that. A reason that was said before is not logged again.
        """
        kept = self._read(path)
        if kept is None:
            return
        try:
            send(kept.to_send(), kept.taken, self._failing, self._reached.of(kept.message))
        except NotSentError as error:
            if str(error) not in self._said:
                log.warning("Alerts are kept: %s.", error)
                self._said.add(str(error))
            left = kept.tried(error)
        else:
            self._records.store.remove(path)
            self.sent += 1
            return
        is_old = left.late and datetime.now(UTC) - kept.at > LONGEST
        if is_old and (kept.message.is_over or kept.message.cause not in self._standing):
            log.error("An alert is given up after %s: %s", LONGEST, log_text(kept.message))
            self._records.store.remove(path)
            return
        if left != kept:
            self._records.store.put(path, left.document())
        self._reached.add(left)

    @cached_property
    def _standing(self) -> Set[str]:
        """The causes that are not over."""
        from capture360.steps.incidents import occurrences

        return {each.cause for each in occurrences(self._records)}

    def leave(self, path: str) -> None:
        """Leave a kept alert to the process that sends it."""
        if kept := self._read(path):
            self._reached.add(kept)

    def _read(self, path: str) -> _Kept | None:
        return _parsed(self._records, path, self._records.store.read(path))


class _Reached:
    """The addresses that every kept message of a cause has arrived at. Later ones of that cause go nowhere else."""

    def __init__(self) -> None:
        self._by_cause: dict[str, frozenset[str]] = {}

    def add(self, kept: _Kept) -> None:
        """Add a message that is kept; one without a cause holds nothing back."""
        if cause := kept.message.cause:
            self._by_cause[cause] = self._by_cause.get(cause, kept.taken) & kept.taken

    def of(self, message: Message) -> frozenset[str] | None:
        """Return the marks of the addresses that may get a message; None if all may."""
        return self._by_cause.get(message.cause)


def _all_kept(records: Records, names: Sequence[str]) -> Iterator[_Kept]:
    """Yield the kept alerts of these names, but for damaged ones."""
    paths = [f"{_folder()}/{name}" for name in names]
    for path, content in zip(paths, records.store.read_all(paths), strict=True):
        if kept := _parsed(records, path, content):
            yield kept


def _parsed(records: Records, path: str, content: bytes | None) -> _Kept | None:
    """Return a kept alert; None if another process has sent it, or if it is damaged, which is removed."""
    if content is None:
        return None
    try:
        return _Kept.parse(content)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        url = records.store.url_of(path)
        log.error("A kept alert is damaged and is removed: %s (%s).", url, type(error).__name__)
        records.store.remove(path)
        return None


def keep(records: Records, message: Message) -> bool:
    """Log a message, and keep it for the addresses of alerts until `send_kept` sends it; return whether it is kept."""
    log.info("%s", log_text(message))
    return _keep(records, _Kept(datetime.now(UTC), message))


def send_or_keep(records: Records, message: Message) -> bool:
    """Send an alert, or keep it; return whether either was done.

    A missing connection, where no alerts are wanted, cannot be distinguished from a database or secrets backend that is
    down.
    """
    reached = _Reached()
    for kept in _all_kept(records, records.store.names(_folder())):
        reached.add(kept)
    try:
        send(message, only=reached.of(message))
    except NotSentError as error:
        if not _keep(records, _Kept(datetime.now(UTC), message, late=True).tried(error)):
            return False
        log.warning("The alert was not sent: %s. captures_sense tries again.", error)
    return True


def _keep(records: Records, kept: _Kept) -> bool:
    if len(records.store.names(_folder())) >= MOST:
        log.error("The alert was not sent, and %d are kept already.", MOST)
        return False
    records.store.put(f"{_folder()}/{kept.at:{_NAMED_BY}}-{uuid4().hex[:8]}.json", kept.document())
    return True


@dataclass(frozen=True, slots=True)
class _Kept:
    """An alert kept since `at`.

    `late` if sending was tried; `taken` are marks of the addresses that have it, and `refused` says what the others
    answered last.
    """

    at: datetime
    message: Message
    late: bool = False
    taken: frozenset[str] = frozenset()
    refused: str = ""

    def tried(self, error: NotSentError) -> _Kept:
        said = "" if isinstance(error, NoConnectionError) else str(error)
        refused = said if error.was_tried else self.refused
        return _Kept(self.at, self.message, self.late or error.was_tried, self.taken | error.taken, refused)

    def to_send(self) -> Message:
        if not self.late:
            return self.message
        title = f"(Late, of {self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC) {self.message.title}"
        return replace(self.message, title=title)

    def document(self) -> bytes:
        values: dict[str, Any] = {
            "at": self.at.isoformat(),
            "message": self.message.document(),
            "late": self.late,
            "taken": sorted(self.taken),
            "refused": self.refused,
        }
        return json.dumps(values, ensure_ascii=False).encode(errors="backslashreplace")

    @classmethod
    def parse(cls, content: bytes) -> _Kept:
        """Build an alert from its `document`.

        ValueError, TypeError, KeyError, RecursionError or OverflowError if it is malformed.
        """
        values = json.loads(content)
        kept = cls(
            datetime.fromisoformat(values["at"]),
            Message.parse(values["message"]),
            bool(values["late"]),
            frozenset(map(str, values["taken"])),
            str(values.get("refused", "")),
        )
        if kept.at.tzinfo is None:
            raise ValueError("its time has no zone")
        return kept


def _folder() -> str:
    from capture360.records import SENSING

    return f"{SENSING}/alerts"


def _sending() -> str:
    from capture360.records import SENSING

    return f"{SENSING}/sending"
