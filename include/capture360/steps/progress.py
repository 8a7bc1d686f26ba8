"""Progress of a long loop, logged about ten times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self


class ProgressLine(str):
    """A line of progress, with the numbers in it as fields for whoever draws a bar."""

    what: str
    done: int
    total: int

    def __new__(cls, what: str, done: int, total: int) -> Self:
        """Return the line that logs show."""
        line = super().__new__(cls, f"{what}: {done} of {total}")
        line.what, line.done, line.total = what, done, total
        return line


class Progress:
    """Log whenever another tenth of `what` is done."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._logged = ("", -1)

    def __call__(self, done: int, total: int, what: str) -> None:
        """Log that `done` of `total` are done, at each tenth."""
        tenth = 10 * done // total if total else 10
        if (what, tenth) != self._logged:
            self._logged = (what, tenth)
            self._log(ProgressLine(what, done, total))
