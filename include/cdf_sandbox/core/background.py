"""Work that goes on after its request was answered: one thread a kind, in the order of creation."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from sqlite3 import Connection
from typing import Generic, TypeVar

from cdf_sandbox.core.sandbox import Sandbox

Task = TypeVar("Task")
_log = logging.getLogger("cdf_sandbox")


class Background(Generic[Task]):
    """Works tasks off. What a killed sandbox left behind is found by ``unfinished`` and done anew."""

    def __init__(
        self,
        name: str,
        sandbox: Sandbox,
        unfinished: Callable[[Connection], Iterable[Task]],
        work: Callable[[Sandbox, Task], None],
    ) -> None:
        self._sandbox = sandbox
        self._unfinished = unfinished
        self._work = work
        self._waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with what a killed sandbox left unfinished."""
        with self._sandbox.read() as db:
            left = list(self._unfinished(db))
        for task in left:
            self.add(task)
        self._thread.start()

    def add(self, task: Task) -> None:
        """Do a task whose request is committed."""
        self._waiting.put(task)

    def stop(self) -> None:
        """Finish the task in work and end; the others are done after the next start."""
        while not self._waiting.empty():
            self._waiting.get()
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (task := self._waiting.get()) is not None:
            try:
                self._work(self._sandbox, task)
            except Exception:  # noqa: BLE001 - a task that breaks must not end the thread of all others
                _log.exception("%s: %s broke off; it is tried again after the next start", self._thread.name, task)
