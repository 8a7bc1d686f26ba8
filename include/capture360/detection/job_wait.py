"""Waiting for CDF's jobs: by sleeping, or by freeing the worker until the next poll."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


class JobsPending(Exception):
    """CDF has not read all faces yet, and the caller polls again later."""


@dataclass(slots=True)
class JobWait:
    """One wait over several polls. `jobs` are the ids of jobs that take no name, by a hash of their request.

    With `sleeps`, `pause` sleeps; without it, JobsPending is raised and the next poll continues from `document`.
    """

    began: float = field(default_factory=time.time)
    jobs: dict[str, int] = field(default_factory=dict)
    sleeps: bool = True

    @classmethod
    def between_looks(cls, document: Mapping[str, Any] | None = None) -> JobWait:
        """Build the wait of a caller that must not sleep; `document` is that of the previous poll."""
        return cls(**(document or {}), sleeps=False)

    def document(self) -> dict[str, object]:
        """Return the state for the next poll, as JSON values."""
        return {"began": self.began, "jobs": dict(self.jobs)}

    def is_over(self, limit: timedelta) -> bool:
        """Whether the wait has lasted longer than `limit`."""
        return time.time() - self.began > limit.total_seconds()

    def pause(self, seconds: float) -> None:
        """Sleep until the next poll; JobsPending if that is another call."""
        if not self.sleeps:
            raise JobsPending
        time.sleep(seconds)  # CDF sends no event when a job ends
