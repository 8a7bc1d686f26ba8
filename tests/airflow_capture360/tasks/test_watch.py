"""What captures_watch finds of Airflow and of connections, from a look to the message."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import airflow_rest, over, run_state
from airflow_capture360.airflow_rest import Reported, ask
from airflow_capture360.alerts import settle_and_send
from airflow_capture360.notifications import CaptureAlert
from airflow_capture360.tasks import watch
from alert_receiver import Receiver, context
from capture360.errors import AirflowUnavailableError, CdfError, CdfUnavailableError
from capture360.records import Records
from capture360.steps import watch_life


@dataclass
class Airflow:
    """What Airflow and CDF say."""

    missing: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=lambda: {"captures_backfill"})
    queued: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    reported: Reported = field(default_factory=lambda: Reported({}, {}))
    cdf: Exception | None = None


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch, records: Records) -> Airflow:
    says = Airflow()
    monkeypatch.setattr(run_state, "is_there", lambda dag: dag not in says.missing)
    monkeypatch.setattr(run_state, "is_paused", lambda dag: dag in says.paused)
    monkeypatch.setattr(run_state, "number_of_runs", lambda dag, state: getattr(says, state).get(dag, 0))
    monkeypatch.setattr(airflow_rest, "ask", lambda dags: says.reported)

    monkeypatch.setattr(over, "has_succeeded", lambda dag, run: False)

    def inspect(connection: Any) -> str:
        if says.cdf is not None:
            raise says.cdf
        return "well"

    monkeypatch.setattr("capture360.cdf.client.inspect", inspect)
    monkeypatch.setattr("airflow_capture360.hooks.CogniteCdfHook.connection", lambda self: None)
    return says


def look() -> None:
    watch.look()
    try:
        settle_and_send()
    except AirflowSkipException:
        return


CAUSES: dict[str, tuple[Callable[[Airflow], object], str]] = {
    "captures_sense: a DAG is paused": (
        lambda says: says.paused.add("captures_sense"),
        "Unpause captures_sense, or name it under watch.may_be_paused",
    ),
    "captures_review: a DAG is missing": (
        lambda says: says.missing.add("captures_review"),
        "See whether its file is in the DAGs folder",
    ),
    "captures_ingest: a DAG cannot be imported": (
        lambda says: setattr(says, "reported", Reported({}, {"captures_ingest": "SyntaxError: x"})),
        "captures_ingest.py has an import error: SyntaxError: x",
    ),
    "captures_reconcile: a DAG is missing": (
        lambda says: setattr(says, "reported", Reported({}, {}, ("captures_reconcile",))),
        "Airflow does not read a DAG captures_reconcile.",
    ),
    "captures_ingest: Airflow warns about a DAG": (
        lambda says: setattr(says, "reported", Reported({}, {}, (), {"captures_ingest": "no pool cdf_upload"})),
        "no pool cdf_upload",
    ),
    "Airflow: the DAG processor is not healthy": (
        lambda says: setattr(says, "reported", Reported({"dag_processor": "was last seen at noon"}, {})),
        "The DAG processor was last seen at noon.",
    ),
    "cognite_cdf_default: CDF refuses the connection": (
        lambda says: setattr(says, "cdf", CdfError("CDF refused: 401 Unauthorized")),
        "its secret may have expired",
    ),
    "cognite_cdf_default: Airflow does not find the connection": (
        lambda says: setattr(says, "cdf", AirflowUnavailableError("Airflow does not find the connection.")),
        "See whether Airflow's database and secrets backend are up",
    ),
    "cognite_cdf_default: the connection cannot be tried": (
        lambda says: setattr(says, "cdf", TypeError("a secret")),
        "cognite_cdf_default cannot be tried (TypeError).",
    ),
    "cognite_cdf_default: CDF does not answer": (
        lambda says: setattr(says, "cdf", CdfUnavailableError("CDF did not answer: 503")),
        "CDF did not answer: 503",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_is_one_message_and_one_when_it_is_over(airflow: Airflow, receiver: Receiver, cause: str) -> None:
    look()
    assert receiver.received == []
    produce, said = CAUSES[cause]
    produce(airflow)
    look()
    look()
    (text,) = receiver.texts
    assert text.startswith(cause)
    assert said in text
    airflow.missing.clear()
    airflow.paused.clear()
    airflow.reported, airflow.cdf = Reported({}, {}), None
    look()
    look()
    assert len(receiver.texts) == 2
    assert receiver.texts[1].startswith(f"Over: {cause}")


def test_runs_that_wait_while_none_runs_are_stuck(
    airflow: Airflow, receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow.queued["captures_ingest"] = 2
    airflow.running["captures_ingest"] = 4
    look()
    airflow.running.clear()
    look()
    assert receiver.received == []
    monkeypatch.setattr(watch_life, "LONGEST_BETWEEN", timedelta(days=1))
    watch_life.looked(records, datetime.now(UTC), {"captures_ingest": datetime.now(UTC) - timedelta(hours=1)})
    look()
    look()
    (text,) = receiver.texts
    assert text.startswith("captures_ingest: runs are stuck in the queue")
    airflow.queued.clear()
    look()
    assert receiver.texts[1].startswith("Over: captures_ingest: runs are stuck")


def test_cdf_down_is_one_message_whoever_notices_it(airflow: Airflow, receiver: Receiver) -> None:
    airflow.cdf = CdfUnavailableError("CDF did not answer: 503")
    look()
    for number in range(3):
        CaptureAlert().notify(context(airflow.cdf, f"hall-7/walk-{number}", run=f"run-{number}"))
    look()
    assert len(receiver.received) == 1


def test_another_dag_that_is_paused_later_is_another_message(airflow: Airflow, receiver: Receiver) -> None:
    airflow.paused.add("captures_sense")
    look()
    airflow.paused.add("captures_ingest")
    look()
    assert [text.partition("\n")[0] for text in receiver.texts] == [
        "captures_sense: a DAG is paused",
        "captures_ingest: a DAG is paused",
    ]


class _Rest(BaseHTTPRequestHandler):
    """Answers as Airflow's REST API does, by path."""

    answers: dict[str, Any]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/api/v2/")
        needs_login = not path.startswith("monitor")
        if needs_login and self.headers.get("authorization") != "Bearer t":
            self.answer(401, {})
        else:
            self.answer(200 if path in self.answers else 404, self.answers.get(path, {}))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        well = asked == {"username": "viewer", "password": "p"}
        self.answer(201 if well else 401, {"access_token": "t"} if well else {})

    def answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def rest(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], password: str | None) -> Iterator[None]:
    monkeypatch.setattr(_Rest, "answers", answers, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Rest) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", url)
        if password is not None:
            stored = {"conn_type": "generic", "host": url, "login": "viewer", "password": password}
            monkeypatch.setenv("AIRFLOW_CONN_CAPTURE360_AIRFLOW", json.dumps(stored))
        yield
        server.shutdown()
        thread.join()


