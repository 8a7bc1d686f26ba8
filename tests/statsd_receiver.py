"""A StatsD server on the loopback interface that remembers what it was sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = "airflow.capture360."
_BETWEEN_S = 0.05


class StatsdReceiver:
    """What was sent so far, line by line, such as `airflow.capture360.faces.hall-7.uploaded:12|c`."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._lines: list[str] = []
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    @property
    def ours(self) -> list[str]:
        """The lines of our own metrics, oldest first."""
        self.take()
        return list(self._lines)

    def take(self) -> None:
        """Take what has arrived. The kernel keeps a few hundred of Airflow's metrics and drops what comes then."""
        with self._lock:
            while True:
                try:
                    lines = self._server.recv(65_536).decode().splitlines()
                except BlockingIOError:
                    return
                self._lines += [line for line in lines if line.startswith(_OURS)]

    def total(self, name: str) -> int:
        """What a counter adds up to, by the name behind Airflow's prefix."""
        sent = [line.partition(":") for line in self.ours]
        return sum(int(value.partition("|")[0]) for found, _, value in sent if found == f"airflow.{name}")


@contextmanager
def receiving_statsd() -> Iterator[StatsdReceiver]:
    """A server on a free port, which a thread keeps from overflowing."""
    ended = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        receiver = StatsdReceiver(server)

        def keep_taking() -> None:
            while not ended.wait(_BETWEEN_S):
                receiver.take()

        taking = threading.Thread(target=keep_taking)
        taking.start()
        try:
            yield receiver
        finally:
            ended.set()
            taking.join()
