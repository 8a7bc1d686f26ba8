"""Fault injection: which fault occurs at which request."""

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import new_id

Effect = Literal["status", "delay", "reset", "commit-then-reset", "commit-then-timeout", "short-store", "wrong-bytes"]


def _without_last_slash(path: str) -> str:
    """Drop the slash at the end of a pattern: paths are matched without theirs."""
    return path[:-1] if path.endswith("/") and len(path) > 1 else path


class FaultOrder(StrictModel):
    """One fault.

    It applies to the `nth` to `nth + times - 1`-th matching request after the order; method and whole path must match;
    `path` is a shell pattern, e.g. `*/files/byids` or `/links/upload/*`.

    - `status`: answer `status` with `message` and `headers` and do nothing.
    - `delay`: wait `seconds` first.
    - `reset`: reset the connection and do nothing.
    - `commit-then-reset`: do it, then reset the connection instead of answering.
    - `commit-then-timeout`: do it, then hold the answer back for `seconds` and reset the connection.
    - `short-store`: an upload keeps half of its bytes and is answered as if it were whole.
    - `wrong-bytes`: an upload keeps, or a download gives, bytes that differ in value, not in number.
    """

    effect: Effect
    method: Annotated[str, Field(pattern=r"^(\*|[A-Z]+)$")] = "*"
    path: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_without_last_slash)] = "*"
    nth: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int, Field(ge=1)] = 1
    status: Annotated[int, Field(ge=400, le=599)] = 503
    message: str = "Fault on order"
    headers: dict[str, str] | None = None
    seconds: Annotated[float, Field(ge=0, le=3600)] = 60.0


@dataclass
class _Pending:
    id: int
    order: FaultOrder
    seen: int = field(default=0)

    @property
    def is_over(self) -> bool:
        return self.seen >= self.order.nth + self.order.times - 1


class Faults:
    """The orders that are pending."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[_Pending] = []

    def order(self, order: FaultOrder) -> int:
        """Add an order; return its id."""
        pending = _Pending(new_id(), order)
        with self._lock:
            self._pending.append(pending)
        return pending.id

    def match_fault(self, method: str, path: str) -> FaultOrder | None:
        """Return the fault that applies to this request; every matching order counts the request."""
        matched: FaultOrder | None = None
        with self._lock:
            for pending in self._pending:
                order = pending.order
                if order.method not in ("*", method) or not fnmatchcase(path, order.path):
                    continue
                pending.seen += 1
                if matched is None and pending.seen >= order.nth:
                    matched = order
            self._pending = [pending for pending in self._pending if not pending.is_over]
        return matched

    def pending(self) -> list[dict[str, Any]]:
        """The orders with the number of requests that each has seen."""
        with self._lock:
            return [
                {"id": p.id, "seen": p.seen, **p.order.model_dump(by_alias=True, exclude_none=True)}
                for p in self._pending
            ]

    def clear(self) -> None:
        """Drop every order."""
        with self._lock:
            self._pending.clear()
