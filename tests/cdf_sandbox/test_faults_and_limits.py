"""Faults on order, rate limits, capabilities."""

import threading
import time

import httpx
import pytest
from cognite.client.data_classes import AnnotationFilter, AnnotationWrite
from cognite.client.exceptions import CogniteAPIError

from cdf_sandbox.access import all_capabilities
from cdf_sandbox.errors import ApiError
from cdf_sandbox.limits import FILES_PER_SECOND, INSTANCE_WRITERS, LISTS_PER_SECOND, REQUESTS_PER_SECOND, Limits


@pytest.fixture
def own(start_sandbox):
    with start_sandbox() as running, running.http() as http:
        yield running, http


def order(running, **fault):
    answer = httpx.post(f"{running.base_url}/sandbox/faults", json=fault, trust_env=False)
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
    assert httpx.get(f"{running.base_url}/sandbox/faults", trust_env=False).json() == {"items": []}


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
        http.post("/files", json={"name": "n", "externalId": "f"}, timeout=0.3)
    assert exists(http)


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
    answer = httpx.post(f"{running.base_url}/sandbox/faults", json=bad, trust_env=False)
    assert answer.status_code == 400


def test_links_stay_out_of_the_request_log(own):
    running, _ = own
    running.client().files.upload_bytes(b"1", name="n")
    paths = [
        entry["path"] for entry in httpx.get(f"{running.base_url}/sandbox/requests", trust_env=False).json()["items"]
    ]
    assert "/links/upload/..." in paths
    assert max(len(path) for path in paths) < 100


PROJECT = "/api/v1/projects/capture360"


@pytest.fixture
def limits():
    """Limits and the time that they go by."""
    now = [100.0]
    return Limits(lambda: now[0]), now


def test_request_rates_are_limited_per_identity(limits):
    limits, now = limits
    for _ in range(LISTS_PER_SECOND):
        limits.admit("one", "POST", f"{PROJECT}/files/list")
    with pytest.raises(ApiError) as refused:
        limits.admit("one", "POST", f"{PROJECT}/files/search")
    assert refused.value.status_code == 429
    limits.admit("two", "POST", f"{PROJECT}/files/list")
    for _ in range(REQUESTS_PER_SECOND - LISTS_PER_SECOND):
        limits.admit("one", "POST", f"{PROJECT}/files/byids")
    with pytest.raises(ApiError):
        limits.admit("one", "POST", f"{PROJECT}/files/byids")
    now[0] += 1.001
    limits.admit("one", "POST", f"{PROJECT}/files/list")


@pytest.mark.parametrize("path", ["/files", "/assets", "/extpipes"])
def test_a_list_by_query_counts_as_a_list(limits, path):
    limits, _ = limits
    for _ in range(LISTS_PER_SECOND):
        limits.admit("one", "GET", PROJECT + path)
    with pytest.raises(ApiError):
        limits.admit("one", "GET", PROJECT + path)
    limits.admit("one", "GET", f"{PROJECT}{path}/5")
    limits.admit("one", "POST", PROJECT + path)


def test_the_files_service_has_a_limit_for_everybody_together(limits):
    limits, now = limits
    for number in range(FILES_PER_SECOND):
        limits.admit(f"client {number % 2}", "POST", f"{PROJECT}/files/byids")
    for path in ("/files", "/files/byids", "/files/5"):
        with pytest.raises(ApiError) as refused:
            limits.admit("a third client", "POST", PROJECT + path)
        assert refused.value.status_code == 429
    limits.admit("a third client", "POST", f"{PROJECT}/assets/byids")
    now[0] += 1.001
    limits.admit("a third client", "POST", f"{PROJECT}/files/byids")


def test_the_limit_has_the_envelope(start_sandbox):
    with start_sandbox(rate_limits=True) as running, running.http() as http:
        running.sandbox.limits = Limits(lambda: 0.0)
        answers = [http.post("/files/list", json={}) for _ in range(LISTS_PER_SECOND + 1)]
        assert [answer.status_code for answer in answers[:-1]] == [200] * LISTS_PER_SECOND
        assert answers[-1].json()["error"]["code"] == 429
        assert answers[-1].headers["retry-after"] == "1"


def test_the_tokens_of_a_client_share_its_limit(start_sandbox):
    with start_sandbox(rate_limits=True) as running, running.http() as first, running.http() as second:
        running.sandbox.limits = Limits(lambda: 0.0)
        for number in range(LISTS_PER_SECOND):
            assert (first, second)[number % 2].post("/files/list", json={}).status_code == 200
        assert first.post("/files/list", json={}).status_code == 429
        assert second.post("/files/list", json={}).status_code == 429


def test_two_clients_have_a_limit_each(start_sandbox):
    with start_sandbox(rate_limits=True) as running:
        running.sandbox.limits = Limits(lambda: 0.0)
        other = running.make_client("other", all_capabilities("capture360"))
        with running.http() as http, running.http(*other) as http_of_other:
            for session in (http, http_of_other):
                statuses = [session.post("/files/list", json={}).status_code for _ in range(LISTS_PER_SECOND + 1)]
                assert statuses == [200] * LISTS_PER_SECOND + [429]


