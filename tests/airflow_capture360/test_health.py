"""The address that a monitor asks, in Airflow's own web server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from airflow_capture360.web.app import app
from airflow_server import login
from capture360.records import Records
from capture360.steps.last_sensing import note_sensing
from capture360.steps.watch_life import Found, looked
from capture360.store import DocumentStore

PAGE = "/capture360/health"


@pytest.fixture
def records(landing: Path) -> Records:
    """The records after a scan."""
    records = Records(str(landing.parents[1] / "records"))
    note_sensing(records, datetime.now(UTC))
    return records


def test_a_monitor_logs_in(client: TestClient, records: Records) -> None:
    looked(records, datetime.now(UTC))
    for headers, status in (({}, 401), (login(client, None), 403), (login(client), 200)):
        answer = client.get(PAGE, headers=headers)
        assert answer.status_code == status
        assert ("looked_at" in answer.text) == (status == 200)
        assert client.head(PAGE, headers=headers).status_code == status


TOKEN = "0123456789abcdef" * 2


def test_a_monitor_without_a_login_has_a_token_for_the_health_alone(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked(records, datetime.now(UTC))
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert client.get(PAGE, headers=bearer).status_code == 403
    for useless in ("", TOKEN[1:]):
        monkeypatch.setenv("CAPTURE360_HEALTH_TOKEN", useless)
        assert client.get(PAGE, headers={"authorization": f"Bearer {useless}"}).status_code in {401, 403}
    assert caplog.messages.count("CAPTURE360_HEALTH_TOKEN is ignored: it has fewer than 32 characters.") == 1
    monkeypatch.setenv("CAPTURE360_HEALTH_TOKEN", TOKEN)
    answer = client.get(PAGE, headers=bearer)
    assert (answer.status_code, answer.json()["healthy"]) == (200, True)
    assert client.head(PAGE, headers=bearer).status_code == 200
    assert client.get(PAGE, headers=login(client)).status_code == 200, "a login still counts"
    for wrong in (
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer \xe4{TOKEN}".encode("latin-1"),
        f"Basic {TOKEN}",
    ):
        answer = client.get(PAGE, headers={b"authorization": wrong if isinstance(wrong, bytes) else wrong.encode()})
        assert answer.status_code in {401, 403}, wrong
        assert "looked_at" not in answer.text
    assert client.get(f"{PAGE}?token={TOKEN}").status_code == 401
    opened = [
        route.path
        for route in app.routes
        if isinstance(route, APIRoute) and "GET" in route.methods and route.path != "/health"
        if client.get(f"/capture360{route.path}", headers=bearer).status_code not in {401, 403}
    ]
    assert len(app.routes) > 5
    assert opened == []
    assert client.get("/api/v2/dags", headers=bearer).status_code == 403
    assert not [each for each in caplog.records if each.name != "httpx2" and TOKEN in each.getMessage()]


def test_what_is_wrong_is_503_with_its_causes(client: TestClient, records: Records) -> None:
    stuck = Found("runs are stuck", "captures_ingest", "Runs wait.", "See the workers.", "platform team")
    looked(records, datetime.now(UTC), found=[stuck])
    answer = client.get(PAGE, headers=login(client))
    assert answer.status_code == 503
    assert answer.headers["cache-control"] == "no-store"
    (cause,) = answer.json()["causes"]
    assert cause == {
        "kind": "runs are stuck",
        "subject": "captures_ingest",
        "what": "Runs wait.",
        "fix": "See the workers.",
        "who": "platform team",
    }


def test_it_costs_two_reads(client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    looked(records, datetime.now(UTC))
    calls: list[str] = []
    real = DocumentStore.read

    def read(self: DocumentStore, path: str) -> bytes | None:
        calls.append(path)
        return real(self, path)

    def refused(self: DocumentStore, *_: object) -> None:
        raise AssertionError("the records are listed")

    monkeypatch.setattr(DocumentStore, "read", read)
    monkeypatch.setattr(DocumentStore, "names", refused)
    assert client.get(PAGE, headers=login(client)).status_code == 200
    assert sorted(calls) == ["sensing/scanned.json", "sensing/watched.json"]


def test_a_register_or_store_that_does_not_answer_is_503(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: DocumentStore, path: str) -> bytes:
        raise TimeoutError("s3cret")

    with monkeypatch.context() as patch:
        patch.setattr(DocumentStore, "read", broken)
        answer = client.get(PAGE, headers=login(client))
    assert answer.status_code == 503
    assert "s3cret" not in answer.text
    monkeypatch.setenv("CAPTURE360_CONFIG", "/no/register.yaml")
    answer = client.get(PAGE, headers=login(client))
    assert answer.status_code == 503
    assert "The site register or a connection has an error." in answer.json()["causes"][0]["what"]
    assert "/no/register.yaml" not in answer.text
    monkeypatch.setenv("CAPTURE360_HEALTH_TOKEN", TOKEN)
    of_monitor = client.get(PAGE, headers={"authorization": f"Bearer {TOKEN}"})
    assert "/no/register.yaml is not there" in of_monitor.json()["causes"][0]["what"]
