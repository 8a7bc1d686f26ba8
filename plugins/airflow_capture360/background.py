"""Calls that may hang, such as those to CDF behind a firewall that drops packets, so that none is waited for long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Result = TypeVar("_Result")


def in_background(call: Callable[[], _Result]) -> Future[_Result]:
    """Call it in a thread of its own, which does not keep the process from ending."""
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
