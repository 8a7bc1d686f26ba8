"""Outermost middleware of both origins: request ids, the log, limits, faults, and an envelope for every failure."""

import asyncio
import logging
import time
import uuid
from contextlib import AbstractContextManager, ExitStack, nullcontext

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from cdf_sandbox.core.auth import identity_of
from cdf_sandbox.core.counters import LoggedRequest, kind_of
from cdf_sandbox.core.errors import ApiError, envelope
from cdf_sandbox.core.faults import FaultOrder
from cdf_sandbox.core.limits import instance_work
from cdf_sandbox.core.protocol import reset_connection
from cdf_sandbox.core.sandbox import Sandbox

_log = logging.getLogger("cdf_sandbox")

STORE_FAULT = "cdf_sandbox.store_fault"
"""Key of the scope under which the content endpoints find a fault for what they store or return."""


def shown_path(path: str) -> str:
    """Return a path for logs, without the token of a link, which is a permission."""
    parts = path.split("/")
    return "/".join([*parts[:3], "..."]) if path.startswith("/links/") else path


def _without_last_slash(scope: Scope) -> Scope:
    """Return `scope` with the same path without a slash at its end: SDKs send either form, and CDF answers both."""
    path: str = scope["path"]
    return {**scope, "path": path[:-1]} if path.startswith("/api/") and path.endswith("/") else scope


async def _swallow(_: Message) -> None:
    """Discard an answer that is not sent."""


async def _reset(scope: Scope, receive: Receive) -> None:
    reset_connection(scope)
    # uvicorn expects an answer until it has noticed that the connection is closed.
    while (await receive())["type"] != "http.disconnect":
        pass


class RequestMiddleware:
    """Middleware of every request: request ids, the log, limits and faults."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        request_id = str(uuid.uuid4())
        kind = kind_of(method, path)
        self._sandbox.counters.received(kind)
        started = time.perf_counter()
        status = 0

        def log() -> None:
            self._sandbox.counters.finished(
                LoggedRequest(
                    at=self._sandbox.clock.now_ms(),
                    request_id=request_id,
                    method=method,
                    path=shown_path(path),
                    kind=kind,
                    status=status,
                    duration_ms=(time.perf_counter() - started) * 1000,
                )
            )

        with ExitStack() as held:
            held.callback(log)

            async def stamped(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    MutableHeaders(scope=message)["x-request-id"] = request_id
                elif message["type"] == "http.response.body" and not message.get("more_body", False):
                    # Before the last byte: a client that has its answer finds its place free and its request logged.
                    held.close()
                await send(message)

            try:
                await self._admit(scope, receive, stamped, held)
            except ApiError as error:
                await error.response()(scope, receive, stamped)
            except Exception:
                _log.exception("request %s %s %s failed", request_id, method, shown_path(path))
                if status:
                    raise
                await envelope(500, f"Internal server error, request {request_id}")(scope, receive, stamped)

    async def _admit(self, scope: Scope, receive: Receive, send: Send, held: ExitStack) -> None:
        if self._sandbox.options.latency > 0:
            await asyncio.sleep(self._sandbox.options.latency)  # the latency of a real project, as ordered
        for chore in self._sandbox.chores:
            if chore.is_due:
                await run_in_threadpool(chore.do)
        if scope["path"].startswith("/sandbox/"):
            await self._app(scope, receive, send)
            return
        scope = _without_last_slash(scope)
        fault = self._sandbox.faults.match_fault(scope["method"], scope["path"])
        held.enter_context(self._limited(scope))
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._faulty(fault, scope, receive, send)

    def _limited(self, scope: Scope) -> AbstractContextManager[None]:
        path: str = scope["path"]
        if not self._sandbox.options.rate_limits or not path.startswith("/api/"):
            return nullcontext()
        client_id = identity_of(self._sandbox, Headers(scope=scope).get("authorization", ""))
        if client_id is None:
            return nullcontext()  # Unauthenticated requests get 401 and do not count against rate limits.
        self._sandbox.limits.admit(client_id, scope["method"], path)
        work = instance_work(scope["method"], path)
        return nullcontext() if work is None else self._sandbox.limits.instances(work)

    async def _faulty(self, fault: FaultOrder, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.effect:
            case "status":
                await envelope(fault.status, fault.message, fault.headers)(scope, receive, send)
            case "delay":
                await asyncio.sleep(fault.seconds)  # the fault that was ordered
                await self._app(scope, receive, send)
            case "reset":
                await _reset(scope, receive)
            case "commit-then-reset":
                await self._app(scope, receive, _swallow)
                await _reset(scope, receive)
            case "commit-then-timeout":
                await self._app(scope, receive, _swallow)
                await asyncio.sleep(fault.seconds)  # the fault that was ordered
                await _reset(scope, receive)
            case "short-store" | "wrong-bytes":
                await self._app({**scope, STORE_FAULT: fault.effect}, receive, send)


class ApiCors(CORSMiddleware):
    """CORS for browsers, on the APIs and links only: other sites must not read the pages."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            app, allow_origins=("*",), allow_methods=("*",), allow_headers=("*",), expose_headers=("x-request-id",)
        )

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(("/api/", "/oauth2/", "/links/")):
            await self.app(scope, receive, send)
            return
        await super().__call__(scope, receive, send)
