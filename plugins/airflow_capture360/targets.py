"""Send a message to the addresses of an Airflow connection: chats, mail, on-call services, or a plain webhook."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk import BaseHook

from airflow_capture360 import paging
from capture360.reports.alerts import Message, chat, heading, markdown, plain
from capture360.tls import trusted

CONNECTION = "capture360_alerts"
_LOGGERS = ("apprise", "httpx", "httpcore", "urllib3", "requests")
"""Their lines hold addresses, which are secrets."""
_TIMEOUT_S = 10.0
LONGEST_FAILING_S = 20.0
"""Seconds that an address may take to fail, in all, while several messages are sent."""


class NotSentError(Exception):
    """A message did not reach every target. The text leaves out the addresses, which are secrets."""

    def __init__(self, text: str, taken: frozenset[str] = frozenset(), *, was_tried: bool = True) -> None:
        super().__init__(text)
        self.taken = taken
        """Marks of the addresses that took it."""
        self.was_tried = was_tried
        """Whether any address was tried."""


class NoConnectionError(NotSentError):
    """Airflow finds no connection: nobody wants alerts, or its database or secrets backend is down."""


Failing = defaultdict[str, float]
"""Seconds that each address, by its mark, has taken to fail while several messages are sent."""
_NO_ADDRESS = ""
"""The mark in `Failing` of the connection itself."""


def mark_of(address: str) -> str:
    """Return what distinguishes an address from the few others: a digest too short to say anything of a secret."""
    return hashlib.sha256(address.encode(errors="backslashreplace")).hexdigest()[:4]


def send(
    message: Message,
    taken: Collection[str] = (),
    failing: Failing | None = None,
    only: Collection[str] | None = None,
) -> None:
    """Send to each address in the connection's password, which blanks or line ends separate; NotSentError if one fails.

    An address is one of Apprise (https://appriseit.com/services), such as `slack://...`, `mailtos://...` or the
    address of an incoming webhook that Apprise knows. Any other http(s) address gets `{"text": ...}`. Services that
    page people get no message that is no incident.

    Those that have `taken` the message already, by their marks, are left out. Those that have been `failing` for longer
    than LONGEST_FAILING_S are not tried: one that does not answer must not take the time of all messages, and one that
    refuses a message may take the next. With `only`, the others wait: they lack an earlier message of the same cause,
    and a service that pages people would close an incident before it opens it.
    """
    failing = Failing(float) if failing is None else failing
    if failing[_NO_ADDRESS] > LONGEST_FAILING_S:
        raise NoConnectionError(f"Airflow does not find connection {CONNECTION}")
    began = time.monotonic()
    try:
        stored = BaseHook.get_connection(CONNECTION)
    except Exception as error:  # noqa: BLE001 - secrets backends raise anything, and the message must not be lost
        failing[_NO_ADDRESS] += time.monotonic() - began
        raise NoConnectionError(f"Airflow does not find connection {CONNECTION} ({type(error).__name__})") from None
    addresses = (stored.password or "").split()
    if not addresses:
        raise NotSentError(f"connection {CONNECTION} has no address as its password")
    failed: dict[int, str] = {}
    took = set[str]()
    was_tried = False
    with _silent():
        for number, address in enumerate(addresses, start=1):
            mark = mark_of(address)
            if mark in taken:
                continue
            if only is not None and mark not in only:
                failed[number] = "an earlier message of the same cause has not arrived there"
                continue
            if failing[mark] > LONGEST_FAILING_S:
                failed[number] = "it has failed too long"
                continue
            began, was_tried = time.monotonic(), True
            try:
                _send_to(address, message)
                took.add(mark)
            except Exception as error:  # noqa: BLE001 - every library has its own errors; their texts hold the address
                failed[number] = type(error).__name__ if not isinstance(error, _RefusedError) else str(error)
                failing[mark] += time.monotonic() - began
    if failed:
        said = ", ".join(f"address {number}: {why}" for number, why in failed.items())
        raise NotSentError(f"connection {CONNECTION} does not take it ({said})", frozenset(took), was_tried=was_tried)


class _RefusedError(Exception):
    """A target did not take the message."""


def _send_to(address: str, message: Message) -> None:
    import apprise
    import httpx

    asset = apprise.AppriseAsset(
        app_id="capture360", app_desc="capture360", app_url="", image_url_mask="", image_url_logo="", async_mode=False
    )
    service = apprise.Apprise.instantiate(address, asset=asset)
    if service is None:
        if not address.startswith(("http://", "https://")):
            raise _RefusedError("it is no address that Apprise knows")
        httpx.post(address, json={"text": chat(message)}, timeout=_TIMEOUT_S, verify=trusted()).raise_for_status()
        return
    if paging.pages(service):
        if not message.cause:
            return
        if message.is_over and paging.closes_by_alias(service):
            paging.close_by_alias(service, message, _TIMEOUT_S)
            return
        paging.prepare(service, message)
    as_markdown = service.notify_format == apprise.NotifyFormat.MARKDOWN
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    taken: Any = sender.notify(
        title=heading(message),
        body=markdown(message) if as_markdown else plain(message),
        body_format=apprise.NotifyFormat.MARKDOWN if as_markdown else apprise.NotifyFormat.TEXT,
        notify_type=apprise.NotifyType.SUCCESS if message.is_over else apprise.NotifyType.FAILURE,
    )
    if not taken:
        raise _RefusedError(f"{service.service_name} refused it, or did not answer")


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the libraries that send from logging addresses."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
