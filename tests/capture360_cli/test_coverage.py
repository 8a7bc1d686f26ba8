"""`capture360 coverage`: which assets a site's captures have seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from capture360.errors import RequestError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360_cli.main import app

SEEN = {
    "walk-1": {"captured_on": "2026-01-05", "linked": ["1", "2"], "asked": ["3"]},
    "walk-2": {"captured_on": "2026-03-01", "linked": ["3"], "asked": []},
}


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    site = {"space": "captures", "landing": {"url": str(tmp_path / "landing")},
            "links": {"critical_assets": str(tmp_path / "critical.csv")}}  # fmt: skip
    register = {"records": str(tmp_path / "records"), "sites": {"hall-7": site, "hall-8": site}}
    (tmp_path / "sites.yaml").write_text(yaml.safe_dump(register))
    (tmp_path / "critical.csv").write_text("P-1\nP-4\n")
    monkeypatch.setenv("CAPTURE360_CONFIG", str(tmp_path / "sites.yaml"))
    found = Records(str(tmp_path / "records"))
    assets = [{"ref": str(number), "name": f"P-{number}", "tags": [f"P-{number}"]} for number in range(1, 5)]
    found.put_asset_list("hall-7", {"digest": "x", "pages": ["https://cdf", "p", ""], "assets": assets})
    for capture, note in SEEN.items():
        found.put_note(CaptureKey("hall-7", capture), "coverage", {**note, "assets": 4, "critical": None})
    return found


def coverage(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["coverage", *arguments])


def test_the_table_has_a_row_a_capture_and_the_sum(records: Records) -> None:
    done = coverage("hall-7")
    assert done.exit_code == 0, done.output
    _, first, second, total, critical, left = done.stdout.splitlines()
    assert first.split() == ["2026-01-05", "walk-1", "2", "1", "75.0", "%", "2", "1", "75.0", "%", "1", "1"]
    assert second.split() == ["2026-03-01", "walk-2", "1", "0", "25.0", "%", "3", "1", "75.0", "%", "0", "1"]
    assert total == "3 of 4 assets of the site are linked (75.0 %), 0 are asked about, 1 were never seen"
    assert critical.startswith("1 of 2 critical assets are linked (50.0 %)")
    assert left == "Critical and never seen: P-4"


def test_json_has_the_numbers_and_the_names(records: Records) -> None:
    found = json.loads(coverage("hall-7", "--json").stdout)
    assert (found["total"]["linked"], found["total"]["share_seen"], found["never_seen"]) == (3, 0.75, ["P-4"])
    assert found["captures"][1]["so_far"]["linked"] == 3
    assert found["captures"][1]["critical_so_far"]["never_seen"] == 1
    assert found["critical_never_seen"] == ["P-4"]


def test_a_wrong_list_is_said_and_the_rest_is_counted(records: Records, tmp_path: Path) -> None:
    (tmp_path / "critical.csv").write_text("P-1,P-4\n")
    done = coverage("hall-7")
    assert done.exit_code == 1
    assert "3 of 4 assets" in done.stdout
    assert "Keep one column" in done.stderr


def test_a_site_without_any_or_not_in_the_register_is_refused(records: Records) -> None:
    assert isinstance(coverage("hall-8").exception, RequestError)
    assert isinstance(coverage("hall-9").exception, RequestError)
