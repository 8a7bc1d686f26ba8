"""Read all pages of a list endpoint that answers `items` and `nextCursor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from capture360.cdf.client import cdf_errors


def all_items(doing: str, ask: Callable[[Mapping[str, str]], Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the items of every page. `ask` sends one request with the cursor that it is given, if any.

    `doing` begins the sentence of an error.
    """
    cursor: Mapping[str, str] = {}
    while True:
        with cdf_errors(doing):
            page = ask(cursor).json()
        yield from page["items"]
        if not page.get("nextCursor"):
            return
        cursor = {"cursor": page["nextCursor"]}
