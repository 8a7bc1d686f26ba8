"""Fault injection."""

import time

import httpx
import pytest
from cognite.client.data_classes import AnnotationFilter, AnnotationWrite

from local_cdf import PLAIN
from waiting import eventually


@pytest.fixture
def own(start_sandbox):
    with start_sandbox() as running, running.http() as http:
        yield running, http


def order(running, **fault):
    answer = PLAIN.post(f"{running.base_url}/sandbox/faults", json=fault)
    assert answer.status_code == 201, answer.text


def create(http, external_id="f"):
    return http.post("/files", json={"name": "n", "externalId": external_id})


def exists(http, external_id="f"):
    return http.post("/files/byids", json={"items": [{"externalId": external_id}]}).status_code == 200


def test_a_status_at_the_nth_call(own):
    running, http = own
    order(running, effect="status", status=503, path="*/files", method="POST", nth=2, headers={"retry-after": "7"})
    assert create(http, "first").status_code == 201
    struck = create(http, "second")
    assert (struck.status_code, struck.headers["retry-after"]) == (503, "7")
    assert struck.json()["error"]["code"] == 503
    assert not exists(http, "second")
    assert create(http, "third").status_code == 201


def test_several_times_then_over(own):
    running, http = own
    order(running, effect="status", status=429, times=2)
    assert [http.get("/files").status_code for _ in range(3)] == [429, 429, 200]
    assert PLAIN.get(f"{running.base_url}/sandbox/faults").json() == {"items": []}


@pytest.mark.parametrize("ordered", ["*/annotations", "*/annotations/"])
@pytest.mark.parametrize("sent", ["/annotations", "/annotations/"])
def test_a_slash_at_the_end_changes_no_order(own, ordered, sent):
    """The SDK creates annotations at the path with a slash."""
    running, http = own
    order(running, effect="status", path=ordered)
    assert http.post(sent, json={}).status_code == 503


def test_reset_does_nothing(own):
    running, http = own
    order(running, effect="reset", path="*/files")
    with pytest.raises(httpx.TransportError):
        create(http)
    assert not exists(http)


def test_commit_then_reset_has_done_it(own):
    running, http = own
    order(running, effect="commit-then-reset", path="*/files")
    with pytest.raises(httpx.TransportError):
        create(http)
    assert exists(http)


def test_commit_then_timeout_has_done_it(own):
    running, http = own
    order(running, effect="commit-then-timeout", path="*/files", seconds=0.6)
    with pytest.raises(httpx.ReadTimeout):
        http.post("/files", json={"name": "n", "externalId": "f"}, timeout=httpx.Timeout(20, read=0.3))
    eventually(lambda: exists(http), "the file that was made without an answer")


def test_delay(own):
    running, http = own
    order(running, effect="delay", seconds=0.3)
    started = time.monotonic()
    assert http.get("/files").status_code == 200
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(
    ("effect", "kept"), [("short-store", b"0123"), ("wrong-bytes", bytes(255 - b for b in b"01234567"))]
)
def test_stores_that_lie(own, effect, kept):
    running, _ = own
    order(running, effect=effect, path="/links/upload/*", method="PUT")
    client = running.client()
    client.files.upload_bytes(b"01234567", name="n", external_id="f")
    assert client.files.retrieve(external_id="f").uploaded
    assert client.files.download_bytes(external_id="f") == kept


def test_downloads_that_lie(own):
    running, _ = own
    client = running.client()
    client.files.upload_bytes(b"0123", name="n", external_id="f")
    order(running, effect="wrong-bytes", path="/links/download/*")
    assert client.files.download_bytes(external_id="f") != b"0123"
    assert client.files.download_bytes(external_id="f") == b"0123"


@pytest.mark.parametrize("bad", [{}, {"effect": "explode"}, {"effect": "reset", "nth": 0}, {"effect": "reset", "x": 1}])
def test_bad_orders_are_refused(own, bad):
    running, _ = own
    answer = PLAIN.post(f"{running.base_url}/sandbox/faults", json=bad)
    assert answer.status_code == 400


def test_links_stay_out_of_the_request_log(own):
    running, _ = own
    running.client().files.upload_bytes(b"1", name="n")
    paths = [entry["path"] for entry in PLAIN.get(f"{running.base_url}/sandbox/requests").json()["items"]]
    assert "/links/upload/..." in paths
    assert max(len(path) for path in paths) < 100


@pytest.mark.parametrize("effect", ["status", "reset", "commit-then-reset"])
def test_an_upload_of_bytes_survives_a_fault_on_its_link(own, effect):
    running, _ = own
    client = running.client()
    order(running, effect=effect, path="/links/upload/*", method="PUT")
    client.files.upload_bytes(b"whole", name="n", external_id="f")
    assert client.files.download_bytes(external_id="f") == b"whole"


def test_a_retried_creation_of_annotations_makes_two(own):
    """Behaviour of the SDK after a lost answer: annotations have no key, so clients must check before they create."""
    running, _ = own
    client = running.client()
    file = client.files.upload_bytes(b".", name="n")
    order(running, effect="commit-then-reset", path="*/annotations/", method="POST")
    client.annotations.create(
        AnnotationWrite(
            annotation_type="images.Classification",
            data={"label": "hall"},
            status="approved",
            creating_app="a",
            creating_app_version="1.0.0",
            creating_user=None,
            annotated_resource_type="file",
            annotated_resource_id=file.id,
        )
    )
    found = client.annotations.list(AnnotationFilter("file", annotated_resource_ids=[{"id": file.id}]))
    assert len(found) == 2
