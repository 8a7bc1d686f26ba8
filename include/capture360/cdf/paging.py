"""Read all pages of a list endpoint that answers `items` and `nextCursor`, and pages that CDF answers in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from capture360.cdf.client import cdf_errors
from capture360.cdf.json_answers import OddAnswerError, items_of, json_object
from capture360.errors import CdfUnavailableError

_TOO_LONG = 408
"""Status of a read of instances that CDF gave up: the same one is likely to end so again, a smaller one is not."""
LEAST = 100
"""Items of the smallest page that is asked for instead: what takes CDF too long for these will not end with fewer."""

_Page = TypeVar("_Page")


class PageSize:
    """The most items to ask for in a page of instances: half as many from the page on that took CDF too long."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def ask(self, doing: str, request: Callable[[int], _Page]) -> _Page:
        """Return the page that `request` gets with a limit; `doing` begins the sentence of an error."""
        while True:
            try:
                with cdf_errors(doing):
                    return request(self._limit)
            except CdfUnavailableError as error:
                if error.status != _TOO_LONG or self._limit <= LEAST:
                    raise
                self._limit = max(self._limit // 2, LEAST)


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
