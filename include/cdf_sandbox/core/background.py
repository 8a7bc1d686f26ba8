"""Work that continues after its request was answered: one thread per kind, in the order of the requests.

Work that raises has failed, whatever it raises: it is recorded so, and does not begin again.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from sqlite3 import Connection
from typing import Generic, TypeVar

from cdf_sandbox.core.clock import Stopped
from cdf_sandbox.core.errors import ApiError
from cdf_sandbox.core.sandbox import Sandbox

Task = TypeVar("Task")
STOPS_WITHIN_S = 30
_log = logging.getLogger("cdf_sandbox")


class WorkError(Exception):
    """A task cannot be done, which its input or the project explains; the message gives the reason."""


class Background(Generic[Task]):
    """A queue of tasks and the thread that works on them.

    `unfinished` finds those that an earlier process left; `failed` records that a task failed, and the reason.
    """

    def __init__(
        self,
        name: str,
        sandbox: Sandbox,
        unfinished: Callable[[Connection], Iterable[Task]],
        work: Callable[[Sandbox, Task], None],
        failed: Callable[[Sandbox, Task, str], None],
    ) -> None:
        self._sandbox = sandbox
        self._unfinished = unfinished
        self._work = work
        self._failed = failed
        self._waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread, first with the tasks that an earlier process left unfinished."""
        with self._sandbox.read() as db:
            left = list(self._unfinished(db))
        for task in left:
            self.add(task)
        self._thread.start()

    def add(self, task: Task) -> None:
        """Queue a task whose request is committed."""
        self._waiting.put(task)

    def stop(self) -> None:
        """Finish the current task and end the thread; queued tasks are found as unfinished after the next start.

        So is a task that takes long: its thread is left behind, and ends with the process.
        """
        self._stopping.set()
        self._waiting.put(None)
        self._thread.join(STOPS_WITHIN_S)
        if self._thread.is_alive():
            _log.warning("%s: the current task was given up after %d s", self._thread.name, STOPS_WITHIN_S)

    def _run(self) -> None:
        while (task := self._waiting.get()) is not None and not self._stopping.is_set():
            try:
                self._work(self._sandbox, task)
            except Stopped:
                return
            except Exception as error:  # noqa: BLE001 - a task that fails must not end the thread of all others
                self._fail(task, error)

    def _fail(self, task: Task, error: Exception) -> None:
        explained = isinstance(error, WorkError | ApiError)
        reason = error.message if isinstance(error, ApiError) else str(error)
        reason = reason if explained else f"{type(error).__name__}: {reason}"
        _log.warning("%s: task %s failed: %s", self._thread.name, task, reason, exc_info=None if explained else error)
        try:
            self._failed(self._sandbox, task, reason)
        except Exception:  # noqa: BLE001 - whatever fails must not end the thread of all others
            _log.exception("%s: the failure of task %s cannot be recorded", self._thread.name, task)
