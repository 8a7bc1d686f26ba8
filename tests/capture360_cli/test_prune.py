"""Old reports and texts by the command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.model import CaptureKey
from capture360.records import Records
from capture360_cli.main import app


def test_files_are_counted_first_and_removed_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\nsites: {{hall-7: {{space: s, landing: {{url: {tmp_path / 'landing'}}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    records = Records(str(tmp_path / "records"))
    for fingerprint in ("f1", "f2"):
        body = {"path": "x", "files": 1, "bytes": 1, "announced": "2025-01-01T00:00:00+00:00"}
        records.put(CaptureKey("hall-7", "walk-1"), fingerprint, "sense", body, run="test")
    report = Path(records.put_report(CaptureKey("hall-7", "walk-1"), "f1", "validation.html", "<p>"))
    text = tmp_path / "records/ocr-cache/aa/text.json"
    text.parent.mkdir(parents=True)
    text.touch()
    for each in (report, text):
        os.utime(each, (0, 0))
    counted = CliRunner().invoke(app, ["prune", "hall-7"])
    assert counted.exit_code == 0, counted.output
    assert counted.stdout == "1 report and 0 texts of faces older than 180 days: add --yes to remove them.\n"
    assert report.exists()
    done = CliRunner().invoke(app, ["prune", "hall-7", "--days", "1", "--yes"])
    assert (done.exit_code, done.stdout) == (0, "1 report and 0 texts of faces older than 1 day removed.\n")
    assert (report.exists(), text.exists()) == (False, True)
    done = CliRunner().invoke(app, ["prune", "--yes"])
    assert (done.exit_code, done.stdout) == (0, "0 reports and 1 text of faces older than 180 days removed.\n")
    assert not text.exists()
    assert len(records.fingerprints(CaptureKey("hall-7", "walk-1"))) == 2


def test_a_site_that_is_not_known_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\nsites: {{hall-7: {{space: s, landing: {{url: {tmp_path / 'landing'}}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    refused = CliRunner().invoke(app, ["prune", "hall-8"])
    assert refused.exit_code == 1
    assert 'no site "hall-8"' in str(refused.exception)
