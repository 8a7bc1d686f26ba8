"""The clock of the sandbox. Expiry, lag and delays use it, so that tests move time instead of sleeping."""

import threading
import time
from datetime import UTC, datetime


class Stopped(Exception):
    """The sandbox stops before the time that is waited for."""


class Clock:
    """Wall clock plus an offset that only grows; the offset is not kept across restarts."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._held_at: float | None = None
        self._stopped = False
        self._changed = threading.Condition()

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return (time.time() if self._held_at is None else self._held_at) + self._offset_s

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, the unit of every CDF timestamp."""
        return int(self.now() * 1000)

    def hold(self) -> None:
        """Stop the clock: from now on `advance` alone moves it, however slow the machine is."""
        self._held_at = time.time()

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds` (>= 0)."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        with self._changed:
            self._offset_s += seconds
            self._changed.notify_all()

    def wait_until(self, epoch_ms: int) -> None:
        """Return at that time, or at once if it is past; raise `Stopped` if the clock stops being waited for before."""
        with self._changed:
            while (left := epoch_ms - self.now_ms()) > 0:
                if self._stopped:
                    raise Stopped
                self._changed.wait(left / 1000 if self._held_at is None else None)

    def stop(self) -> None:
        """Wake all that wait for a time: the sandbox stops."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def iso_ms(epoch_ms: int) -> str:
    """An epoch in milliseconds as ISO 8601 in UTC, e.g. `2026-01-31T12:00:00.000+00:00`."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
