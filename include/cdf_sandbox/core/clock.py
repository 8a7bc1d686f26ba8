"""The clock of the sandbox. Expiry, lag and delays use it, so that tests move time instead of sleeping."""

import time
from datetime import UTC, datetime


class Clock:
    """Wall clock plus an offset that only grows; the offset is not kept across restarts."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._held_at: float | None = None

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
        self._offset_s += seconds


def iso_ms(epoch_ms: int) -> str:
    """An epoch in milliseconds as ISO 8601 in UTC, e.g. `2026-01-31T12:00:00.000+00:00`."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
