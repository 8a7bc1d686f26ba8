"""The Airflow home first, the landing zone of a register, Airflow's web server, and a receiver of alerts."""

import airflow_home  # noqa: F401 - sets the environment before Airflow is imported

# isort: split
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from airflow_server import web_server
from alert_receiver import Receiver, receiving
from capture360.records import Records


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The landing folder of site hall-7, named by a register that CAPTURE360_CONFIG points at."""
    folder = tmp_path / "landing" / "hall-7"
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\n"
        f"sites: {{hall-7: {{space: captures, landing: {{url: {folder}, quiet_period: PT0.2S}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    return folder


@pytest.fixture
def records(landing: Path) -> Records:
    """The records that the register names."""
    return Records(str(landing.parents[1] / "records"))


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A client of Airflow's web server, which nobody is logged in to."""
    with web_server() as started:
        yield started


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Where alerts go."""
    with receiving() as server:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        address = f"http://127.0.0.1:{server.server_port}/alerts"
        monkeypatch.setenv("AIRFLOW_CONN_CAPTURE360_ALERTS", json.dumps({"conn_type": "generic", "password": address}))
        yield server
