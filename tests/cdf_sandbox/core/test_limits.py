"""Rate and concurrency limits."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from cdf_sandbox.core.capabilities import all_capabilities
from cdf_sandbox.core.errors import ApiError, TooManyRequests
from cdf_sandbox.core.limits import FILES_PER_SECOND, LISTS_PER_SECOND, REQUESTS_PER_SECOND, Limits
from cdf_sandbox.core.options import Options
from local_cdf import run_sandbox
from waiting import eventually

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
    for _ in range(REQUESTS_PER_SECOND - LISTS_PER_SECOND - 1):  # The refused one counts too.
        limits.admit("one", "POST", f"{PROJECT}/files/byids")
    with pytest.raises(ApiError):
        limits.admit("one", "POST", f"{PROJECT}/files/byids")
    now[0] += 1.001
    limits.admit("one", "POST", f"{PROJECT}/files/list")


def test_who_goes_on_asking_stays_refused_for_as_long(limits):
    limits, now = limits
    for _ in range(LISTS_PER_SECOND):
        limits.admit("one", "POST", f"{PROJECT}/files/list")
    now[0] += 0.9
    for _ in range(LISTS_PER_SECOND):
        with pytest.raises(ApiError):
            limits.admit("one", "POST", f"{PROJECT}/files/list")
    now[0] += 0.2
    with pytest.raises(ApiError):
        limits.admit("one", "POST", f"{PROJECT}/files/list")
    patient = Limits(lambda: 0.0, refused_count=False)
    for _ in range(LISTS_PER_SECOND):
        patient.admit("one", "POST", f"{PROJECT}/files/list")
    for _ in range(REQUESTS_PER_SECOND):
        with pytest.raises(ApiError):
            patient.admit("one", "POST", f"{PROJECT}/files/list")
    patient.admit("one", "POST", f"{PROJECT}/files/byids")


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
        assert "retry-after" not in answers[-1].headers


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


def test_unauthenticated_requests_do_not_count(start_sandbox):
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


READS = ["byids", "list", "query", "search", "sync", "aggregate", "inspect"]


@contextmanager
def places_taken(running, work, number):
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(running.sandbox.limits.instances(work))
        yield


def is_refused(running, work):
    try:
        with running.sandbox.limits.instances(work):
            return False
    except TooManyRequests:
        return True


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    with run_sandbox(Options(data=tmp_path_factory.mktemp("limited"), list_lag=0)) as running:
        yield running


@pytest.fixture
def told(limited):
    """Concurrent requests that the project allows, by its statistics."""
    with limited.http() as http:
        return http.get("/models/statistics").json()


WORK = {"read": [f"/{path}" for path in READS], "write": [""], "delete": ["/delete"]}


@pytest.mark.parametrize(("work", "limit"), [("read", 8), ("write", 4), ("delete", 2)])
def test_instance_requests_at_once_are_limited_as_the_statistics_tell(limited, told, work, limit):
    assert told[f"concurrent{work.title()}Limit"] == limit
    others = [path for kind in WORK if kind != work for path in WORK[kind]]
    with limited.http() as http:

        def answers(paths):
            return [http.post(f"/models/instances{path}", json={"items": []}) for path in paths]

        with places_taken(limited, work, limit):
            for answer in answers(WORK[work]):
                error = answer.json()["error"]
                message = f"Project exceeded maximum number='{limit}' of concurrent requests. Please try again later."
                assert (answer.status_code, error["code"], error["message"]) == (429, 429, message)
            assert 429 not in {answer.status_code for answer in answers(others)}
        with places_taken(limited, work, limit - 1):
            assert 429 not in {answer.status_code for answer in answers(WORK[work])}


def test_a_request_keeps_its_place_until_it_is_answered(limited, told):
    nodes = {"items": [{"instanceType": "node", "space": "s", "externalId": "e"}]}
    with limited.http() as http, ThreadPoolExecutor(1) as other:
        http.post("/models/spaces", json={"items": [{"space": "s"}]}).raise_for_status()
        with limited.sandbox.storage.write():
            before = limited.mutating()
            answer = other.submit(http.post, "/models/instances/delete", json=nodes)
            eventually(lambda: limited.mutating() > before, "the request to come in")
            with places_taken(limited, "delete", told["concurrentDeleteLimit"] - 1):
                assert is_refused(limited, "delete")
        assert answer.result(60).status_code == 200
    with places_taken(limited, "delete", told["concurrentDeleteLimit"]):
        pass
