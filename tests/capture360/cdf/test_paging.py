"""Pages of a list endpoint: all items, in order, with one request a page, and smaller ones where CDF takes too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from cognite.client.exceptions import CogniteAPIError

from capture360.cdf.json_answers import OddAnswerError
from capture360.cdf.paging import PageSize, all_items
from capture360.errors import CdfUnavailableError


def test_every_page_is_read_once() -> None:
    pages: Mapping[str, dict[str, Any]] = {
        "": {"items": [{"n": 1}, {"n": 2}], "nextCursor": "b"},
        "b": {"items": [], "nextCursor": "c"},
        "c": {"items": [{"n": 3}]},
    }
    asked: list[str] = []

    def ask(cursor: Mapping[str, str]) -> httpx.Response:
        asked.append(cursor.get("cursor", ""))
        return httpx.Response(200, json=pages[asked[-1]])

    assert [item["n"] for item in all_items("Listing", ask)] == [1, 2, 3]
    assert asked == list(pages)


@pytest.mark.parametrize("end", [{}, {"nextCursor": None}, {"nextCursor": ""}])
def test_a_page_without_a_cursor_is_the_last(end: dict[str, Any]) -> None:
    assert list(all_items("Listing", lambda _: httpx.Response(200, json={"items": [], **end}))) == []


def test_a_cursor_that_came_before_ends_the_listing() -> None:
    answers = iter([{"items": [], "nextCursor": cursor} for cursor in "aba"])
    with pytest.raises(OddAnswerError, match=r"^Listing: CDF's answer leads to a page that was read before\.$"):
        list(all_items("Listing", lambda _: httpx.Response(200, json=next(answers))))


def refused_above(most: int, asked: list[int], status: int = 408) -> Callable[[int], int]:
    def ask(limit: int) -> int:
        asked.append(limit)
        if limit > most:
            raise CogniteAPIError("Fault on order", status)
        return limit

    return ask


def test_a_page_that_takes_too_long_is_halved_and_those_after_it_stay_so() -> None:
    asked: list[int] = []
    size = PageSize(1000)
    assert [size.ask("Listing", refused_above(300, asked)) for _ in range(2)] == [250, 250]
    assert asked == [1000, 500, 250, 250]


@pytest.mark.parametrize(("status", "requests"), [(503, [300]), (408, [300, 150, 100])])
def test_what_a_smaller_page_does_not_help_is_raised(status: int, requests: list[int]) -> None:
    asked: list[int] = []
    with pytest.raises(CdfUnavailableError, match=rf"^Listing: CDF answered {status}"):
        PageSize(300).ask("Listing", refused_above(0, asked, status))
    assert asked == requests
