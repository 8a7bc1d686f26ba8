"""The digest in a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.errors import ConfigError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360_cli.main import app


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    """Records of a capture that was accepted just now."""
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\n"
        f"sites: {{hall-7: {{space: captures, landing: {{url: {tmp_path / 'landing'}}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    found = Records(str(tmp_path / "records"))
    body = {"verdict": "partial", "headline": "", "accepted": 7, "quarantined": {"s-9": ["P03"]}, "findings": []}
    found.put(CaptureKey("hall-7", "walk-1"), "f1", "validate", body, run="test")
    return found


def test_it_is_lines_for_people_and_json_for_programs(records: Records) -> None:
    done = CliRunner().invoke(app, ["digest", "hall-7"])
    assert done.exit_code == 0, done.output
    assert "Came in: 1 (walk-1)." in done.stdout.splitlines()
    assert "Stations: 7 accepted, 1 held back." in done.stdout.splitlines()
    values = json.loads(CliRunner().invoke(app, ["digest", "hall-7", "--days", "1", "--json"]).stdout)
    assert (values["came_in"], values["waiting"]) == (["hall-7/walk-1"], {"hall-7/walk-1": "partial"})
    assert values["reasons"] == {"P03": 1}
    assert values["first"] == values["last"]


def test_damaged_records_are_said_and_end_in_1(records: Records, tmp_path: Path) -> None:
    (tmp_path / "records/hall-7/walk-1/f1/validate.json").write_text("{")
    done = CliRunner().invoke(app, ["digest", "hall-7"])
    assert done.exit_code == 1
    assert "Records that cannot be read: 1 (walk-1)." in done.stdout


def test_an_unknown_site_is_named(records: Records) -> None:
    done = CliRunner().invoke(app, ["digest", "hall-8"])
    assert isinstance(done.exception, ConfigError)
    assert 'site "hall-8" is not in the register' in str(done.exception)
