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


def _created(http: httpx.Client, path: str, *made: dict[str, Any]) -> list[int | None]:
    answers = [http.post(path, json={"items": [each]}).raise_for_status() for each in made]
    return [answer.json()["items"][0].get("id") for answer in answers]


def test_a_cursor_belongs_to_the_filter_and_the_order(http: httpx.Client) -> None:
    name = {"name": "of one query"}
    (data_set,) = _created(http, "/datasets", name)
    pipelines = [{**name, "externalId": f"pipe{number}", "dataSetId": data_set} for number in range(2)]
    _created(http, "/datasets", name | {"metadata": {"a": "b"}}, name | {"metadata": {"a": "b"}})
    _created(http, "/extpipes", *pipelines)
    _created(http, "/labels", *({**name, "externalId": f"label{number}"} for number in range(2)))
    _created(http, "/assets", *({**name, "source": "s"} for _ in range(2)))
    _created(http, "/sessions", {"tokenExchange": True}, {"tokenExchange": True})
    _created(http, "/securitycategories", {"name": "one"}, {"name": "two"})
    _created(http, "/3d/models", name, name)
    file, _ = (http.post("/files", json=name | {"source": "s"}).json()["id"] for _ in range(2))
    for pipeline in pipelines:
        for _ in range(2):
            run = {"externalId": pipeline["externalId"], "status": "seen"}
            http.post("/extpipes/runs", json={"items": [run]}).raise_for_status()
    label = {"annotationType": "images.Classification", "data": {"label": "x"}, "status": "approved"}
    app = {"creatingApp": "a", "creatingAppVersion": "1.0.0", "creatingUser": None}
    _created(
        http, "/annotations", *[{"annotatedResourceType": "file", "annotatedResourceId": file, **label, **app}] * 2
    )
    on_file = {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": file}]}
    queries: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("POST", "/assets/list", {"filter": {"source": "s"}}, {"filter": name}),
        ("POST", "/assets/list", {"sort": [{"property": ["name"]}]}, {"sort": [{"property": ["source"]}]}),
        ("POST", "/assets/list", {"advancedFilter": {"exists": {"property": ["source"]}}}, {}),
        ("POST", "/assets/list", {}, {"partition": "1/2"}),
        ("POST", "/files/list", {"filter": name}, {"filter": {"source": "s"}}),
        ("POST", "/datasets/list", {"filter": {"metadata": {"a": "b"}}}, {}),
        ("POST", "/labels/list", {"filter": name}, {}),
        ("POST", "/extpipes/list", {"filter": name}, {"filter": {"externalIdPrefix": "pipe"}}),
        ("POST", "/extpipes/runs/list", {"filter": {"externalId": "pipe0"}}, {"filter": {"externalId": "pipe1"}}),
        ("POST", "/annotations/list", {"filter": on_file}, {"filter": on_file | {"status": "approved"}}),
        ("GET", "/assets", {"source": "s"}, name),
        ("GET", "/files", name, {"source": "s"}),
        ("GET", "/extpipes/runs", {"externalId": "pipe0"}, {"externalId": "pipe1"}),
        ("GET", "/sessions", {"status": "ready"}, {}),
        ("GET", "/securitycategories", {"sort": "ASC"}, {"sort": "DESC"}),
        ("GET", "/3d/models", {}, {"published": "false"}),
        ("GET", "/models/views", {"includeGlobal": "true"}, {"includeGlobal": "true", "space": "cdf_cdm"}),
    ]

    def sent(method: str, path: str, query: dict[str, Any], **page: Any) -> httpx.Response:
        way = "params" if method == "GET" else "json"
        return http.request(method, path, **{way: {**query, **page}})

    for method, path, own, other in queries:
        cursor = sent(method, path, own, limit=1).raise_for_status().json()["nextCursor"]
        answers = [sent(method, path, query, limit=2, cursor=cursor) for query in (own, other)]
        assert [each.status_code for each in answers] == [200, 400], (path, own, answers[1].text)
        assert "cursor" in answers[1].json()["error"]["message"]


def test_both_ways_to_list_share_their_cursors(http: httpx.Client) -> None:
    _created(http, "/assets", {"name": "shared"}, {"name": "shared"})
    cursor = http.post("/assets/list", json={"filter": {"name": "shared"}, "limit": 1}).json()["nextCursor"]
    page = http.get("/assets", params={"name": "shared", "cursor": cursor})
    assert len(page.raise_for_status().json()["items"]) == 1


def test_a_page_ends_at_the_limit() -> None:
    found = [{"id": 3}, {"id": 5}, {"id": 8}]
    assert first_page(found, 2) == (found[:2], 5)
    assert first_page(found, 3) == (found, None)
    assert json.loads(list_answer([], None).body) == {"items": []}
    answer = json.loads(list_answer(found[:2], 5, kind="file").body)
    assert (answer["items"], answer["kind"], cursor_id(answer["nextCursor"])) == (found[:2], "file", 5)
