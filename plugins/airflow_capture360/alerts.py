"""Post alerts to the webhook. One that cannot be posted is kept beside the records and posted later."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.context import register_and_records

log = logging.getLogger(__name__)

WEBHOOK_CONNECTION = "capture360_alerts"
LONGEST = timedelta(days=1)
"""How long an alert is kept; after that it is only in the log of its task."""
MOST = 500
"""Maximum number of kept alerts."""


class NotPostedError(Exception):
    """An alert did not reach the webhook. The message leaves out the address, which is a secret."""


def post(conn_id: str, text: str) -> None:
    """Post `{"text": ...}` to the address that the connection's password holds. NotPostedError if that failed."""
    import httpx

    try:
        webhook = BaseHook.get_connection(conn_id)
    except Exception as error:  # noqa: BLE001 - secrets backends raise anything, and the alert must not be lost
        raise NotPostedError(f"Airflow does not find connection {conn_id} ({type(error).__name__})") from None
    try:
        httpx.post(webhook.password or "", json={"text": text}, timeout=10).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotPostedError(f"connection {conn_id} does not take it ({type(error).__name__})") from None


def post_or_keep(conn_id: str, text: str) -> None:
    """Post an alert, or keep it for `send_kept`.

    A connection that does not exist, because nobody wants alerts, looks like a database or secrets backend
    that is down.
    """
    try:
        post(conn_id, text)
    except NotPostedError as error:
        store = register_and_records()[1].store
        if len(store.names(_folder())) >= MOST:
            log.error("The alert was not sent: %s, and %d are kept already.", error, MOST)
            return
        now = datetime.now(UTC)
        kept = _Kept(now, conn_id, text)
        store.put(f"{_folder()}/{now:%Y%m%dT%H%M%S.%f}-{uuid4().hex[:8]}.json", kept.document())
        log.warning("The alert was not sent: %s. captures_sense tries again for a day.", error)


def send_kept() -> int:
    """Send the kept alerts, oldest first; returns how many were sent.

    Skips the task when none is kept. An alert is sent twice only if this is killed between posting and removing it.
    """
    store = register_and_records()[1].store
    names = store.names(_folder())
    if not names:
        raise AirflowSkipException("No alert is kept.")
    sent, unreachable = 0, set()
    for name in names:
        path = f"{_folder()}/{name}"
        content = store.read(path)
        if content is None:
            continue
        try:
            kept = _Kept.parse(content)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            log.error("A kept alert is damaged and is removed: %s (%s).", store.url_of(path), type(error).__name__)
            store.remove(path)
            continue
        if kept.connection not in unreachable:
            try:
                post(kept.connection, f"(Late, of {kept.at.isoformat(timespec='seconds')}) {kept.text}")
            except NotPostedError as error:
                log.warning("Alerts are kept: %s.", error)
                unreachable.add(kept.connection)
            else:
                sent += 1
                store.remove(path)
                continue
        if datetime.now(UTC) - kept.at > LONGEST:
            log.error("An alert is given up after %s: %s", LONGEST, kept.text)
            store.remove(path)
    return sent


@dataclass(frozen=True, slots=True)
class _Kept:
    """An alert that waits to be posted, since `at`."""

    at: datetime
    connection: str
    text: str

    def document(self) -> bytes:
        values = {"at": self.at.isoformat(), "connection": self.connection, "text": self.text}
        return json.dumps(values, ensure_ascii=False).encode(errors="backslashreplace")

    @classmethod
    def parse(cls, content: bytes) -> _Kept:
        """Return what `document` made of an alert; ValueError, TypeError, KeyError or RecursionError otherwise."""
        values = json.loads(content)
        kept = cls(datetime.fromisoformat(values["at"]), str(values["connection"]), str(values["text"]))
        if kept.at.tzinfo is None:
            raise ValueError("its time has no zone")
        return kept


def _folder() -> str:
    from capture360.records import SENSING

    return f"{SENSING}/alerts"
