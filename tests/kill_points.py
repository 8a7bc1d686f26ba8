"""An undisturbed run of a test's scenario, and its writes as the points at which a test of its own kills it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from writes import Writes, watched

STEP = 1 if "CAPTURE360_EVERY_WRITE" in os.environ else 3
"""A scenario is killed at each third of its writes, and by `make recovery` at all, since each costs two runs."""


@dataclass(frozen=True)
class Undisturbed:
    """The writes of a run that nobody killed, and the state it ended in."""

    log: list[str]
    end: Any


def undisturbed(run: Callable[[], object], state: Callable[[], Any]) -> Undisturbed:
    """Run the scenario once, logging its writes."""
    with watched(Writes()) as writes:
        run()
    return Undisturbed(writes.log, state())


def points(last: int, first: int = 0) -> range:
    """Return the numbers of the writes to be killed at, of those from `first` up to before `last`."""
    return range(first + (last - 1 - first) % STEP, last, STEP)


def kill_points(count: int) -> pytest.MarkDecorator:
    """Parametrize a test by `number`: each kill point is one test, so that they run side by side.

    The number of writes is stated, since tests are collected before anything runs; a test of its own compares it with
    the undisturbed run.
    """
    return pytest.mark.parametrize("number", points(count))
