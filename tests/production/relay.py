"""A relay of TCP connections that can refuse them for a while: a store out of reach whose memory stays."""

from __future__ import annotations

import selectors
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Listens on a free loopback port in a thread of its own, and forwards to `target`."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._listen()

    def _listen(self) -> None:
        self._server = _Server(self.port, self._target)
        self.port = self._server.server_address[1]

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Connections are cut and refused for the length of the block."""
        self._server.end()
        try:
            yield
        finally:
            self._listen()

    def close(self) -> None:
        self._server.end()


class _Server(socketserver.ThreadingTCPServer):
    """A thread for each connection; `end` joins all of them."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, target: int) -> None:
        self.target = target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._ending = False
        super().__init__(("127.0.0.1", port), _Connection)
        self._accepting = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        self._accepting.start()

    @contextmanager
    def cut_at_end(self, *ends: socket.socket) -> Iterator[None]:
        with self._lock:
            if self._ending:
                raise ConnectionError("no connection is forwarded any more")
            self._open |= set(ends)
        try:
            yield
        finally:
            with self._lock:
                self._open -= set(ends)

    def end(self) -> None:
        self.shutdown()
        self._accepting.join()
        with self._lock:
            self._ending = True
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Connection(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.target)) as back:
            others = {self.request: back, back: self.request}
            with self.server.cut_at_end(*others), selectors.DefaultSelector() as selector:
                for each in others:
                    selector.register(each, selectors.EVENT_READ, others[each])
                while all(self._forward(key.fileobj, key.data) for key, _ in selector.select()):
                    pass

    @staticmethod
    def _forward(here: socket.socket, there: socket.socket) -> bool:
        data = here.recv(1 << 16)
        there.sendall(data)
        return bool(data)
