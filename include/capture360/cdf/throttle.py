"""Send as many requests as CDF allows, and share them with other processes that send under the same identity.

Nothing is held back before CDF answers 429. From then on requests to that endpoint leave at a rate of which this
process has reason to think that it is its share: nine tenths of what was served in the last second, then more with
every second without a refusal, slowly at first and then faster. All processes gain equally and lose in proportion to
what they have, so their shares approach each other (additive increase, multiplicative decrease: Chiu and Jain, 1989).

Each endpoint is counted by itself, since CDF limits some of them more than others. The SDK repeats what was refused.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from capture360.cdf.transport import on_each_client

SHARE_KEPT = 0.9
"""Fraction of the rate that was served in the last second, at which sending goes on after a 429."""
LEAST_RATE = 1.0
WINDOW_S = 1.0
"""CDF counts requests by the second: a 429 for a request sent this soon after another 429 says nothing new."""
LONGEST_HOLD_S = 60.0
_CREDIT_S = 0.1
"""Unused sending time that is caught up after it, since sleeping threads wake late."""
TOO_MANY = 429
_SENT_AT = "capture360.sent_at"


class Pace:
    """Pace of one process at one endpoint. Requests ask `wait`, and tell `answered` how it went."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._served: deque[float] = deque()
        self._rate_then: float | None = None
        """Requests a second right after the last refusal that counted; None before the first."""
        self._refused_at = 0.0
        self._next_at = 0.0
        """When the next request may leave."""

    def wait(self) -> float:
        """Return the seconds after which to ask again; 0 if the request may leave now, which is counted."""
        now = self._now()
        if now < self._next_at:
            return self._next_at - now
        if self._rate_then is not None:
            self._next_at = max(self._next_at, now - _CREDIT_S) + 1 / self._rate(now)
        return 0.0

    def answered(self, sent_at: float, status: int, retry_after: str | None = None) -> None:
        """Take an answer into account; `sent_at` is when the request left, by the same clock."""
        now = self._now()
        while self._served and self._served[0] <= now - WINDOW_S:
            self._served.popleft()
        if status != TOO_MANY:
            self._served.append(now)
            return
        first = self._rate_then is None
        if first or sent_at > self._refused_at + WINDOW_S:
            self._rate_then = max(LEAST_RATE, SHARE_KEPT * len(self._served) / WINDOW_S)
            self._refused_at = now
            self._next_at = max(self._next_at, now + (WINDOW_S if first else 1 / self._rate_then))
        self._next_at = max(self._next_at, now + hold_of(retry_after))

    def _rate(self, now: float) -> float:
        since = now - self._refused_at
        return (self._rate_then or LEAST_RATE) + since / 2 + since * since / 4


class Paces:
    """The pace at each endpoint of each project."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._by_endpoint: dict[tuple[str, str, str], Pace] = {}

    def of(self, method: str, host: str, path: str) -> Pace | None:
        """Return the pace for a request; None for one that is not to a project's API, such as to a store's link."""
        start, _, rest = path.partition("/projects/")
        if start != "/api/v1":
            return None
        endpoint = "/".join(part for part in rest.split("/") if not part.isdecimal())
        return self._by_endpoint.setdefault((method, host, endpoint), Pace(self._now))


def hold_of(retry_after: str | None) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), at most a minute; 0 for a date."""
    text = (retry_after or "").strip()
    return min(LONGEST_HOLD_S, float(text)) if text.isascii() and text.isdecimal() else 0.0


def pace_requests() -> None:
    """Pace all requests of the SDK in this process; to be called once.

    The SDK (8.22) ignores Retry-After.
    """
    import asyncio

    import httpx2

    paces = Paces()

    async def leave(request: httpx2.Request) -> None:
        pace = paces.of(request.method, request.url.netloc.decode(), request.url.path)
        while pace is not None and (seconds := pace.wait()) > 0:
            await asyncio.sleep(seconds)  # CDF allows no more for now
        request.extensions[_SENT_AT] = time.monotonic()

    async def returned(response: httpx2.Response) -> None:
        request = response.request
        pace = paces.of(request.method, request.url.netloc.decode(), request.url.path)
        sent_at = request.extensions.get(_SENT_AT)  # not there if it left before the hooks were
        if pace is not None and sent_at is not None:
            pace.answered(sent_at, response.status_code, response.headers.get("retry-after"))

    def hook(client: httpx2.AsyncClient) -> None:
        client.event_hooks["request"].append(leave)
        client.event_hooks["response"].append(returned)

    on_each_client(hook)