HEALTH = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": "now"},
    "triggerer": {"status": "unhealthy", "latest_triggerer_heartbeat": "2026-12-01T06:44:25.865371+00:00"},
    "dag_processor": {"status": None, "latest_dag_processor_heartbeat": None},
}
ANSWERS = {
    "monitor/health": HEALTH,
    "importErrors": {
        "import_errors": [
            {"filename": "captures_ingest.py", "stack_trace": "Traceback\n  File\nSyntaxError: x\n"},
            {"filename": "theirs.py", "stack_trace": "y"},
        ]
    },
    "dagWarnings": {
        "dag_warnings": [
            {"dag_id": "captures_ingest", "message": "no pool"},
            {"dag_id": "theirs", "message": "no pool"},
        ]
    },
    "dags/captures_sense": {"is_stale": True},
    "dags/captures_ingest": {"is_stale": False},
}


def test_health_is_asked_without_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    with rest(monkeypatch, ANSWERS, None):
        assert ask(("captures_ingest",)) == Reported({"triggerer": "was last seen at 2026-12-01 06:44 UTC"}, {})


def test_a_viewer_learns_of_import_errors_stale_dags_and_missing_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    with rest(monkeypatch, ANSWERS, "p"):
        found = ask(("captures_ingest", "captures_sense", "captures_review"))
    assert found.import_errors == {"captures_ingest": "SyntaxError: x"}
    assert found.stale == ("captures_sense",)
    assert found.warnings == {"captures_ingest": "no pool"}


@pytest.mark.parametrize("document", [[], {"import_errors": [7]}, {"import_errors": None}, "x"])
def test_an_answer_of_another_form_stops_no_look(monkeypatch: pytest.MonkeyPatch, document: object) -> None:
    for path in ("monitor/health", "importErrors", "dagWarnings", "dags/captures_sense"):
        with rest(monkeypatch, {**ANSWERS, path: document}, "p"):
            ask(("captures_sense",))


def test_what_does_not_answer_is_logged_without_its_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with rest(monkeypatch, ANSWERS, "a-wrong-secret"):
        assert ask(("captures_ingest",)) == Reported({"triggerer": "was last seen at 2026-12-01 06:44 UTC"}, {})
    assert "REST API does not answer as expected (HTTPStatusError)" in caplog.text
    assert "a-wrong-secret" not in caplog.text


def test_a_monitor_is_answered_by_what_the_last_look_found(airflow: Airflow, records: Records) -> None:
    airflow.paused.add("captures_sense")
    watch.look()
    now = datetime.now(UTC)
    last = watch_life.last_look(records, now)
    assert last is not None
    assert [(each.kind, each.subject) for each in last.found] == [("a DAG is paused", "captures_sense")]
    airflow.paused.clear()
    watch.look()
    last = watch_life.last_look(records, now + timedelta(minutes=1))
    assert last is not None
    assert last.found == ()
