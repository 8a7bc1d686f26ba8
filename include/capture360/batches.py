"""Sequences in batches, for endpoints that take a limited number of items."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

_T = TypeVar("_T")
_H = TypeVar("_H", bound=Hashable)


def batched(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Yield consecutive slices of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def once(items: Iterable[_H]) -> list[_H]:
    """Return each item once, in order: CDF refuses an identifier that is given twice."""
    return list(dict.fromkeys(items))
