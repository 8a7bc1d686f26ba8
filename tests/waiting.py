"""Waiting for a condition, in place of a pause of a fixed length."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from cdf_sandbox.testing import RunningSandbox

T = TypeVar("T")


def eventually(
    look: Callable[[], T | None],
    what: str | Callable[[], str] = "it to come true",
    seconds: float = 30,
    pause: float = 0.05,
) -> T:
    """The first true answer of `look`; the test fails with what was waited for after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s for {what if isinstance(what, str) else what()}")
        time.sleep(pause)  # between two looks at another process or thread, which send no event
    return found


def when_it_waits(running: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """An event that is set once background work of the sandbox has its result and waits for the time of its end."""
    clock, ready = running.sandbox.clock, threading.Event()
    wait = clock.wait_until

    def noticed(epoch_ms: int) -> None:
        ready.set()
        wait(epoch_ms)

    monkeypatch.setattr(clock, "wait_until", noticed)
    return ready
