"""Bounds of one answer: its size unpacked, and the time in which it arrives.

Each read of a connection has a time limit of its own, which an answer that trickles in never meets, and a small answer
may unpack to any size. An answer beyond a bound ends as EndlessAnswerError, which the SDK does not repeat.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

import httpx
import httpx2
from typing_extensions import override

from capture360.cdf.json_answers import PROXY
from capture360.cdf.transport import on_each_client
from capture360.errors import CdfUnavailableError

LARGEST_ANSWER = 256_000_000
"""Bytes of an answer of CDF's API, unpacked: several times that of a thousand full items."""
LARGEST_OF_ONE = 8_000_000
"""Bytes of an answer that describes one thing, unpacked."""
MOST_UNPACKED = 20
"""How many times its own size a content of a file store may unpack to, above `LARGEST_ANSWER`."""
LONGEST_S = 300.0
SLOWEST = 5_000.0
"""Bytes a second that prolong `LONGEST_S`: a large file may take its time."""
_API = "/api/v1/"


class EndlessAnswerError(httpx2.RequestError):
    """An answer is larger, or takes longer, than any that CDF gives. Its text is meant for a person."""


class _Decoder(Protocol):
    def decode(self, data: bytes) -> Iterator[bytes]: ...

    def flush(self) -> Iterator[bytes]: ...


class _BoundedStream(httpx2.AsyncByteStream):
    """The bytes of an answer as they arrive, counted, and timed since its headers."""

    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request, now: Callable[[], float]) -> None:
        self._stream, self._request, self._now = stream, request, now
        self._began = now()
        self.received = 0

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self.received += len(chunk)
            if self._now() - self._began > LONGEST_S + self.received / SLOWEST:
                problem = (
                    f"After {self._now() - self._began:,.0f} s only {self.received:,} bytes of CDF's answer had come"
                )
                raise EndlessAnswerError(problem, request=self._request)
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()


class _BoundedDecoder:
    """A decoder of the transport, in pieces of which each is counted."""

    def __init__(self, decoder: _Decoder, stream: _BoundedStream, request: httpx2.Request) -> None:
        self._decoder, self._stream, self._request = decoder, stream, request
        self._unpacked = 0

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield the pieces of `data` unpacked."""
        return self._counted(self._decoder.decode(data))

    def flush(self) -> Iterator[bytes]:
        """Yield what is left."""
        return self._counted(self._decoder.flush())

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        of_api = self._request.url.path.startswith(_API)
        for piece in pieces:
            self._unpacked += len(piece)
            most = LARGEST_ANSWER if of_api else max(LARGEST_ANSWER, MOST_UNPACKED * self._stream.received)
            if self._unpacked > most:
                raise EndlessAnswerError(f"CDF's answer has more than {most:,} bytes unpacked", request=self._request)
            yield piece


def bound(response: httpx2.Response, now: Callable[[], float] = time.monotonic) -> None:
    """Bound an answer whose headers have arrived, before its content is read."""
    if not isinstance(response.stream, httpx2.AsyncByteStream) or response.is_stream_consumed:
        return
    stream = _BoundedStream(response.stream, response.request, now)
    response.stream = stream
    # The transport (httpx2 2.16) has no place for a decoder, and unpacks in pieces of a megabyte.
    response._decoder = _BoundedDecoder(response._get_content_decoder(), stream, response.request)  # type: ignore[assignment]  # stands in for it


def bounded_content(answer: httpx.Response, doing: str) -> bytes:
    """Read the answer to a direct request, which describes one thing; CdfUnavailableError beyond a bound."""
    began, content = time.monotonic(), bytearray()
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > LARGEST_OF_ONE:
            raise CdfUnavailableError(f"{doing}: CDF's answer has more than {LARGEST_OF_ONE:,} bytes.", remedy=PROXY)
        if time.monotonic() - began > LONGEST_S:
            raise CdfUnavailableError(f"{doing}: CDF's answer was not complete after {LONGEST_S:,.0f} s.", remedy=PROXY)
    return bytes(content)


def bound_answers() -> None:
    """Bound all answers that the SDK reads in this process; to be called once."""

    async def arrived(response: httpx2.Response) -> None:
        bound(response)

    def hook(client: httpx2.AsyncClient) -> None:
        client.event_hooks["response"].append(arrived)

    on_each_client(hook)
