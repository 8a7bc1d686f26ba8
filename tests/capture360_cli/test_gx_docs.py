"""Great Expectations' pages by the command."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from capture360.checks.suites import run_suite
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps.validation_record import SUITES
from capture360_cli.main import app


def test_the_pages_are_written_where_they_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\nsites: {{hall-7: {{space: s, landing: {{url: {tmp_path / 'landing'}}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"station_id": pd.array(["a", "/"], dtype="str")})
    document = run_suite(frame, "stations", {}).document
    Records(str(tmp_path / "records")).put(
        CaptureKey("hall-7", "walk-1"), "f1", SUITES, {"results": [document]}, run="test"
    )
    done = CliRunner().invoke(app, ["gx-docs", "hall-7"])
    assert done.exit_code == 0, done.output
    assert "gx-docs/hall-7/index.html: 1 delivery." in done.stdout
    assert "walk-1" in (tmp_path / "gx-docs/hall-7/index.html").read_text()
    assert CliRunner().invoke(app, ["gx-docs", "hall-7", "--out", "elsewhere"]).exit_code == 0
    assert (tmp_path / "elsewhere/index.html").exists()
    (tmp_path / "records/hall-7/walk-1/f1" / f"{SUITES}.json").write_text("{")
    damaged = CliRunner().invoke(app, ["gx-docs", "hall-7"])
    assert damaged.exit_code == 1
