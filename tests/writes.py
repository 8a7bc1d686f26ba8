"""Every write of this process to CDF and to the records, seen at the boundary, and what may happen at one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2
import pytest

from capture360.store import DocumentStore
from cdf_sandbox.core.counters import kind_of


class Killed(BaseException):
    """The process dies here. Not an Exception, so that nothing catches it."""


class Writes:
    """The log of writes; `happen` is called once number `at` is made, and a dead process writes no more.

    A run that dies before a write leaves what one leaves that died after the write before it.
    """

    def __init__(self, at: int | None = None, happen: Callable[[], None] | None = None) -> None:
        self.log: list[str] = []
        self._at = at
        self._happen = happen
        self._dead = False

    def begin(self, what: str) -> int:
        """A write is about to be made; its number."""
        if self._dead:
            raise Killed
        number = len(self.log)
        self.log.append(what)
        return number

    def end(self, number: int) -> None:
        """A write has been made, and nobody has been told yet."""
        if self._dead:
            raise Killed
        if number != self._at or self._happen is None:
            return
        try:
            self._happen()
        except Killed:
            self._dead = True
            raise


def kill() -> None:
    """What a SIGKILL does, as far as one thread of a test can."""
    raise Killed


@contextmanager
def watched(writes: Writes) -> Iterator[Writes]:
    """All writes of this process pass through `writes` for the length of the block."""
    send = httpx2.AsyncHTTPTransport.handle_async_request
    send_once = httpx.HTTPTransport.handle_request

    async def handle(transport: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> httpx2.Response:
        if kind_of(request.method, request.url.path) != "mutating":
            return await send(transport, request)
        number = writes.begin(f"{request.method} {request.url.path.rpartition('/projects/')[2]}")
        answer = await send(transport, request)
        try:
            writes.end(number)
        except Killed:
            await answer.aclose()  # this process lives on, and its pool must not lose the connection
            raise
        return answer

    def handle_once(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        """What goes past the SDK: parts of large files, and creations that may be sent but once."""
        if kind_of(request.method, request.url.path) != "mutating":
            return send_once(transport, request)
        number = writes.begin(f"{request.method} {request.url.path.rpartition('/projects/')[2]}")
        answer = send_once(transport, request)
        try:
            writes.end(number)
        except Killed:
            answer.close()
            raise
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", handle_once)
        patch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", handle)
        for name in ("put", "create", "remove"):
            patch.setattr(DocumentStore, name, _recorded(writes, name, getattr(DocumentStore, name)))
        yield writes


def _recorded(writes: Writes, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def write(store: DocumentStore, path: str, *content: bytes) -> Any:
        number = writes.begin(f"{name} {path}")
        answer = real(store, path, *content)
        writes.end(number)
        return answer

    return write
