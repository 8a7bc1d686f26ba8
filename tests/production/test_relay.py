"""The relay cuts connections, accepts none, and leaves none behind, whenever it begins to refuse."""

from __future__ import annotations

import gc
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from socket import create_connection

import pytest

from production.relay import Relay


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(self.rfile.readline())


@pytest.fixture
def relay() -> Iterator[Relay]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        relay = Relay(server.server_address[1])
        yield relay
        relay.close()
        server.shutdown()


def echo(relay: Relay, text: bytes) -> bytes:
    with create_connection(("127.0.0.1", relay.port), timeout=10) as client:
        client.sendall(text)
        return client.makefile("rb").readline()


def test_it_forwards_refuses_and_forwards_again(relay: Relay) -> None:
    long = b"a" * 2_000_000 + b"\n"
    assert echo(relay, long) == long
    with create_connection(("127.0.0.1", relay.port), timeout=10) as waiting, relay.refusing():
        with suppress(ConnectionError):
            assert waiting.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            echo(relay, b"refused\n")
    assert echo(relay, b"again\n") == b"again\n"


def test_connections_that_come_while_it_begins_to_refuse_are_closed(relay: Relay) -> None:
    """One that nobody closed would be a ResourceWarning, which fails the test."""
    over = threading.Event()

    def connect() -> None:
        while not over.is_set():
            with suppress(OSError):
                echo(relay, b"all the time\n")

    clients = [threading.Thread(target=connect) for _ in range(4)]
    for client in clients:
        client.start()
    for _ in range(50):
        with relay.refusing():
            pass
    over.set()
    for client in clients:
        client.join()
    gc.collect()
