"""Bound on the memory of decoding pictures, shared by all threads of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class MemoryBudget:
    """A number of bytes that threads borrow. A request above the total waits until nothing else is borrowed."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._lent = 0
        self._returned = Condition()

    @contextmanager
    def lend(self, amount: int) -> Iterator[None]:
        """Wait until `amount` bytes are free, and reserve them in the context."""
        amount = min(amount, self._total)
        with self._returned:
            self._returned.wait_for(lambda: self._lent + amount <= self._total)
            self._lent += amount
        try:
            yield
        finally:
            with self._returned:
                self._lent -= amount
                self._returned.notify_all()


DECODING = MemoryBudget(384 << 20)
"""Enough for eight cube faces of 4096 pixels at once."""
PANORAMAS = MemoryBudget(256 << 20)
"""Decoded panoramas from which faces are being made: two of 8192 x 4096 pixels, one that is larger than 44 megapixels.

Who waits for it holds nothing of `DECODING`, which is asked for inside.
"""
