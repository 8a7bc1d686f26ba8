"""What an alert says, and where it goes."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_capture360.notifiers import CaptureAlert, alert_text
from capture360.errors import CaptureRejected, CdfUnavailableError


def context(error: BaseException | None, partition_key: str | None = "hall-7/walk-1") -> dict[str, Any]:
    """What Airflow hands a callback, as far as it is read."""
    return {
        "dag_run": SimpleNamespace(partition_key=partition_key, dag_id="captures_ingest", run_id="manual__1"),
        "ti": SimpleNamespace(task_id="validate", try_number=1, log_url="http://127.0.0.1:8080/log"),
        "params": {"capture": "hall-7/by-hand"},
        "exception": error,
    }


def test_it_says_what_broke_and_how_to_mend_it() -> None:
    text = alert_text(context(CaptureRejected("stations.csv has no column y.")))
    assert text.splitlines() == [
        "hall-7/walk-1: validate failed in captures_ingest, try 1.",
        "What broke: stations.csv has no column y.",
        "How to mend it: Mend the delivery as the validation report says and drop it again.",
        "Log: http://127.0.0.1:8080/log",
    ]


def test_a_run_by_hand_is_named_by_its_capture() -> None:
    assert alert_text(context(CdfUnavailableError("503"), None)).startswith("hall-7/by-hand: ")


@pytest.mark.parametrize(("error", "told"), [(None, "killed"), (KeyError(), "KeyError")])
def test_an_error_without_words_is_told_too(error: BaseException | None, told: str) -> None:
    assert told in alert_text(context(error))


class Hook(BaseHTTPRequestHandler):
    """A webhook that remembers; answers with the status that its server was given."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.received, server.status = [], 200  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/secret-path"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW_CONN_CAPTURE360_ALERTS", json.dumps({"conn_type": "generic", "password": address}))
        yield server
        server.shutdown()
        thread.join()


def test_it_is_posted_where_the_connection_points(webhook: Any) -> None:
    CaptureAlert().notify(context(CaptureRejected("no column y")))
    (sent,) = webhook.received
    assert "no column y" in sent["text"]


def test_a_webhook_that_fails_is_told_without_its_address(webhook: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook.status = 500
    with caplog.at_level(logging.ERROR):
        CaptureAlert().notify(context(CaptureRejected("no column y")))
    assert "did not reach connection capture360_alerts" in caplog.text
    assert "secret-path" not in caplog.text


def test_without_the_connection_it_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        CaptureAlert().notify(context(CaptureRejected("no column y")))
    assert "no column y" in caplog.text
