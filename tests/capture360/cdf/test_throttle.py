"""Throttled requests, counted against the sandbox's own limits on a clock of the test's."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field

import pytest

from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.throttle import LONGEST_HOLD_S, Pace, Paces, hold_of
from cdf_sandbox.core.errors import TooManyRequests
from cdf_sandbox.core.limits import REQUESTS_PER_SECOND, Limits
from local_cdf import PLAIN, RunningSandbox

LATENCY_S = 0.05
SENDERS = 12
START = 100.0


class Clock:
    now = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Worker:
    """A process with more to send than it may; `served` and `refused` are the times of its answers."""

    pace: Pace
    begins: float = 0.0
    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)


def run(workers: list[Worker], clock: Clock, seconds: float, *, refused_count: bool) -> None:
    """Let the workers' senders do what the SDK does: ask, send, wait for the answer, back off if it is a refusal."""
    limits, chance, order = Limits(clock, refused_count=refused_count), random.Random(3), itertools.count()
    events: list[tuple[float, int, Worker, int, float, int]] = []

    def later(after: float, worker: Worker, attempt: int, sent: float = 0.0, status: int = 0) -> None:
        heapq.heappush(events, (clock.now + after, next(order), worker, attempt, sent, status))

    for worker in workers:
        for _ in range(SENDERS):
            later(worker.begins, worker, 0)
    while events[0][0] < START + seconds:
        clock.now, _, worker, attempt, sent, status = heapq.heappop(events)
        if status:
            worker.pace.answered(sent, status)
            (worker.served if status == 200 else worker.refused).append(clock.now - START)
            later(0 if status == 200 else chance.uniform(0.1, 0.5 * 2**attempt), worker, attempt + (status == 429))
        elif (wait := worker.pace.wait()) > 0:
            later(wait + chance.uniform(0, 0.002), worker, attempt)
        else:
            try:
                limits.admit("one identity", "POST", "/api/v1/projects/p/files")
                later(LATENCY_S, worker, 0, clock.now, 200)
            except TooManyRequests:
                later(LATENCY_S, worker, attempt, clock.now, 429)


@pytest.mark.parametrize("refused_count", [True, False])
@pytest.mark.parametrize("second_begins", [0.0, 10.0])
def test_two_workers_use_what_is_allowed_and_share_it(refused_count: bool, second_begins: float) -> None:
    clock = Clock()
    workers = [Worker(Pace(clock)), Worker(Pace(clock), second_begins)]
    run(workers, clock, 70, refused_count=refused_count)
    shares = [sum(at >= 30 for at in worker.served) / 40 for worker in workers]
    served = sum(len(worker.served) for worker in workers)
    assert sum(shares) >= 0.9 * REQUESTS_PER_SECOND
    assert served >= 0.88 * REQUESTS_PER_SECOND * 70
    assert min(shares) >= 0.35 * sum(shares)
    assert sum(len(worker.refused) for worker in workers) <= 0.05 * served


def test_one_worker_is_not_held_back_before_it_is_refused() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(10_000):
        assert pace.wait() == 0
        pace.answered(clock.now, 200)


def test_nothing_leaves_before_the_time_that_cdf_names() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.wait() == 0
    pace.answered(clock.now, 429, retry_after="7")
    assert pace.wait() == pytest.approx(7)
    clock.now += 6.5
    assert pace.wait() == pytest.approx(0.5)
    clock.now += 0.5
    assert pace.wait() == 0
    assert pace.wait() > 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3),
        ("86400", LONGEST_HOLD_S),
        (None, 0),
        ("", 0),
        ("-1", 0),
        ("²", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
    ],
)
def test_how_long_cdf_asks_to_wait(text: str | None, seconds: float) -> None:
    assert hold_of(text) == seconds


def test_each_endpoint_has_a_pace_of_its_own_and_links_have_none() -> None:
    paces = Paces(Clock())
    files = paces.of("POST", "cdf:443", "/api/v1/projects/p/files")
    assert files is not None
    assert paces.of("POST", "cdf:443", "/api/v1/projects/p/files") is files
    assert paces.of("POST", "cdf:443", "/api/v1/projects/p/files/byids") is not files
    assert paces.of("POST", "cdf:443", "/api/v1/projects/other/files") is not files
    revisions = paces.of("GET", "cdf:443", "/api/v1/projects/p/3d/models/12/revisions/7")
    assert paces.of("GET", "cdf:443", "/api/v1/projects/p/3d/models/13/revisions/8") is revisions
    assert paces.of("PUT", "store:443", "/links/upload/abc") is None


def test_the_sdk_asks_before_it_sends_and_says_what_came_back(
    running: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, str | None]] = []
    answered = Pace.answered

    def noted(pace: Pace, sent_at: float, status: int, retry_after: str | None = None) -> None:
        seen.append((status, retry_after))
        answered(pace, sent_at, status, "0")

    monkeypatch.setattr(Pace, "answered", noted)
    client = CdfProject(Connection.from_mapping(running.connection, "test")).client
    fault = {
        "effect": "status", "method": "POST", "path": "*/labels/list", "status": 429, "headers": {"retry-after": "9"}
    }  # fmt: skip
    PLAIN.post(f"{running.base_url}/sandbox/faults", json=fault).raise_for_status()
    client.labels.list()
    assert seen == [(429, "9"), (200, None)]
