"""Send a message to the addresses of an Airflow connection: chats, mail, on-call services, or a plain webhook."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk import BaseHook

from capture360.reports.alerts import Message, chat, heading, markdown, plain

CONNECTION = "capture360_alerts"
_LOGGERS = ("apprise", "httpx", "httpcore", "urllib3", "requests")
"""Their lines hold addresses, which are secrets."""
_TIMEOUT_S = 10.0


class NotSentError(Exception):
    """A message did not reach every target. The text leaves out the addresses, which are secrets."""

    def __init__(self, text: str, pending: tuple[int, ...] | None = None) -> None:
        super().__init__(text)
        self.pending = pending
        """Numbers of the addresses that did not take it; None if no address is known."""


def send(message: Message, only: tuple[int, ...] | None = None) -> None:
    """Send to each address in the connection's password, which blanks or line ends separate; NotSentError if one fails.

    An address is one of Apprise (https://appriseit.com/services), such as `slack://...`, `mailtos://...` or the
    address of an incoming webhook that Apprise knows. Any other http(s) address gets `{"text": ...}`. With `only`
    addresses of other numbers, which have the message already, are left out.
    """
    try:
        stored = BaseHook.get_connection(CONNECTION)
    except Exception as error:  # noqa: BLE001 - secrets backends raise anything, and the message must not be lost
        raise NotSentError(f"Airflow does not find connection {CONNECTION} ({type(error).__name__})") from None
    addresses = (stored.password or "").split()
    if not addresses:
        raise NotSentError(f"connection {CONNECTION} has no address as its password")
    failed: dict[int, str] = {}
    with _silent():
        for number, address in enumerate(addresses):
            if only is not None and number not in only:
                continue
            try:
                _send_to(address, message)
            except Exception as error:  # noqa: BLE001 - every library has its own errors; their texts hold the address
                failed[number] = type(error).__name__ if not isinstance(error, _RefusedError) else str(error)
    if failed:
        said = ", ".join(f"address {number + 1}: {why}" for number, why in failed.items())
        raise NotSentError(f"connection {CONNECTION} does not take it ({said})", tuple(failed))


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
        httpx.post(address, json={"text": chat(message)}, timeout=_TIMEOUT_S).raise_for_status()
        return
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