def test_a_stranger_takes_nobody_s_place(start_sandbox):
    with start_sandbox(rate_limits=True) as running, running.http() as http:
        running.sandbox.limits = Limits(lambda: 0.0)
        for _ in range(FILES_PER_SECOND + 1):
            answer = http.get("/files/1", headers={"authorization": "Bearer stranger"})
            assert answer.status_code == 401
        assert http.post("/files/list", json={}).status_code == 200


def test_a_client_that_waits_gets_through(start_sandbox):
    with start_sandbox(rate_limits=True) as running:
        client = running.client()
        for _ in range(LISTS_PER_SECOND + 3):
            client.files.list(limit=1)


def test_instance_writers_are_limited(start_sandbox):
    with start_sandbox(rate_limits=True) as running, running.http() as http:
        order(running, effect="delay", seconds=0.6, path="*/models/instances", times=INSTANCE_WRITERS + 2)
        statuses = []

        def write():
            with running.http() as own:
                statuses.append(own.post("/models/instances", json={"items": []}).status_code)

        threads = [threading.Thread(target=write) for _ in range(INSTANCE_WRITERS + 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses.count(429) == 2
        assert http.post("/models/instances", json={"items": []}).status_code != 429


def limited_client(running, capabilities):
    return running.client(*running.make_client("limited", capabilities))


def test_capabilities_and_their_scopes(own):
    running, http = own
    ids = [http.post("/datasets", json={"items": [{"name": n}]}).json()["items"][0]["id"] for n in ("a", "b")]
    full = running.client()
    for number, data_set in enumerate([*ids, None]):
        full.files.upload_bytes(b".", name="n", external_id=f"f{number}", data_set_id=data_set)
    scope = {"datasetScope": {"ids": [str(ids[0])]}}
    client = limited_client(running, [{"filesAcl": {"actions": ["READ", "WRITE"], "scope": scope}}])
    assert [file.external_id for file in client.files.list()] == ["f0"]
    assert client.files.download_bytes(external_id="f0") == b"."
    for forbidden in (
        lambda: client.files.retrieve(external_id="f1"),
        lambda: client.files.upload_bytes(b".", name="x"),
        lambda: client.files.upload_bytes(b".", name="x", data_set_id=ids[1]),
        lambda: client.files.upload_bytes(b".", name="x", external_id="f1", data_set_id=ids[0], overwrite=True),
        lambda: client.files.delete(external_id="f2"),
        lambda: client.assets.list(),
        lambda: client.data_sets.list(),
    ):
        with pytest.raises(CogniteAPIError) as refused:
            forbidden()
        assert refused.value.code == 403
        assert "insufficient access rights" in refused.value.message
    client.files.upload_bytes(b".", name="x", external_id="mine", data_set_id=ids[0])


def test_reading_is_not_writing(own):
    running, _ = own
    client = limited_client(running, [{"filesAcl": {"actions": ["READ"], "scope": {"all": {}}}}])
    client.files.list()
    with pytest.raises(CogniteAPIError) as refused:
        client.files.upload_bytes(b".", name="x")
    assert refused.value.code == 403


def test_a_foreign_project_is_refused(own):
    running, http = own
    answer = http.get(f"{running.base_url}/api/v1/projects/foreign/files")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("mode", "status"), [("asset_centric", "HYBRID"), ("hybrid", "HYBRID"), ("data_modeling", "DATA_MODELING_ONLY")]
)
def test_project_kinds(start_sandbox, mode, status):
    from cdf_sandbox.options import ProjectMode

    with start_sandbox(mode=ProjectMode(mode)) as running, running.http() as http:
        answer = http.get(f"{running.base_url}/api/v1/projects", params={"withDataModelingStatus": "true"})
        assert answer.json()["items"] == [{"urlName": "capture360", "dataModelingStatus": status}]
        made = http.post("/assets", json={"items": [{"name": "a"}]})
        assert made.status_code == (403 if mode == "data_modeling" else 201)
        file = running.client().files.upload_bytes(b".", name="f")
        annotation = {
            "annotatedResourceType": "file",
            "annotatedResourceId": file.id,
            "annotationType": "images.Classification",
            "data": {"label": "hall"},
            "status": "approved",
            "creatingApp": "a",
            "creatingAppVersion": "1.0.0",
            "creatingUser": None,
        }
        made = http.post("/annotations", json={"items": [annotation]})
        assert made.status_code == (403 if mode == "data_modeling" else 201)


@pytest.mark.parametrize("effect", ["status", "reset", "commit-then-reset"])
def test_an_upload_of_bytes_survives_a_fault_on_its_link(own, effect):
    running, _ = own
    client = running.client()
    order(running, effect=effect, path="/links/upload/*", method="PUT")
    client.files.upload_bytes(b"whole", name="n", external_id="f")
    assert client.files.download_bytes(external_id="f") == b"whole"


def test_a_retried_creation_of_annotations_makes_two(own):
    """What the SDK does with a lost answer: annotations have no key, so whoever creates them has to look first."""
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
