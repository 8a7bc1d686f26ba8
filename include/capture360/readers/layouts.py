"""Pictures that name a station somewhere in their path, and the pattern that would find them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from capture360.model import FACES
from capture360.readers.manifest import Faces

_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 40
"""Words at the end of a path that are searched for ids; bounds the work for each path."""
_SUFFIX = re.compile(r"(?i)\.(?:jpe?g|png)\Z")
_NAMES = "map them in capture.yaml under faces.aliases"


def stations_named(paths: Iterable[str], ids: Collection[str]) -> dict[str, str]:
    """Return the station by picture whose path holds its id as whole words, the longest id that does.

    In images/s-01-1_front.jpg that is s-01-1 rather than s-01, and never 1 where one of the others is an id.
    """
    known: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    counts: dict[int, None] = {}
    for each in dict.fromkeys(ids):
        if words := list(_WORD.finditer(each)):
            known[each[words[0].start() : words[-1].end()]].append((each, words[0].start()))
            counts[len(words)] = None
    found = {}
    for path in paths:
        stem = _SUFFIX.sub("", path)
        words = list(_WORD.finditer(stem))[-_MOST_WORDS:]
        runs = (run for count in counts for run in zip(words, words[count - 1 :], strict=False))
        # An id may begin and end with separators.
        named = [
            each
            for first, last in runs
            for each, lead in known.get(stem[first.start() : last.end()], ())
            if first.start() >= lead and stem.startswith(each, first.start() - lead)
        ]
        if named:
            found[path] = max(named, key=len)
    return found


def fix_of_layout(path: str, station: str, aliases: Mapping[str, str]) -> str:
    """Return what to do about a picture whose path holds the id of its station and does not fit the pattern."""
    stem = _SUFFIX.sub("", path)
    own = _whole(station)
    known = re.compile(_whole("|".join(map(re.escape, (*aliases, *FACES, "up", "down"))), is_text=False), re.IGNORECASE)
    faces = [match[0] for match in known.finditer(re.sub(own, "/", stem))]
    face = faces[-1] if faces else ""
    unknown = "" if face else _rest(re.sub(own, "", stem.rpartition("/")[2]))
    if "{" in path or not (face or unknown):
        return f"The faces have other names: {_NAMES}."
    pieces = (re.sub(_whole(face or unknown), "{face}", piece) for piece in re.split(own, stem))
    layout = f"{'{station}'.join(pieces)}.{{ext}}"
    # A quoted text of JSON is one of YAML too, whatever is in the names.
    pattern = json.dumps(layout, ensure_ascii=False)
    if face:
        return f"Move them there, or write pattern: {pattern} below faces in capture.yaml."
    named = f'The faces have other names, such as "{unknown}": {_NAMES}'
    return f"{named}, and write pattern: {pattern} there." if layout != Faces().pattern else f"{named}."


def _whole(text: str, *, is_text: bool = True) -> str:
    """Return an expression for a text that is no part of longer words; it may begin and end with separators."""
    inner = re.escape(text) if is_text else text
    return rf"(?:(?<![^\W_])|(?=[\W_]))(?:{inner})(?:(?![^\W_])|(?<=[\W_]))"


def _rest(name: str) -> str:
    """Return what is left of a picture's name without its station, if it may be that of a face: one word."""
    words = _WORD.findall(name)
    return words[0] if len(words) == 1 else ""
