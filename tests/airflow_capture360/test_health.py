"""The address that a monitor asks, in Airflow's own web server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from airflow_server import login, web_server
from capture360.records import Records
from capture360.steps.turns import Turn, keep_turn
from capture360.steps.watch_life import Found, looked
from capture360.store import DocumentStore

PAGE = "/capture360/health"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with web_server() as started:
        yield started


@pytest.fixture
def records(landing: Path) -> Records:
    """The records after a scan."""
    records = Records(str(landing.parents[1] / "records"))
    keep_turn(records, "hall-7", Turn(datetime.now(UTC), ""))
    return records


def test_a_monitor_logs_in(client: TestClient, records: Records) -> None:
    looked(records, datetime.now(UTC))
    for headers, status in (({}, 401), (login(client, None), 403), (login(client), 200)):
        answer = client.get(PAGE, headers=headers)
        assert answer.status_code == status
        assert ("looked_at" in answer.text) == (status == 200)
        assert client.head(PAGE, headers=headers).status_code == status


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


def test_it_costs_one_read_and_one_a_site(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert sorted(calls) == ["sensing/turns/hall-7.json", "sensing/watched.json"]


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
    assert "/no/register.yaml is not there" in answer.json()["causes"][0]["what"]
