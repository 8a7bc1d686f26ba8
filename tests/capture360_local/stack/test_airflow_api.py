"""Requests to Airflow that are sent again, and those that are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from capture360_local.stack import airflow_api
from capture360_local.stack.airflow_api import AirflowApi

SENSE = "captures_sense"


class Airflow(ThreadingHTTPServer):
    """Answers changes of a DAG and its runs with what the test says, in turn, and then with success."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.asked: list[tuple[str, str, bytes]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Airflow

    def do_POST(self) -> None:
        if self.path == "/auth/token":
            self._body()
            self._answer(201, b'{"access_token": "a"}')
        else:
            self._change()

    def do_PATCH(self) -> None:
        self._change()

    def do_GET(self) -> None:
        self._change()

    def _change(self) -> None:
        self.server.asked.append((self.command, self.path, self._body()))
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 200, b'{"import_errors": []}')

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _answer(self, status: int, content: bytes) -> None:
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


@pytest.fixture
def api(airflow: Airflow) -> Iterator[AirflowApi]:
    with AirflowApi(f"http://127.0.0.1:{airflow.server_address[1]}", "ada", "secret") as client:
        yield client


REQUESTS: dict[str, Callable[[AirflowApi], object]] = {
    "pause": lambda api: api.pause(SENSE, True),
    "trigger": lambda api: api.trigger(SENSE, {}),
    "import errors": lambda api: api.import_errors(),
}


@pytest.mark.parametrize("send", REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_sent_again_while_airflow_cannot_write(
    airflow: Airflow, api: AirflowApi, send: Callable[[AirflowApi], object]
) -> None:
    airflow.statuses = [500, 500]
    send(api)
    assert airflow.asked == airflow.asked[:1] * 3


@pytest.mark.parametrize("send", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize(("statuses", "sent"), [([500, 500, 500], 3), ([404], 1), ([403], 1)])
def test_a_request_that_is_refused_is_told(
    airflow: Airflow, api: AirflowApi, send: Callable[[AirflowApi], object], statuses: list[int], sent: int
) -> None:
    airflow.statuses = list(statuses)
    with pytest.raises(httpx.HTTPStatusError, match=str(statuses[-1])):
        send(api)
    assert len(airflow.asked) == sent


def test_a_run_that_the_first_request_started_is_not_started_twice(airflow: Airflow, api: AirflowApi) -> None:
    airflow.statuses = [500, 409]
    run = api.trigger(SENSE, {"capture": "hall-1/c1"})
    assert [json.loads(body)["dag_run_id"] for _, _, body in airflow.asked] == [run, run]


def test_each_trigger_starts_its_own_run(api: AirflowApi) -> None:
    assert api.trigger(SENSE, {}) != api.trigger(SENSE, {})
