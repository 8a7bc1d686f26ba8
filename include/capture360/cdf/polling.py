"""Waiting for what CDF makes true a little later: uploads, and lists that lag behind writes."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_S = 60.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


def wait_until(condition: Callable[[], bool], limit_s: float | None = None) -> bool:
    """Whether `condition` came true in time; asked at once, and then at growing intervals."""
    deadline = time.monotonic() + (LIMIT_S if limit_s is None else limit_s)
    pause = _FIRST_PAUSE_S
    while not condition():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE_S)
    return True
