"""How far a long loop is, told about ten times."""

from __future__ import annotations

from collections.abc import Callable


class Progress:
    """Tells `say` whenever another tenth of `what` is done."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told = ("", -1)

    def __call__(self, done: int, total: int, what: str) -> None:
        tenth = 10 * done // total if total else 10
        if (what, tenth) != self._told:
            self._told = (what, tenth)
            self._say(f"{what}: {done} of {total}")
