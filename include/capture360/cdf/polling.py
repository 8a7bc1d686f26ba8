"""Poll until an eventually consistent operation is visible: uploads, and lists that lag behind writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

LIMIT_S = 60.0
_T = TypeVar("_T")


def growing_pauses(first_s: float = 0.1, longest_s: float = 5.0) -> Iterator[float]:
    """Yield the seconds to wait before each next attempt: doubled every time, up to `longest_s`, without end."""
    pause = first_s
    while True:
        yield pause
        pause = min(2 * pause, longest_s)


def wait_until(look: Callable[[], _T], limit_s: float | None = None) -> _T:
    """Call `look` at growing intervals; return its first true answer, or its last one once the limit has passed."""
    deadline = time.monotonic() + (LIMIT_S if limit_s is None else limit_s)
    pauses = growing_pauses()
    while not (answer := look()) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(next(pauses), left))  # CDF sends no event when something becomes visible
    return answer
