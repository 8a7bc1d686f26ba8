"""Read all pages of a list endpoint that answers `items` and `nextCursor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from capture360.cdf.client import cdf_errors
from capture360.cdf.json_answers import OddAnswerError, items_of, json_object


def all_items(doing: str, ask: Callable[[Mapping[str, str]], Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the items of every page. `ask` sends one request with the cursor that it is given, if any.

    `doing` begins the sentence of an error. OddAnswerError for a cursor that came before, which would never end.
    """
    cursor: Mapping[str, str] = {}
    seen: set[str] = set()
    while True:
        with cdf_errors(doing):
            page = json_object(ask(cursor))
            items = items_of(page)
            following = page.get("nextCursor")
            if str(following) in seen:
                raise OddAnswerError("CDF's answer leads to a page that was read before.")
        yield from items
        if not following:
            return
        seen.add(str(following))
        cursor = {"cursor": str(following)}
