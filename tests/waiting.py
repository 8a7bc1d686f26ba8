"""Waiting for a condition, in place of a pause of a fixed length."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

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
