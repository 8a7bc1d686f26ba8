"""Entries without content for a week are missing from every read."""

import pytest
from cognite.client.data_classes.data_modeling import SpaceApply
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteFileApply

from cdf_sandbox.services.files.store import KEPT_WITHOUT_CONTENT_MS
from local_cdf import PLAIN

WEEK = KEPT_WITHOUT_CONTENT_MS / 1000
NAMED = {"items": [{"externalId": "abandoned"}]}


@pytest.fixture
def running(start_sandbox):
    with start_sandbox(token_lifetime=3 * WEEK) as running:
        yield running


@pytest.fixture
def entry(http):
    made = http.post("/files", json={"name": "n", "externalId": "abandoned"})
    assert made.status_code == 201
    return made.json()


@pytest.fixture
def over(running, entry):
    """A week later."""
    running.advance(WEEK + 1)
    return entry


READS = {
    "list": lambda http, _: http.post("/files/list", json={}).json()["items"],
    "list by query": lambda http, _: http.get("/files").json()["items"],
    "search": lambda http, _: http.post("/files/search", json={"search": {"name": "n"}}).json()["items"],
    "count": lambda http, _: http.post("/files/aggregate", json={}).json()["items"][0]["count"],
    "external id": lambda http, _: http.post("/files/byids", json=NAMED | {"ignoreUnknownIds": True}).json()["items"],
    "id": lambda http, entry: http.get(f"/files/{entry['id']}").status_code == 200,
    "upload link": lambda http, _: http.post("/files/uploadlink", json=NAMED).status_code == 201,
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_it_is_there_until_the_week_is_over(running, http, entry, read):
    running.advance(WEEK - 5)
    assert read(http, entry)
    running.advance(6)
    assert not read(http, entry)


def test_its_external_id_is_free_again(http, over):
    other = http.post("/files", json={"name": "other", "externalId": "other"}).json()
    change = {"id": other["id"], "update": {"externalId": {"set": "abandoned"}}}
    assert http.post("/files/update", json={"items": [change]}).status_code == 200
    assert http.post("/files/byids", json=NAMED).json()["items"][0]["id"] == other["id"]


def test_its_annotations_go_with_it(http, entry, running):
    annotation = {
        "annotatedResourceType": "file", "annotatedResourceId": entry["id"], "annotationType": "images.Classification",
        "data": {"label": "hall"}, "status": "approved", "creatingApp": "a", "creatingAppVersion": "1.0.0",
        "creatingUser": None,
    }  # fmt: skip
    made = http.post("/annotations", json={"items": [annotation]}).json()["items"][0]
    running.advance(WEEK + 1)
    assert http.get(f"/annotations/{made['id']}").status_code == 404


def test_parts_of_it_go_too(running, http):
    started = http.post("/files/initmultipartupload", params={"parts": 1}, json={"name": "n"}).json()
    PLAIN.put(started["uploadUrls"][0], content=b"x").raise_for_status()
    running.advance(WEEK + 1)
    assert http.get(f"/files/{started['id']}").status_code == 404
    assert not list((running.sandbox.options.data / "blobs").glob("??/*"))


def test_it_is_missing_from_its_page(running, over):
    page = PLAIN.get(f"{running.base_url}/sandbox/pages/files")
    assert page.status_code == 200
    assert "abandoned" not in page.text


def test_those_that_come_later_have_a_week_of_their_own(running, http, entry):
    running.advance(WEEK / 2)
    later = http.post("/files", json={"name": "later"}).json()
    running.advance(WEEK / 2 + 1)
    assert [file["id"] for file in http.get("/files").json()["items"]] == [later["id"]]
    running.advance(WEEK / 2)
    assert not http.get("/files").json()["items"]


def test_one_with_content_and_one_of_a_node_stay(running, http):
    client = running.client()
    full = client.files.upload_bytes(b"x", name="full")
    client.data_modeling.spaces.apply(SpaceApply("s"))
    client.data_modeling.instances.apply(CogniteFileApply("s", "node", name="node"))
    running.advance(2 * WEEK)
    names = {file["name"] for file in http.get("/files").json()["items"]}
    assert names == {full.name, "node"}


def test_a_restart_forgets_no_week(start_sandbox):
    lasting = {"token_lifetime": 3 * WEEK}
    with start_sandbox(**lasting) as running, running.http() as http:
        http.post("/files", json={"name": "n"})
    with start_sandbox(**lasting) as running, running.http() as http:
        assert http.get("/files").json()["items"]
        running.advance(WEEK + 1)
        assert not http.get("/files").json()["items"]
