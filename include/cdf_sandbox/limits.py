"""Rate and concurrency limits, per identity, over a sliding second of real time."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cdf_sandbox.errors import ApiError

REQUESTS_PER_SECOND = 120
"""All requests of one identity (CDF's Files API tells about 120)."""
LISTS_PER_SECOND = 23
"""Lists, searches and aggregates of one identity."""
INSTANCE_WRITERS = 4
"""Instance requests that write at the same time in one project."""

_ANALYTICAL_ENDS = ("/list", "/search", "/aggregate")
_WINDOW_S = 1.0


def is_analytical(path: str) -> bool:
    """Whether a request counts against the lower limit."""
    return path.rstrip("/").endswith(_ANALYTICAL_ENDS) and "/models/" not in path


class Limits:
    """Counts requests as they come; a request above a limit is refused with 429 and not counted."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._recent: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._writers = 0

    def admit(self, identity: str, path: str) -> None:
        """Refuse with 429 when ``identity`` asks too often."""
        now = self._monotonic()
        kinds = [("all", REQUESTS_PER_SECOND)]
        if is_analytical(path):
            kinds.append(("analytical", LISTS_PER_SECOND))
        with self._lock:
            windows = [(self._recent[identity, kind], limit) for kind, limit in kinds]
            for window, limit in windows:
                while window and window[0] <= now - _WINDOW_S:
                    window.popleft()
                if len(window) >= limit:
                    raise too_many(f"Too many requests: at most {limit} per second for this kind of request")
            for window, _ in windows:
                window.append(now)

    @contextmanager
    def instance_writer(self) -> Iterator[None]:
        """Take one of the few places for writing instances for the length of the block."""
        with self._lock:
            if self._writers >= INSTANCE_WRITERS:
                raise too_many(
                    f"Project exceeded maximum number='{INSTANCE_WRITERS}' of concurrent requests that write instances"
                )
            self._writers += 1
        try:
            yield
        finally:
            with self._lock:
                self._writers -= 1


def too_many(message: str) -> ApiError:
    """The refusal for asking too often or too much at once."""
    return ApiError(429, message, headers={"retry-after": "1"})
