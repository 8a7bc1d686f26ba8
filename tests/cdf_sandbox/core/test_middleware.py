"""When a request ends: before a client can have its answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Scope

from cdf_sandbox.core.errors import TooManyRequests
from cdf_sandbox.core.limits import INSTANCES_AT_ONCE, Limits
from cdf_sandbox.core.middleware import RequestMiddleware
from cdf_sandbox.core.options import Options
from cdf_sandbox.testing import RunningSandbox
from local_cdf import run_sandbox

DELETE = "/api/v1/projects/capture360/models/instances/delete"


async def _parts() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


@pytest.mark.parametrize("response", [JSONResponse({}), StreamingResponse(_parts())], ids=["whole", "in_parts"])
def test_a_request_is_over_before_the_last_of_its_answer_is_sent(tmp_path: Path, response: Response) -> None:
    """A client that asks again at once must not meet its own last request, nor miss it in the log."""
    with run_sandbox(Options(data=tmp_path)) as running:
        seen = asyncio.run(_states(running, RequestMiddleware(response, running.sandbox)))
    *before, last = seen
    assert before
    assert {(free, logged) for _, free, logged in before} == {(False, False)}
    assert last == ("http.response.body", True, True)


def _is_free(limits: Limits) -> bool:
    """Whether no request is deleting instances."""
    try:
        with ExitStack() as taken:
            for _ in range(INSTANCES_AT_ONCE["delete"]):
                taken.enter_context(limits.instances("delete"))
    except TooManyRequests:
        return False
    return True


async def _states(running: RunningSandbox, app: ASGIApp) -> list[tuple[str, bool, bool]]:
    """Each message of an answer: its type, whether its request's place was free, and whether it was logged."""
    limits, counters = running.sandbox.limits, running.sandbox.counters
    token = running.client().config.credentials.authorization_header()[1]
    seen = []

    async def send(message: Message) -> None:
        seen.append((message["type"], _is_free(limits), any(each.path == DELETE for each in counters.recent(10))))

    async def receive() -> Message:
        return await asyncio.get_running_loop().create_future()  # A client that waits for its answer.

    headers = [(b"authorization", token.encode())]
    scope: Scope = {"type": "http", "method": "POST", "path": DELETE, "headers": headers, "query_string": b""}
    await app(scope, receive, send)
    return seen
