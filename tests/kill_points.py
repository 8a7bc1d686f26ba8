"""An undisturbed run of a test's scenario, and its writes as the points at which a test of its own kills it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from writes import Writes, watched


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


def kill_points(count: int) -> pytest.MarkDecorator:
    """Parametrize a test by `number`: each kill point is one test, so that they run side by side.

    The number of writes is stated, since tests are collected before anything runs; a test of its own compares it with
    the undisturbed run.
    """
    return pytest.mark.parametrize("number", range(count))
