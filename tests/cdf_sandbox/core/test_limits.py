"""Rate and concurrency limits."""

import threading

import httpx
import pytest

from cdf_sandbox.core.access import all_capabilities
from cdf_sandbox.core.errors import ApiError
from cdf_sandbox.core.limits import FILES_PER_SECOND, LISTS_PER_SECOND, REQUESTS_PER_SECOND, Limits
from cdf_sandbox.core.options import Options
from local_cdf import run_sandbox

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


def answers_at_once(running, paths):
    """The answers to requests that are all held before any is answered."""
    delay = {"effect": "delay", "seconds": 1.0, "path": "*/models/instances*", "times": len(paths)}
    httpx.post(f"{running.base_url}/sandbox/faults", json=delay, trust_env=False).raise_for_status()
    answers = []

    def ask(http, path):
        answers.append(http.post(f"/models/instances{path}", json={"items": []}))

    sessions = [running.http() for _ in paths]
    threads = [threading.Thread(target=ask, args=both) for both in zip(sessions, paths, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for http in sessions:
        http.close()
    httpx.delete(f"{running.base_url}/sandbox/faults", trust_env=False)
    return answers


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    with run_sandbox(Options(data=tmp_path_factory.mktemp("limited"), list_lag=0)) as running:
        yield running


@pytest.fixture
def told(limited):
    """Concurrent requests that the project allows, by its statistics."""
    with limited.http() as http:
        return http.get("/models/statistics").json()


@pytest.mark.parametrize(
    ("limit", "paths"),
    [("concurrentWriteLimit", [""]), ("concurrentDeleteLimit", ["/delete"])]
    + [("concurrentReadLimit", [f"/{path}"]) for path in READS]
    + [("concurrentReadLimit", [f"/{path}" for path in READS])],
)
def test_instance_requests_at_once_are_limited_as_the_statistics_tell(limited, told, limit, paths):
    published = {"concurrentReadLimit": 8, "concurrentWriteLimit": 4, "concurrentDeleteLimit": 2}
    assert told[limit] == published[limit]
    number = told[limit] + 2
    answers = answers_at_once(limited, [paths[i % len(paths)] for i in range(number)])
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 2
    for answer in refused:
        assert answer.json()["error"]["code"] == 429
        message = f"Project exceeded maximum number='{told[limit]}' of concurrent requests. Please try again later."
        assert answer.json()["error"]["message"] == message
    with limited.http() as http:
        assert http.post(f"/models/instances{paths[0]}", json={"items": []}).status_code != 429


def test_reads_writes_and_deletes_have_limits_of_their_own(limited, told):
    paths = ["/list"] * told["concurrentReadLimit"] + [""] * told["concurrentWriteLimit"]
    answers = answers_at_once(limited, [*paths, *["/delete"] * told["concurrentDeleteLimit"]])
    assert 429 not in {answer.status_code for answer in answers}
