"""Requests to Airflow that are sent again, and those that are not."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from capture360_local.stack import airflow_api
from capture360_local.stack.airflow_api import AirflowApi


class Airflow(ThreadingHTTPServer):
    """Answers a change of a DAG with what the test says, in turn, and then with success."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Airflow

    def do_POST(self) -> None:
        self._answer(201, b'{"access_token": "a"}')

    def do_PATCH(self) -> None:
        self.server.asked.append(self.path)
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 200, b"{}")

    def _answer(self, status: int, content: bytes) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Airflow]:
    monkeypatch.setattr(airflow_api, "WAITS_S", (0.0, 0.0))
    with Airflow() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def pause(airflow: Airflow) -> None:
    with AirflowApi(f"http://127.0.0.1:{airflow.server_address[1]}", "ada", "secret") as api:
        api.pause("captures_sense", True)


def test_a_pause_is_sent_again_while_airflow_cannot_write(airflow: Airflow) -> None:
    airflow.statuses = [500, 500]
    pause(airflow)
    assert airflow.asked == ["/api/v2/dags/captures_sense?update_mask=is_paused"] * 3


@pytest.mark.parametrize(("statuses", "sent"), [([500, 500, 500], 3), ([404], 1), ([403], 1)])
def test_a_pause_that_is_refused_is_told(airflow: Airflow, statuses: list[int], sent: int) -> None:
    airflow.statuses = list(statuses)
    with pytest.raises(httpx.HTTPStatusError, match=str(statuses[-1])):
        pause(airflow)
    assert len(airflow.asked) == sent
