"""How a detector waits for CDF's jobs: asleep where it is, or by giving up the worker until the next look."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


class JobsPending(Exception):
    """CDF has not read all faces yet, and whoever asked wants to look again later."""


@dataclass(slots=True)
class JobWait:
    """One wait, over several looks. `jobs` are ids of jobs that have no name of ours, by what they were asked.

    With `sleeps` the wait is spent here; without it StillReading is raised, and the next look goes on from `document`.
    """

    began: float = field(default_factory=time.time)
    jobs: dict[str, int] = field(default_factory=dict)
    sleeps: bool = True

    @classmethod
    def between_looks(cls, document: Mapping[str, object] | None = None) -> JobWait:
        """For a caller that is not to sleep; `document` is of the look before."""
        return cls(**(document or {}), sleeps=False)  # type: ignore[arg-type]

    def document(self) -> dict[str, object]:
        """What the next look has to know, as JSON."""
        return {"began": self.began, "jobs": dict(self.jobs)}

    def is_over(self, limit: timedelta) -> bool:
        """Whether the wait has lasted longer."""
        return time.time() - self.began > limit.total_seconds()

    def pause(self, seconds: float) -> None:
        """Until the next look; StillReading if that is to be another call."""
        if not self.sleeps:
            raise JobsPending
        time.sleep(seconds)
