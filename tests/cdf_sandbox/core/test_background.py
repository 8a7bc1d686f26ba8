"""Background work: unfinished tasks come first, a failure ends no thread, and stopping does not wait for ever."""

from __future__ import annotations

import queue
import threading
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from cdf_sandbox.core import background
from cdf_sandbox.core.background import Background
from cdf_sandbox.core.clock import Clock

SANDBOX: Any = SimpleNamespace(read=nullcontext)


class SlowToAnswer(queue.SimpleQueue[Any]):
    """A queue whose `empty` answers late: when it returns, the worker has taken every task."""

    def empty(self) -> bool:
        was_empty = super().empty()
        while not super().empty():
            pass
        return was_empty


def test_stopping_while_the_worker_takes_the_last_task_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background.queue, "SimpleQueue", SlowToAnswer)
    begun, proceed = threading.Event(), threading.Event()

    def work(_: Any, task: int) -> None:
        begun.set()
        assert proceed.wait(30)

    worker = Background("test", SANDBOX, lambda _: [], work, fail)
    worker.start()
    worker.add(1)
    assert begun.wait(30)
    worker.add(2)
    stopping = threading.Thread(target=worker.stop, daemon=True)
    stopping.start()
    proceed.set()
    stopping.join(5)
    assert not stopping.is_alive()


def fail(_: Any, task: int, reason: str) -> None:
    pytest.fail(f"{task}: {reason}")


def test_unfinished_tasks_come_first_and_a_failure_ends_no_thread() -> None:
    done: list[int] = []
    failed: list[tuple[int, str]] = []
    finished = threading.Event()

    def work(_: Any, task: int) -> None:
        if task == 1:
            raise RuntimeError("broken task")
        done.append(task)
        if task == 3:
            finished.set()

    def record(_: Any, task: int, reason: str) -> None:
        failed.append((task, reason))
        raise RuntimeError("it cannot be recorded either")

    worker = Background("test", SANDBOX, lambda _: [1, 2], work, record)
    worker.add(0)
    worker.start()
    worker.add(3)
    assert finished.wait(30)
    worker.stop()
    assert done == [0, 2, 3]
    assert failed == [(1, "RuntimeError: broken task")]


def test_what_waits_for_its_time_when_the_sandbox_stops_has_not_failed() -> None:
    clock, begun = Clock(), threading.Event()
    clock.hold()

    def work(_: Any, task: int) -> None:
        begun.set()
        clock.wait_until(clock.now_ms() + 1000)
        pytest.fail("the clock was never moved")

    failures: list[str] = []
    worker = Background("test", SANDBOX, lambda _: [1], work, lambda _, task, reason: failures.append(reason))
    worker.start()
    assert begun.wait(30)
    clock.stop()
    worker.stop()
    assert not failures


def test_a_task_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "STOPS_WITHIN_S", 0.01)
    begun, proceed = threading.Event(), threading.Event()

    def work(_: Any, task: int) -> None:
        begun.set()
        proceed.wait(60)

    worker = Background("test", SANDBOX, lambda _: [1], work, fail)
    worker.start()
    assert begun.wait(30)
    stopping = threading.Thread(target=worker.stop, daemon=True)
    stopping.start()
    stopping.join(30)
    assert not stopping.is_alive()
    proceed.set()
