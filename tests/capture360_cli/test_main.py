"""The entry point: what the machine refuses is one sentence too, and exit code 1."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.errors import RequestError
from capture360.model import CaptureKey
from capture360_cli.main import app, run
from captures import write_cubemap


def told_by(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr("sys.argv", ["capture360", *arguments])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 1
    return capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drop = write_cubemap(tmp_path / "hall-7", CaptureKey("hall-7", "may"))
    told = told_by(monkeypatch, capsys, "check", str(drop.folder), "--report", str(tmp_path))
    *_, message, remedy = told.splitlines()
    assert message == f"capture360: {tmp_path} cannot be used: Is a directory."
    assert remedy.startswith("How to fix it: Name another path")


def test_a_path_through_a_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    drop = write_cubemap(tmp_path / "hall-7", CaptureKey("hall-7", "may"))
    report = tmp_path / "file" / "report" / "report.html"
    told = told_by(monkeypatch, capsys, "check", str(drop.folder), "--report", str(report))
    assert told.splitlines()[-2].endswith("cannot be used: Not a directory.")


def test_a_store_of_an_unknown_kind_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = told_by(monkeypatch, capsys, "check", "foo://bucket/hall-7/may")
    assert told.startswith("capture360: foo://bucket/hall-7/may cannot be opened, since its URL scheme is not")


def test_a_store_without_credentials_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    told = told_by(monkeypatch, capsys, "check", "s3://bucket/hall-7/may")
    where, problem, remedy = told.partition(" cannot be listed (NoCredentialsError: Unable to locate credentials).")
    assert (where, problem != "") == ("capture360: s3://bucket/hall-7/may", True)
    assert remedy.startswith("\nHow to fix it: See whether the store answers")


def test_help_shows_what_stands_in_angle_brackets() -> None:
    shown = CliRunner().invoke(app, ["remove-from-scene", "-h"])
    assert shown.exit_code == 0
    assert "<site>/<capture>" in shown.stdout


def test_the_version_is_that_of_the_installed_package() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.stdout) == (0, f"capture360 {version('capture360')}\n")


def test_an_error_says_how_to_fix_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    message, remedy = told_by(monkeypatch, capsys, "check", "/no/such/hall-7/may").splitlines()
    assert message.startswith("capture360: /no/such/hall-7/may is not there")
    assert remedy == f"How to fix it: {RequestError.remedy}"
