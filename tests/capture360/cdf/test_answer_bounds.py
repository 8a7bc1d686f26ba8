"""Answers without end: bytes that trickle in, and small ones that unpack to any size."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

import httpx
import httpx2
import pytest

from capture360.cdf import answer_bounds
from capture360.cdf.answer_bounds import LONGEST_S, SLOWEST, EndlessAnswerError, bound, bounded_content
from capture360.cdf.client import CdfProject, Connection, cdf_errors
from capture360.cdf.json_answers import OddAnswerError
from capture360.errors import CdfUnavailableError
from local_cdf import RunningSandbox

API = "https://cdf.test/api/v1/projects/p/files"
STORE = "https://store.test/face"


class Pieces(httpx2.AsyncByteStream):
    def __init__(self, pieces: Iterable[bytes], after: Callable[[], None] = lambda: None) -> None:
        self.pieces, self.after, self.closed = pieces, after, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.after()
            yield piece

    async def aclose(self) -> None:
        self.closed = True


def read(pieces: Pieces, url: str = API, now: Callable[[], float] = float, **headers: str) -> bytes:
    answer = httpx2.Response(200, headers=headers, stream=pieces, request=httpx2.Request("GET", url))
    bound(answer, now)
    return asyncio.run(answer.aread())


def packed(size: int) -> bytes:
    pack = zlib.compressobj(9, wbits=31)
    return b"".join([*(pack.compress(bytes(1 << 20)) for _ in range(size >> 20)), pack.flush()])


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def passes(self, seconds: float) -> Callable[[], None]:
        def after() -> None:
            self.seconds += seconds

        return after


@pytest.mark.parametrize("url", [API, STORE])
def test_bytes_that_trickle_in_end_after_a_time(url: str) -> None:
    clock = Clock()
    pieces = Pieces((b"x" for _ in range(100_000)), clock.passes(20))
    with pytest.raises(EndlessAnswerError, match=r"^After 3\d\d s only 16 bytes of CDF's answer had come$"):
        read(pieces, url, clock)
    assert pieces.closed
    assert clock.seconds < LONGEST_S + 40


def test_a_large_file_may_take_its_time() -> None:
    clock = Clock()
    piece, count = bytes(1 << 16), 200
    content = read(Pieces([piece] * count, clock.passes(0.9 * len(piece) / SLOWEST)), STORE, clock)
    assert len(content) == count * len(piece)
    assert clock.seconds > 5 * LONGEST_S


@pytest.mark.parametrize("url", [API, STORE])
def test_an_answer_that_unpacks_without_end_is_left(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_bounds, "LARGEST_ANSWER", 3 << 20)
    with pytest.raises(EndlessAnswerError, match=r"more than 3,145,728 bytes unpacked"):
        read(Pieces([packed(8 << 20)]), url, **{"content-encoding": "gzip"})
    assert len(read(Pieces([packed(2 << 20)]), url, **{"content-encoding": "gzip"})) == 2 << 20


def test_a_large_file_of_a_store_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_bounds, "LARGEST_ANSWER", 1 << 20)
    assert len(read(Pieces([bytes(1 << 20)] * 4), STORE)) == 4 << 20


@pytest.mark.parametrize(
    ("pieces", "seconds", "said"),
    [([packed(9 << 20)], 0.0, "more than 8,000,000 bytes"), ([b"{"] * 8, 50.0, "was not complete after 300 s")],
)
def test_an_answer_to_a_direct_request_has_an_end(
    monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], seconds: float, said: str
) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)

    def arriving() -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            clock.seconds += seconds

    headers = {"content-encoding": "gzip"} if seconds == 0.0 else {}
    with pytest.raises(CdfUnavailableError, match=f"^Creating: CDF's answer .*{said}") as raised:
        bounded_content(httpx.Response(200, headers=headers, content=arriving()), "Creating")
    assert "proxy" in raised.value.remedy
    assert bounded_content(httpx.Response(200, content=iter([b"{", b"}"])), "Creating") == b"{}"


def test_a_command_ends_in_a_sentence(running: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's own answer is too large for the bound of this test."""
    cdf = CdfProject(Connection.from_mapping(running.connection, "test"))
    cdf.client.iam.token.inspect()
    monkeypatch.setattr(answer_bounds, "LARGEST_ANSWER", 5)
    said = r"^Listing: CDF's answer has more than 5 bytes unpacked at http://"
    with pytest.raises(OddAnswerError, match=said) as raised, cdf_errors("Listing"):
        cdf.client.files.list(limit=1)
    assert "proxy" in raised.value.remedy
