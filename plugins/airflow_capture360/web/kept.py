"""Values kept in memory while they are used, each read by one thread while the others wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache, TTLCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most `most` values, each until it was not used for `unused_s`, or is `oldest_s` old."""

    def __init__(
        self, most: int, unused_s: float, oldest_s: float, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._values: TTLCache[K, tuple[float, V]] = TTLCache(most, unused_s, timer)
        self._reading: LRUCache[K, threading.Lock] = LRUCache(most)
        self._oldest_s = oldest_s
        self._timer = timer
        self._lock = threading.Lock()

    def get(self, key: K, read: Callable[[], V], *, anew_after_s: float | None = None) -> V:
        """Return the value, read if it is not kept, or was read longer ago than `anew_after_s`."""
        asked = self._timer()
        began_after = asked - (self._oldest_s if anew_after_s is None else anew_after_s)
        found = self._known(key, began_after)
        if found is not None:
            return found[1]
        with self._lock:
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:
            found = self._known(key, began_after)  # another thread may have read it meanwhile
            if found is not None:
                return found[1]
            began = self._timer()
            value = read()
            with self._lock:
                self._values[key] = began, value
            return value

    def _known(self, key: K, began_after: float) -> tuple[float, V] | None:
        """Return when a value was read, and the value, which counts as used now; None if that was too early."""
        with self._lock:
            found = self._values.get(key)
            if found is None or found[0] <= began_after:
                return None
            self._values[key] = found
            return found
