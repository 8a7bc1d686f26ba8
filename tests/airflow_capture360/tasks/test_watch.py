"""What captures_watch finds of Airflow and of connections, from a look to the message."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from airflow.sdk.exceptions import AirflowSecretsBackendAccessDenied, AirflowSkipException

from airflow_capture360 import airflow_rest, over, run_state
from airflow_capture360.airflow_rest import OF_A_VIEWER, DagWarning, Part, Reported, Unread, ask
from airflow_capture360.alerts import settle_and_send
from airflow_capture360.notifications import CaptureAlert
from airflow_capture360.tasks import watch, watch_connections
from alert_receiver import Receiver, context
from capture360.errors import AirflowUnavailableError, CdfError, CdfUnavailableError, ConfigError
from capture360.records import Records
from capture360.steps import watch_life
from capture360.steps.watcher import Mark, put_mark
from record_files import document_paths


@dataclass
class Airflow:
    """What Airflow and CDF say."""

    missing: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=lambda: {"captures_backfill"})
    queued: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    reported: Reported = field(default_factory=Reported)
    cdf: Exception | None = None
    expires: date | None = None


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch, records: Records) -> Airflow:
    says = Airflow()

    def is_paused(dag: str) -> bool:
        if dag in says.missing:
            raise AirflowUnavailableError(f"Airflow does not say whether {dag} is paused.")
        return dag in says.paused

    monkeypatch.setattr(run_state, "is_there", lambda dag: dag not in says.missing)
    monkeypatch.setattr(run_state, "is_paused", is_paused)
    monkeypatch.setattr(run_state, "number_of_runs", lambda dag, state: getattr(says, state).get(dag, 0))
    monkeypatch.setattr(run_state, "are_queued", lambda dag: bool(says.queued.get(dag)))
    monkeypatch.setattr(airflow_rest, "ask", lambda dags: says.reported)

    monkeypatch.setattr(over, "has_succeeded", lambda dag, run: False)

    def inspect(connection: Any) -> str:
        if says.cdf is not None:
            raise says.cdf
        return "well"

    monkeypatch.setattr("capture360.cdf.capabilities.inspect", inspect)

    def connection(_: object) -> SimpleNamespace:
        return SimpleNamespace(expires=says.expires)

    monkeypatch.setattr("airflow_capture360.hooks.CogniteCdfHook.connection", connection)
    return says


def warn(says: Airflow, warning: DagWarning) -> None:
    says.reported = Reported(warnings=[warning])


def refused(why: str) -> dict[Part, Unread]:
    return dict.fromkeys(OF_A_VIEWER, Unread(why, refused=True))


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
    "captures_sense: a DAG is missing": (
        lambda says: says.missing.add("captures_sense"),
        "See whether its file is in the DAGs folder",
    ),
    "captures_review: a DAG is missing": (
        lambda says: says.missing.add("captures_review"),
        "See whether its file is in the DAGs folder",
    ),
    "captures_ingest: a DAG cannot be imported": (
        lambda says: setattr(says, "reported", Reported(import_errors={"captures_ingest": "SyntaxError: x"})),
        "captures_ingest.py has an import error: SyntaxError: x",
    ),
    "captures_reconcile: a DAG is missing": (
        lambda says: setattr(says, "reported", Reported(stale=("captures_reconcile",))),
        "Airflow does not read a DAG captures_reconcile.",
    ),
    "captures_ingest: a pool is missing": (
        lambda says: warn(says, DagWarning("captures_ingest", "non-existent pool", "no pool cdf_upload")),
        "no pool cdf_upload",
    ),
    "captures_ingest: Airflow warns about a DAG": (
        lambda says: warn(says, DagWarning("captures_ingest", "runtime varying value", "now() in it")),
        "runtime varying value: now() in it",
    ),
    "capture360_airflow: Airflow refuses the connection": (
        lambda says: setattr(says, "reported", Reported(unread=refused("Airflow's REST API answers 401."))),
        "Airflow's REST API answers 401. Not seen: import errors, missing DAGs, warnings.",
    ),
    "Airflow: the DAG processor is not healthy": (
        lambda says: setattr(says, "reported", Reported({"dag_processor": "was last seen at noon"})),
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
    "cognite_cdf_default: the connection cannot be tried ": (
        lambda says: setattr(says, "cdf", ConfigError("expires must be a date")),
        "expires must be a date",
    ),
    "cognite_cdf_default: a connection is about to expire": (
        lambda says: setattr(says, "expires", datetime.now(UTC).date() + timedelta(days=13)),
        "put it into cognite_cdf_default with the day on which that one expires",
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
    assert text.startswith(cause.rstrip())
    assert said in text
    assert not re.search("clear the failed task|Test button|config/pools.json", text), "nothing of it may be there"
    airflow.missing.clear()
    airflow.paused.clear()
    airflow.reported, airflow.cdf, airflow.expires = Reported(), None, None
    look()
    look()
    assert len(receiver.texts) == 2
    assert receiver.texts[1].startswith(f"Over: {cause.rstrip()}")


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
    watch_life.looked(records, datetime.now(UTC))
    look()
    assert len(receiver.texts) == 1, "after a gap between looks it is unknown since when they wait"
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


def test_a_connection_that_expires_later_or_never_is_well(airflow: Airflow, receiver: Receiver) -> None:
    airflow.expires = datetime.now(UTC).date() + timedelta(days=16)
    look()
    assert receiver.received == []


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
        asked = urlsplit(self.path)
        path = asked.path.removeprefix("/api/v2/")
        needs_login = not path.startswith("monitor")
        if needs_login and self.headers.get("authorization") != "Bearer t":
            self.answer(401, {})
        elif isinstance(self.answers.get(path), int):
            self.answer(self.answers[path], {})
        else:
            document = self.answers.get(path, {})
            offset = int(parse_qs(asked.query).get("offset", ["0"])[0])
            self.answer(200 if path in self.answers else 404, _page(document, offset))

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


def _page(document: Any, offset: int) -> Any:
    """At most two entries of a list, whatever was asked for, and how many there are: Airflow limits pages itself."""
    for name, entries in document.items() if isinstance(document, dict) else ():
        if isinstance(entries, list):
            return {name: entries[offset : offset + 2], "total_entries": len(entries)}
    return document


@contextmanager
def rest(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], password: str | None) -> Iterator[None]:
    monkeypatch.setattr(_Rest, "answers", answers, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Rest) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
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
            {"filename": "theirs.py", "stack_trace": "y"},
            {"filename": "theirs_too.py", "stack_trace": "y"},
            {"filename": "captures_ingest.py", "stack_trace": "Traceback\n  File\nSyntaxError: x\n"},
        ]
    },
    "dagWarnings": {
        "dag_warnings": [
            {"dag_id": "theirs", "warning_type": "non-existent pool", "message": "no pool"},
            {"dag_id": "captures_ingest", "warning_type": "asset conflict", "message": "two"},
            {"dag_id": "captures_ingest", "warning_type": "non-existent pool", "message": "no pool"},
        ]
    },
    "dags/captures_sense": {"is_stale": True},
    "dags/captures_ingest": {"is_stale": False},
}


def test_health_is_asked_without_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    with rest(monkeypatch, ANSWERS, None):
        found = ask(("captures_ingest",))
    assert found == Reported({"triggerer": "was last seen at 2026-12-01 06:44 UTC"}, url=found.url)


def test_a_viewer_learns_of_import_errors_stale_dags_and_missing_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    with rest(monkeypatch, ANSWERS, "p"):
        found = ask(("captures_ingest", "captures_sense", "captures_review"))
    assert found.import_errors == {"captures_ingest": "SyntaxError: x"}
    assert found.stale == ("captures_sense",)
    assert found.warnings == [
        DagWarning("captures_ingest", "asset conflict", "two"),
        DagWarning("captures_ingest", "non-existent pool", "no pool"),
    ]
    assert (found.unread, found.is_viewer) == ({}, True)


@pytest.mark.parametrize("document", [[], {"import_errors": [7]}, {"import_errors": None}, "x"])
def test_an_answer_of_another_form_stops_no_look(monkeypatch: pytest.MonkeyPatch, document: object) -> None:
    parts = {
        "monitor/health": "health",
        "importErrors": "import errors",
        "dagWarnings": "warnings",
        "dags/captures_sense": "missing DAGs",
    }
    for path, part in parts.items():
        with rest(monkeypatch, {**ANSWERS, path: document}, "p"):
            found = ask(("captures_sense",))
        assert set(found.unread) == {part}
        assert bool(found.unhealthy) == (part != "health")
        assert found.stale == (() if part == "missing DAGs" else ("captures_sense",))


def test_what_does_not_answer_is_logged_without_its_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with rest(monkeypatch, ANSWERS, "a-wrong-secret"):
        found = ask(("captures_ingest",))
    assert found.unhealthy == {"triggerer": "was last seen at 2026-12-01 06:44 UTC"}
    assert found.unread == refused("Airflow's REST API answers 401 to POST /auth/token.")
    assert "REST API answers 401" in caplog.text
    assert "a-wrong-secret" not in caplog.text


def test_a_part_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with rest(monkeypatch, {**ANSWERS, "importErrors": 503, "dagWarnings": 403, "monitor/health": 404}, "p"):
        found = ask(("captures_ingest", "captures_sense"))
    assert found.stale == ("captures_sense",)
    assert found.unread == {
        "health": Unread("Airflow's REST API answers 404 to GET /api/v2/monitor/health."),
        "import errors": Unread("Airflow's REST API answers 503 to GET /api/v2/importErrors."),
        "warnings": Unread("Airflow's REST API answers 403 to GET /api/v2/dagWarnings.", refused=True),
    }


def test_a_connection_that_may_not_be_read_is_no_end_of_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(name: str) -> None:
        raise AirflowSecretsBackendAccessDenied("denied")

    with rest(monkeypatch, ANSWERS, None):
        monkeypatch.setattr("airflow_capture360.airflow_rest.BaseHook.get_connection", denied)
        found = ask(("captures_ingest",))
    assert (found.unread, found.unhealthy.keys()) == (
        refused("Airflow does not let capture360 read it."),
        {"triggerer"},
    )


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "https://airflow.example.com/base"}, "https://airflow.example.com/base"),
        ({"host": "airflow.example.com", "schema": "https", "port": 8443}, "https://airflow.example.com:8443"),
        ({"host": "airflow.example.com/base", "schema": "http", "port": 80}, "http://airflow.example.com/base"),
        ({"host": "airflow", "conn_type": "http", "port": 8080}, "http://airflow:8080"),
        ({"host": "airflow.example.com"}, "https://airflow.example.com"),
        ({}, "http://base"),
    ],
)
def test_the_address_is_that_of_the_fields(monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], url: str) -> None:
    def refused_at_once(self: object, *_: object, **__: object) -> None:
        raise httpx.ConnectError("")

    monkeypatch.setattr(httpx.Client, "request", refused_at_once)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://base")
    monkeypatch.setenv("AIRFLOW_CONN_CAPTURE360_AIRFLOW", json.dumps({"conn_type": "generic", **fields}))
    found = ask(())
    assert (found.url, found.is_viewer, len(found.unread)) == (url, True, 4)
    assert set(found.unread.values()) == {Unread("Airflow's REST API does not answer as expected (ConnectError).")}


def test_what_airflow_does_not_say_is_not_over(airflow: Airflow, receiver: Receiver) -> None:
    airflow.reported = Reported(
        {"triggerer": "does not answer"},
        {"captures_ingest": "SyntaxError: x"},
        ("captures_sense",),
        [DagWarning("captures_review", "non-existent pool", "no pool")],
    )
    look()
    assert len(receiver.received) == 4
    airflow.reported = Reported(unread={"health": Unread("x"), **refused("x")})
    look()
    airflow.reported = Reported(unread=dict.fromkeys(("health", *OF_A_VIEWER), Unread("it hangs")))
    look()
    assert len(receiver.received) == 5
    assert receiver.texts[4].startswith("capture360_airflow: Airflow refuses the connection")
    airflow.reported = Reported(is_viewer=True)
    look()
    assert len(receiver.received) == 10


def test_a_connection_that_vanishes_for_a_while_ends_nothing(
    airflow: Airflow, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow.reported = Reported(import_errors={"captures_ingest": "SyntaxError: x"}, is_viewer=True)
    look()
    airflow.reported = Reported()
    look()
    assert len(receiver.received) == 1
    monkeypatch.setattr(watch, "VIEWER_KEPT", timedelta(0))
    airflow.cdf = AirflowUnavailableError("Airflow does not find the connection.")
    look()
    assert len(receiver.received) == 2, "the secrets backend may be down"
    airflow.cdf = None
    look()
    assert sorted(text.startswith("Over: ") for text in receiver.texts) == [False, False, True, True]


def test_a_rest_api_that_does_not_answer_for_long_is_a_finding(
    airflow: Airflow, receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = dict.fromkeys(OF_A_VIEWER, Unread("Airflow's REST API does not answer as expected (ConnectError)."))
    airflow.reported = Reported(unread=hangs, is_viewer=True, url="https://airflow.example.com")
    look()
    look()
    last = watch_life.last_look(records, datetime.now(UTC))
    assert receiver.received == []
    assert last is not None
    monkeypatch.setattr(watch_life, "LONGEST_BETWEEN", timedelta(days=1))
    long_ago = {part: since - timedelta(minutes=31) for part, since in last.unread.items() if part in OF_A_VIEWER}
    watch_life.looked(records, datetime.now(UTC), unread=long_ago)
    look()
    (text,) = receiver.texts
    assert text.startswith("Airflow: Airflow's REST API does not answer")
    assert "(ConnectError). Not seen since 20" in text
    assert "import errors, missing DAGs, warnings." in text
    assert "See whether workers reach https://airflow.example.com" in text
    airflow.reported = Reported(unread={"health": Unread("x")}, is_viewer=True)
    look()
    assert len(receiver.received) == 1, "a part is unread still"
    airflow.reported = Reported(is_viewer=True)
    look()
    assert receiver.texts[1].startswith("Over: Airflow: Airflow's REST API does not answer")


@pytest.mark.parametrize("trouble", ["", "the store is away"])
def test_a_watcher_that_is_silent_or_in_trouble_is_a_finding(
    airflow: Airflow, receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def passes(minutes: int) -> None:
        last = watch_life.last_look(records, datetime.now(UTC))
        assert last is not None
        unread = {part: since - timedelta(minutes=minutes) for part, since in last.unread.items()}
        watch_life.looked(records, datetime.now(UTC), unread=unread)

    put_mark(records, Mark(datetime.now(UTC) - timedelta(minutes=0 if trouble else 10), trouble))
    airflow.paused.add("captures_sense")
    look()
    passes(60)
    airflow.paused.remove("captures_sense")
    look()
    receiver.received.clear()
    passes(19)
    look()
    assert receiver.received == [], "it had no time to begin"
    passes(2)
    look()
    (text,) = receiver.texts
    assert text.startswith("captures_sense: nothing watches the landing zones")
    assert (trouble or "gives no sign of life since 20") in text
    airflow.paused.add("captures_sense")
    look()
    assert not any("nothing watches" in each and "Over" in each for each in receiver.texts), "pausing heals nothing"
    airflow.paused.remove("captures_sense")
    put_mark(records, Mark(datetime.now(UTC)))
    look()
    assert any(each.startswith("Over: captures_sense: nothing watches the landing zones") for each in receiver.texts)


SECRET_EXPIRED = CdfError("CDF refused: 401 Unauthorized")
UNDECIDED: list[Exception] = [
    CdfUnavailableError("CDF did not answer: 503"),
    AirflowUnavailableError("Airflow does not find the connection."),
    TypeError("a secret"),
]


@pytest.mark.parametrize("then", UNDECIDED, ids=lambda each: type(each).__name__)
def test_a_connection_that_is_refused_stays_so_until_cdf_takes_it(
    airflow: Airflow, receiver: Receiver, records: Records, then: Exception
) -> None:
    for airflow.cdf in (SECRET_EXPIRED, then):
        look()
        last = watch_life.last_look(records, datetime.now(UTC))
        assert last is not None
        assert "CDF refuses the connection" in {each.kind for each in last.found}
    assert not any(text.startswith("Over: cognite_cdf_default: CDF refuses") for text in receiver.texts)
    airflow.cdf = None
    look()
    assert sum(text.startswith("Over: cognite_cdf_default: CDF refuses") for text in receiver.texts) == 1


def test_a_connection_that_cannot_be_read_is_about_to_expire_still(
    airflow: Airflow, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blip(self: object) -> None:
        raise RuntimeError

    airflow.expires = datetime.now(UTC).date()
    look()
    with monkeypatch.context() as patch:
        patch.setattr("airflow_capture360.hooks.CogniteCdfHook.connection", blip)
        look()
    assert not any(text.startswith("Over:") for text in receiver.texts)


def test_a_connection_whose_only_site_is_in_error_is_not_over(
    airflow: Airflow, receiver: Receiver, landing: Path
) -> None:
    register = landing.parents[1] / "sites.yaml"
    well = register.read_text()
    airflow.cdf = SECRET_EXPIRED
    look()
    register.write_text(well.replace("space: captures", "spice: captures"))
    look()
    assert not any(text.startswith("Over:") for text in receiver.texts)
    register.write_text(well.replace("hall-7: {", "hall-7: {connection: other, "))
    airflow.cdf = None
    look()
    assert any(text.startswith("Over: cognite_cdf_default: CDF refuses") for text in receiver.texts)


def test_texts_of_others_are_kept_without_secrets_on_one_line(
    airflow: Airflow, receiver: Receiver, records: Records
) -> None:
    secret = "could not connect to postgresql://u:s3cret@db/x\x1b[31m"
    airflow.reported = Reported(
        import_errors={"captures_ingest": secret}, warnings=[DagWarning("captures_ingest", "asset conflict", secret)]
    )
    look()
    kept = [records.store.read(path) or b"" for path in document_paths(records.store, "sensing")]
    assert "could not connect" in receiver.texts[0]
    assert not any(b"s3cret" in each or b"\\u001b" in each for each in kept)
    assert not any("s3cret" in text for text in receiver.texts)


def test_runs_of_a_paused_dag_do_not_wait_yet(airflow: Airflow, receiver: Receiver, records: Records) -> None:
    airflow.queued["captures_ingest"] = 2
    airflow.paused.add("captures_ingest")
    watch.look()
    last = watch_life.last_look(records, datetime.now(UTC))
    assert last is not None
    assert last.queued == {}


def test_a_cdf_that_hangs_is_a_finding_beside_all_others(
    airflow: Airflow, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr("capture360.cdf.capabilities.inspect", lambda connection: released.wait(60))
    monkeypatch.setattr(watch_connections, "LONGEST_TRY_S", 0.05)
    airflow.paused.add("captures_sense")
    look()
    released.set()
    assert sorted(text.partition("\n")[0] for text in receiver.texts) == [
        "captures_sense: a DAG is paused",
        "cognite_cdf_default: CDF does not answer",
    ]


@pytest.fixture
def at_once(landing: Path) -> None:
    """The register allows no time for an alert to arrive."""
    register = landing.parents[1] / "sites.yaml"
    register.write_text(f"defaults: {{watch: {{delivered_within: PT0.001S}}}}\n{register.read_text()}")


def test_alerts_that_do_not_arrive_are_found_until_they_have(
    airflow: Airflow, receiver: Receiver, records: Records, at_once: None
) -> None:

    def found() -> list[str]:
        last = watch_life.last_look(records, datetime.now(UTC))
        assert last is not None
        return [each.what for each in last.found if each.kind == "alerts do not arrive"]

    receiver.status = 404
    airflow.paused.add("captures_sense")
    look()
    assert found() == [], "it was not tried before the look"
    look()
    (what,) = found()
    assert re.fullmatch(r"1 alert of [-0-9 :+]+ and later did not arrive: .* \(address 1: HTTPStatusError\)\.", what)
    airflow.paused.clear()
    look()
    assert found(), "its own alert has not arrived either"
    receiver.status = 200
    receiver.received.clear()
    look()
    assert any("alert-test" in text for text in receiver.texts)
    look()
    look()
    assert found() == []
    assert receiver.texts[-1].startswith("Over: capture360_alerts: alerts do not arrive")


def test_without_a_connection_nobody_wants_alerts(airflow: Airflow, records: Records, at_once: None) -> None:
    airflow.paused.add("captures_sense")
    look()
    look()
    last = watch_life.last_look(records, datetime.now(UTC))
    assert last is not None
    assert [each.kind for each in last.found] == ["a DAG is paused"]


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
