"""A StatsD server on the loopback interface that remembers what it was sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


class StatsdReceiver:
    """What was sent so far, line by line, such as `airflow.capture360.faces.hall-7.uploaded:12|c`."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._lines: list[str] = []

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    @property
    def ours(self) -> list[str]:
        """The lines of our own metrics, oldest first."""
        while True:
            try:
                self._lines += self._server.recv(65_536).decode().splitlines()
            except BlockingIOError:
                return [line for line in self._lines if line.startswith("airflow.capture360.")]

    def total(self, name: str) -> int:
        """What a counter adds up to, by the name behind Airflow's prefix."""
        sent = [line.partition(":") for line in self.ours]
        return sum(int(value.partition("|")[0]) for found, _, value in sent if found == f"airflow.{name}")


@contextmanager
def receiving_statsd() -> Iterator[StatsdReceiver]:
    """A server on a free port. The kernel keeps what arrives until it is asked for."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        yield StatsdReceiver(server)
