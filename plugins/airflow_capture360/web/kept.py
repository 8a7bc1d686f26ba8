"""Values kept in memory while they are used, each read by one thread while the others wait for it, but not for long."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import TTLCache

from airflow_capture360.background import in_background
from capture360.errors import UnavailableError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

LONGEST_READ_S = 20.0
"""Seconds after which a read counts as not answering; the client of CDF alone would go on for minutes."""


@dataclass(frozen=True, slots=True)
class _Read(Generic[V]):
    began: float
    outcome: Future[V]


@dataclass(frozen=True, slots=True)
class _Value(Generic[V]):
    began: float
    ended: float
    value: V


class Kept(Generic[K, V]):
    """Values up to `most` by their sizes, each until it was not used for `unused_s`, or was read `oldest_s` ago.

    A value is read by one thread at a time, in the background. Whoever asks meanwhile gets its outcome, an error as
    well. A read that takes longer than `longest_s` is an UnavailableError for whoever asks; what it returns later is
    kept.
    """

    def __init__(
        self,
        most: int,
        unused_s: float,
        oldest_s: float,
        timer: Callable[[], float] = time.monotonic,
        *,
        longest_s: float = LONGEST_READ_S,
        size: Callable[[V], int] = lambda _: 1,
    ) -> None:
        self._values: TTLCache[K, _Value[V]] = TTLCache(most, unused_s, timer, lambda kept: size(kept.value))
        self._reads: dict[K, _Read[V]] = {}
        self._oldest_s = oldest_s
        self._longest_s = longest_s
        self._timer = timer
        self._lock = threading.Lock()

    def get(self, key: K, read: Callable[[], V], *, anew_after_s: float | None = None) -> V:
        """Return the value, read if it is not kept, or if reading it began longer ago than `anew_after_s`.

        Raises what `read` raises, and UnavailableError.
        """
        now = self._timer()
        ended_after = now - self._oldest_s
        began_after = -math.inf if anew_after_s is None else now - anew_after_s
        while True:
            with self._lock:
                kept = self._values.get(key)
                if kept is not None and kept.ended > ended_after and kept.began > began_after:
                    self._values[key] = kept  # it counts as used now
                    return kept.value
                going = self._reads.get(key)
                reading = going or self._begin(key, read)
            done, _ = wait([reading.outcome], reading.began + self._longest_s - self._timer())
            if not done:
                raise UnavailableError(f"{key} was not read within {self._longest_s:g} s.")
            if going is None or reading.began > began_after:
                return reading.outcome.result()

    def _begin(self, key: K, read: Callable[[], V]) -> _Read[V]:
        """Begin to read; called with the lock held, so that the read cannot end before it is known."""
        began = self._timer()

        def read_and_keep() -> V:
            try:
                value = read()
                with self._lock:
                    self._keep(key, _Value(began, self._timer(), value))
                return value
            finally:
                with self._lock:
                    del self._reads[key]

        reading = self._reads[key] = _Read(began, in_background(read_and_keep))
        return reading

    def _keep(self, key: K, kept: _Value[V]) -> None:
        try:
            self._values[key] = kept
        except ValueError:  # larger than all that may be kept
            self._values.pop(key, None)
