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
    short = {key: slug(name.rpartition("/")[2]) or fallback for key, name in names.items()}
    taken = Counter(name.casefold() for name in short.values())
    longer = {key: name if taken[name.casefold()] == 1 else slug(names[key]) or fallback for key, name in short.items()}
    taken = Counter(name.casefold() for name in longer.values())
    return {
        key: name
        if taken[name.casefold()] == 1
        else f"{name}-{sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"
        for key, name in longer.items()
    }
