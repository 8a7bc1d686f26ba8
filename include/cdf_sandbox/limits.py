"""Rate and concurrency limits over a sliding second of real time: of one client, and of everybody together."""

import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cdf_sandbox.errors import ApiError

REQUESTS_PER_SECOND = 120
"""All requests of one client, whichever of its tokens they come with (CDF's Files API tells about 120)."""
LISTS_PER_SECOND = 23
"""Lists, searches and aggregates of one client."""
FILES_PER_SECOND = 160
"""All requests to the Files API, of all clients together."""
INSTANCE_WRITERS = 4
"""Instance requests that write at the same time in one project."""

_ANALYTICAL_ENDS = ("/list", "/search", "/aggregate")
_LISTS_BY_QUERY = ("/files", "/assets", "/extpipes", "/extpipes/runs")
_OF_FILES = re.compile(r"/api/v1/projects/[^/]+/files(/|$)")
_EVERYBODY = ""
_WINDOW_S = 1.0


def is_analytical(method: str, path: str) -> bool:
    """Whether a request counts against the lower limit."""
    path = path.rstrip("/")
    if method == "GET":
        return path.endswith(_LISTS_BY_QUERY)
    return path.endswith(_ANALYTICAL_ENDS) and "/models/" not in path


class Limits:
    """Counts requests as they come; a request above a limit is refused with 429 and not counted."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._recent: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._writers = 0

    def admit(self, client_id: str, method: str, path: str) -> None:
        """Refuse with 429 when ``client_id`` asks too often, or everybody together does."""
        now = self._monotonic()
        counted = [(client_id, "all", REQUESTS_PER_SECOND)]
        if is_analytical(method, path):
            counted.append((client_id, "analytical", LISTS_PER_SECOND))
        if _OF_FILES.match(path):
            counted.append((_EVERYBODY, "files", FILES_PER_SECOND))
        with self._lock:
            windows = [(self._recent[who, kind], limit) for who, kind, limit in counted]
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
