"""Counts of requests and of changed rows, so that a test can assert that a run wrote nothing."""

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Literal

RequestKind = Literal["read", "mutating", "token", "session", "page"]

_READING_ENDS = (
    "/byids", "/list", "/search", "/aggregate", "/query", "/sync", "/downloadlink", "/reverselookup", "/inspect",
)  # fmt: skip


def kind_of(method: str, path: str) -> RequestKind:
    """Classify a request: reads, requests that can change the project, tokens, sessions and the sandbox's pages."""
    if path in ("/", "/favicon.ico", "/sandbox/style.css") or path.startswith("/sandbox/pages/"):
        return "page"
    if method in ("GET", "HEAD", "OPTIONS") or path.startswith("/sandbox/"):
        return "read"
    path = path.rstrip("/")
    if path.endswith("/oauth2/token"):
        return "token"
    if path.endswith("/sessions"):
        return "session"
    return "read" if path.endswith(_READING_ENDS) else "mutating"


@dataclass(frozen=True)
class LoggedRequest:
    """One finished request: `at` in epoch milliseconds, `duration_ms` as the client waited."""

    at: int
    request_id: str
    method: str
    path: str
    kind: RequestKind
    status: int
    duration_ms: float


class Counters:
    """Counts since the start or the last reset; kept in memory only."""

    def __init__(self, remembered_requests: int = 2000) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._rows_changed = 0
        self._log: deque[LoggedRequest] = deque(maxlen=remembered_requests)

    def rows_changed(self, count: int) -> None:
        """Count rows that a committed transaction changed."""
        with self._lock:
            self._rows_changed += count

    def received(self, kind: RequestKind) -> None:
        """Count a request when it arrives."""
        with self._lock:
            self._requests[kind] += 1

    def finished(self, entry: LoggedRequest) -> None:
        """Log a request that was answered or aborted; requests to the pages are left out."""
        if entry.kind != "page":
            with self._lock:
                self._log.append(entry)

    def reset(self) -> None:
        """Reset the counts; the log of requests stays."""
        with self._lock:
            self._requests.clear()
            self._rows_changed = 0

    def snapshot(self) -> dict[str, int]:
        """`mutating` requests received and `rowsChanged`; `read`, `tokens` and `sessions` beside them."""
        with self._lock:
            return {
                "mutating": self._requests["mutating"],
                "rowsChanged": self._rows_changed,
                "read": self._requests["read"],
                "tokens": self._requests["token"],
                "sessions": self._requests["session"],
            }

    def recent(self, limit: int = 100) -> list[LoggedRequest]:
        """The last finished requests, newest first."""
        with self._lock:
            return list(self._log)[-limit:][::-1]

    def recent_json(self, limit: int = 100) -> list[dict[str, Any]]:
        """`recent` in the shape of `GET /sandbox/requests`."""
        return [
            {
                "at": entry.at,
                "requestId": entry.request_id,
                "method": entry.method,
                "path": entry.path,
                "kind": entry.kind,
                "status": entry.status,
                "durationMs": round(entry.duration_ms, 3),
            }
            for entry in self.recent(limit)
        ]
