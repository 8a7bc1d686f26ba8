"""Strategies for damage to bytes and JSON documents: cut off, emptied, overwritten, values of other types."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

EXTREME = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
"""Times that have no equal in UTC."""
NUMBERS = (-1, 10**30, 1.5, float("inf"), float("nan"))
WRONG = (None, "", "x", "2026-01-01", *EXTREME, *NUMBERS, True, [], {}, [[]], [None], {"a": 1})
DEEP = b"[" * 60_000
BYTES = (b"", b"\x00" * 40, b"null", b"[]", b"{}", b"7", b'"x"', DEEP, b'{"a":' * 30_000, b"\xff\xfe\x00", b'{"at": "')


def fuzzing(ordinary: int, *, shrinks: bool = True) -> settings:
    """So many random inputs, and no smaller ones for what is found unless it `shrinks`; many more in a search."""
    if settings.get_current_profile_name() == "search":
        return settings(max_examples=5_000, suppress_health_check=list(HealthCheck), deadline=None)
    phases = tuple(Phase) if shrinks else (Phase.explicit, Phase.generate)
    return settings(max_examples=ordinary, phases=phases, suppress_health_check=list(HealthCheck), deadline=None)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place below the top of a JSON document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield (*at, name)
        yield from paths(inner, (*at, name))


@st.composite
def damaged_json(draw: st.DrawFn, document: dict[str, Any]) -> bytes:
    """The document with one or two of its values replaced or removed, or its text cut off or overwritten."""
    kind = draw(st.sampled_from(["value", "value", "value", "key", "cut", "bytes", "flip"]))
    if kind == "bytes":
        return draw(st.sampled_from(BYTES))
    text = json.dumps(document).encode()
    if kind == "cut":
        return text[: draw(st.integers(0, len(text)))]
    if kind == "flip":
        return draw(damaged_bytes(text))
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        *above, last = draw(st.sampled_from(list(paths(document))))
        holder: Any = changed
        try:
            for name in above:
                holder = holder[name]
            if kind == "key" and isinstance(holder, dict):
                holder.pop(last, None)
            else:
                holder[last] = copy.deepcopy(draw(st.sampled_from(WRONG)))  # the next change may alter it
        except (KeyError, IndexError, TypeError):
            continue  # the other change has taken this place away
    return json.dumps(changed).encode()


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with a few patches, cut off at times; half of the patches lie near the end, where tables are kept."""
    result = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        near_the_end = draw(st.booleans())
        at = draw(st.integers(max(0, len(result) - 200) if near_the_end else 0, len(result)))
        patch = draw(st.binary(min_size=0, max_size=6) | st.sampled_from([b"\xff\xff\xff\x7f", b"[[[[", b"9" * 400]))
        result[at : at + draw(st.sampled_from([0, len(patch), len(patch), 40]))] = patch
    return bytes(result[: draw(st.integers(0, len(result)))] if draw(st.integers(0, 5)) == 0 else result)
