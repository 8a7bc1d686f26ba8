"""Cursors and pages: a cursor returns its position, anything else is refused, and the last page has none."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from cdf_sandbox.core.errors import InvalidCursor
from cdf_sandbox.core.identifiers import MAX_ID
from cdf_sandbox.core.paging import cursor_id, decode_cursor, encode_cursor, first_page, list_answer


@pytest.mark.parametrize(
    "position", [0, 17, MAX_ID, "key", "", "\u00e9", ["space", "view", "v1"], {"p": "", "k": None}]
)
def test_a_cursor_returns_its_position(position: Any) -> None:
    assert decode_cursor(encode_cursor(position)) == position


@pytest.mark.parametrize("cursor", ["garbage", "", "=", "\u00e9", base64.b64encode(b"{").decode()])
def test_a_text_that_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor)


@pytest.mark.parametrize("position", [-1, MAX_ID + 1, 1.0, True, None, "1", [1]])
def test_a_cursor_of_another_kind_is_no_id(position: Any) -> None:
    with pytest.raises(InvalidCursor):
        cursor_id(encode_cursor(position))


def test_a_cursor_belongs_to_what_it_lists(http: httpx.Client) -> None:
    made = [{"name": "n", "externalId": f"{number}"} for number in range(3)]
    for path in ("/assets", "/datasets"):
        http.post(path, json={"items": made}).raise_for_status()
    cursors = {
        path: http.post(f"{path}/list", json={"limit": 1}).json()["nextCursor"] for path in ("/assets", "/datasets")
    }
    for path, cursor in cursors.items():
        for other in cursors:
            answer = http.post(f"{other}/list", json={"limit": 1, "cursor": cursor})
            assert answer.status_code == (200 if other == path else 400), answer.text
    assert http.get("/assets", params={"cursor": cursors["/assets"]}).status_code == 200
    models = [http.post("/3d/models", json={"items": [{"name": "n"}]}).json()["items"][0]["id"] for _ in range(2)]
    file = http.post("/files", json={"name": "n"}).json()["id"]
    pages = [f"/3d/models/{model}/revisions" for model in models]
    http.post(pages[0], json={"items": [{"fileId": file}] * 2}).raise_for_status()
    cursor = http.get(pages[0], params={"limit": 1}).json()["nextCursor"]
    assert [http.get(page, params={"cursor": cursor}).status_code for page in pages] == [200, 400]


def test_a_page_ends_at_the_limit() -> None:
    found = [{"id": 3}, {"id": 5}, {"id": 8}]
    assert first_page(found, 2) == (found[:2], 5)
    assert first_page(found, 3) == (found, None)
    assert json.loads(list_answer([], None).body) == {"items": []}
    answer = json.loads(list_answer(found[:2], 5, kind="file").body)
    assert (answer["items"], answer["kind"], cursor_id(answer["nextCursor"])) == (found[:2], "file", 5)
