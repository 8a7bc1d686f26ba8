"""Ids of stations that nobody has written, made of the names of files: no two are equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256

from capture360.model import slug


def distinct_slugs(names: Mapping[str, str], fallback: str) -> Mapping[str, str]:
    """Return an id for each key; `names` are paths without suffix, of which the last part is enough where it differs.

    Others take their whole path, and those whose paths differ only by what no id can hold a few digits made of the
    key. `fallback` stands for a name of which no letter is left.
    """
    short = {key: slug(name.rpartition("/")[2], fallback) for key, name in names.items()}
    taken = Counter(name.casefold() for name in short.values())
    longer = {key: name if taken[name.casefold()] == 1 else slug(names[key], fallback) for key, name in short.items()}
    taken = Counter(name.casefold() for name in longer.values())
    return {
        key: name
        if taken[name.casefold()] == 1
        else f"{name}-{sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"
        for key, name in longer.items()
    }


class NumberedIds:
    """Ids made of names that may repeat and of numbers; none is given twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}
        """Last number given to a repeated name: to count up from the first again for each repetition is quadratic."""

    def take(self, name: str, number: int) -> str:
        """Return the name with its number if it is not the first, or with a later one that is free."""
        free = slug(f"{name} {number}") if number > 1 else name
        if name and free.casefold() in self._taken:
            base = name.casefold()
            number = max(number, self._last.get(base, 0))
            while free.casefold() in self._taken:
                number += 1
                free = f"{name}-{number}"
            self._last[base] = number
        self._taken.add(free.casefold())
        return free
