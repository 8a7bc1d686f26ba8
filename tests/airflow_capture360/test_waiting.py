"""A task waits for a lease as long as it is held, and spends no try on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_capture360.triggers import SHORTEST_PAUSE_S
from airflow_capture360.waiting import LONGEST_PAUSE_S, WhenReleased
from capture360.errors import CdfUnavailableError, LeaseHeldError

CONTEXT: Any = {}


def held_for(times: int, result: object) -> Callable[[str], object]:
    """Find the lease held so many times, then give the result or raise it."""
    tries = iter(range(times))

    def write(capture: str) -> object:
        if next(tries, None) is not None:
            raise LeaseHeldError(capture, "run 1")
        if isinstance(result, Exception):
            raise result
        return result

    return write


def ended(write: Callable[[str], object]) -> tuple[object, list[float]]:
    """Run the task to its end; return its result and the pauses after the first."""
    task = WhenReleased(task_id="write", python_callable=write, op_args=["hall-7/may"], op_kwargs={})
    pauses: list[float] = []
    call, arguments = task.execute, {}
    while True:
        try:
            return call(CONTEXT, **arguments), pauses
        except TaskDeferred as deferred:
            call, arguments = getattr(task, deferred.method_name), {"event": None, **(deferred.kwargs or {})}
            pauses.append(arguments["pause"])


def test_it_waits_as_long_as_the_lease_is_held() -> None:
    result, pauses = ended(held_for(30, {"approved": 1}))
    assert (result, len(pauses)) == ({"approved": 1}, 30)
    assert pauses == sorted(pauses)
    assert pauses[0] > SHORTEST_PAUSE_S
    assert pauses[-1] == LONGEST_PAUSE_S


def test_what_fails_after_that_fails_the_try() -> None:
    with pytest.raises(CdfUnavailableError):
        ended(held_for(3, CdfUnavailableError("503")))
