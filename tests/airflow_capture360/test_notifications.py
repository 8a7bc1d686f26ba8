"""What an alert says, and where it goes."""

import json
import logging
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import alerts
from airflow_capture360.alerts import send_kept
from airflow_capture360.context import register_and_records
from airflow_capture360.notifications import CaptureAlert, alert_text
from capture360.errors import CaptureRejected, CdfUnavailableError
from capture360.records import Records
from record_files import document_paths


def context(error: BaseException | None, partition_key: str | None = "hall-7/walk-1") -> dict[str, Any]:
    """What Airflow hands a callback, as far as it is read."""
    return {
        "dag_run": SimpleNamespace(partition_key=partition_key, dag_id="captures_ingest", run_id="manual__1"),
        "ti": SimpleNamespace(task_id="validate", try_number=1, log_url="http://127.0.0.1:8080/log"),
        "params": {"capture": "hall-7/by-hand"},
        "exception": error,
    }


def test_it_says_what_broke_and_how_to_fix_it() -> None:
    text = alert_text(context(CaptureRejected("stations.csv has no column y.")))
    assert text.splitlines() == [
        "hall-7/walk-1: validate failed in captures_ingest, try 1.",
        "What broke: stations.csv has no column y.",
        "How to fix it: Fix the delivery as the validation report says and drop it again.",
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


@pytest.fixture
def records(landing: Path) -> Records:
    return register_and_records()[1]


def kept(records: Records) -> list[str]:
    return [path for path in document_paths(records.store, "sensing") if "/alerts/" in path]


def test_it_is_posted_where_the_connection_points(webhook: Any, records: Records) -> None:
    CaptureAlert().notify(context(CaptureRejected("no column y")))
    (sent,) = webhook.received
    assert "no column y" in sent["text"]
    assert kept(records) == []


def test_a_webhook_that_fails_is_named_without_its_address_and_asked_again(
    webhook: Any, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.status = 500
    with caplog.at_level(logging.WARNING):
        CaptureAlert().notify(context(CaptureRejected("no column y")))
        assert send_kept() == 0
    assert "connection capture360_alerts does not take it" in caplog.text
    assert "secret-path" not in caplog.text
    assert "secret-path" not in "".join(str(records.store.read(path)) for path in kept(records))
    webhook.status = 200
    assert send_kept() == 1
    assert "no column y" in webhook.received[-1]["text"]
    with pytest.raises(AirflowSkipException):
        send_kept()


def test_an_alert_survives_a_database_that_is_down(
    webhook: Any, records: Records, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    address = os.environ.pop("AIRFLOW_CONN_CAPTURE360_ALERTS")
    for number in range(3):
        CaptureAlert().notify(context(CaptureRejected(f"no column {number}")))
    assert "no column 0" in caplog.text
    assert len(kept(records)) == 3
    assert send_kept() == 0
    monkeypatch.setenv("AIRFLOW_CONN_CAPTURE360_ALERTS", address)
    assert send_kept() == 3
    assert [f"no column {number}" in sent["text"] for number, sent in enumerate(webhook.received)] == [True] * 3
    assert all(sent["text"].startswith("(Late, of ") for sent in webhook.received)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"at": 1, "connection": "c", "text": "t"}', b'{"at": "2026-01-01"}']
)
def test_a_damaged_kept_alert_stops_no_other(
    webhook: Any, records: Records, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.status = 500
    CaptureAlert().notify(context(CaptureRejected("no column y")))
    records.store.put("sensing/alerts/00000101T000000.000000-damaged.json", content)
    webhook.status = 200
    assert send_kept() == 1
    assert "no column y" in webhook.received[-1]["text"]
    assert kept(records) == []
    assert "00000101T000000.000000-damaged.json" in caplog.text


def test_nothing_grows_where_nobody_wants_alerts(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "MOST", 4)
    for number in range(8):
        CaptureAlert().notify(context(CaptureRejected(f"no column {number}")))
    assert len(kept(records)) == 4
    monkeypatch.setattr(alerts, "LONGEST", timedelta(0))
    assert send_kept() == 0
    assert kept(records) == []


def test_an_alert_that_cannot_be_kept_is_only_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CAPTURE360_CONFIG", "/nowhere/sites.yaml")
    CaptureAlert().notify(context(CaptureRejected("no column y")))
    assert "no column y" in caplog.text
    assert "neither sent nor kept" in caplog.text
