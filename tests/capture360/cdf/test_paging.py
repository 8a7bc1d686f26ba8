"""Pages of a list endpoint: all items, in order, with one request a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from capture360.cdf.json_answers import OddAnswerError
from capture360.cdf.paging import all_items


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
