"""Limits that answer 429: rates over a sliding second of real time, requests at once, and conflicting requests."""

import json
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from cdf_sandbox.core.errors import TooManyRequests

REQUESTS_PER_SECOND = 120
"""All requests of one client, whichever of its tokens they come with (as published for CDF's Files API)."""
LISTS_PER_SECOND = 23
"""Lists, searches and aggregates of one client."""
FILES_PER_SECOND = 160
"""All requests to the Files API, of all clients together."""
INSTANCES_AT_ONCE = {"read": 8, "write": 4, "delete": 2}
"""Requests to `/models/instances` that the project serves at the same time, by what they do.

`/models/statistics` reports them; Cognite's Toolkit relies on four parallel writers. Reading by id, lists, queries,
searches, aggregates and syncs of instances are reads, alike; a request that deletes beside its upserts is a write.
Requests for schemas do not count.
"""

_ANALYTICAL_ENDS = ("/list", "/search", "/aggregate")
_LISTS_BY_QUERY = ("/files", "/assets", "/extpipes", "/extpipes/runs")
_OF_FILES = re.compile(r"/api/v1/projects/[^/]+/files(/|$)")
_OF_INSTANCES = re.compile(r"/api/v1/projects/[^/]+/models/instances(/[a-z]+)?/?")
_ALL_CLIENTS = ""
_WINDOW_S = 1.0


def is_analytical(method: str, path: str) -> bool:
    """Whether a request counts against the lower limit."""
    path = path.rstrip("/")
    if method == "GET":
        return path.endswith(_LISTS_BY_QUERY)
    return path.endswith(_ANALYTICAL_ENDS) and "/models/" not in path


def instance_work(method: str, path: str) -> str | None:
    """Return what a request does to instances, a key of `INSTANCES_AT_ONCE`; `None` for all other requests."""
    found = _OF_INSTANCES.fullmatch(path)
    if found is None or method != "POST":
        return None
    return {None: "write", "/delete": "delete"}.get(found[1], "read")


class Conflicts:
    """Resources that requests are changing at this moment; a second request for one of them is refused with 429.

    They are compared by the identifiers that the requests name.
    """

    def __init__(self, *, refused: bool = True) -> None:
        self._refused = refused
        self._lock = threading.Lock()
        self._changing: set[tuple[str, str]] = set()

    @contextmanager
    def changing(self, kind: str, identifiers: Iterable[Any]) -> Iterator[None]:
        """Hold the resources of a `kind` that a request names for the length of the block."""
        named = {(kind, json.dumps(each, sort_keys=True)) for each in identifiers} if self._refused else set()
        with self._lock:
            if named & self._changing:
                raise TooManyRequests(
                    f"Conflicting requests: the same {kind} are being modified by another request at the same time."
                    " Please try again later."
                )
            self._changing |= named
        try:
            yield
        finally:
            with self._lock:
                self._changing -= named


class Limits:
    """Counts of recent requests; a request above a limit is refused with 429, and counts too if `refused_count`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, *, refused_count: bool = True) -> None:
        self._monotonic = monotonic
        self._refused_count = refused_count
        self._lock = threading.Lock()
        self._recent: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._at_work = dict.fromkeys(INSTANCES_AT_ONCE, 0)

    def admit(self, client_id: str, method: str, path: str) -> None:
        """Refuse with 429 when `client_id`, or all clients together, exceed a rate."""
        now = self._monotonic()
        counted = [(client_id, "all", REQUESTS_PER_SECOND)]
        if is_analytical(method, path):
            counted.append((client_id, "analytical", LISTS_PER_SECOND))
        if _OF_FILES.match(path):
            counted.append((_ALL_CLIENTS, "files", FILES_PER_SECOND))
        with self._lock:
            windows = [(self._recent[who, kind], limit) for who, kind, limit in counted]
            for window, _ in windows:
                while window and window[0] <= now - _WINDOW_S:
                    window.popleft()
            exceeded = [limit for window, limit in windows if len(window) >= limit]
            if self._refused_count or not exceeded:
                for window, limit in windows:
                    window.append(now)
                    if len(window) > limit:  # More is not needed to refuse the next request.
                        window.popleft()
            if exceeded:
                raise TooManyRequests(f"Too many requests: at most {exceeded[0]} per second for this kind of request")

    @contextmanager
    def instances(self, work: str) -> Iterator[None]:
        """Take one of the few places for `work` on instances for the length of the block."""
        limit = INSTANCES_AT_ONCE[work]
        with self._lock:
            if self._at_work[work] >= limit:
                raise TooManyRequests(
                    f"Project exceeded maximum number='{limit}' of concurrent requests. Please try again later."
                )
            self._at_work[work] += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work[work] -= 1
