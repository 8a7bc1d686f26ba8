"""The captures in a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.model import CaptureKey
from capture360.records import Records
from capture360_cli.main import app


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    """Records of three captures, one of them rejected."""
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\nsites:\n"
        f"  hall-7: {{space: captures, landing: {{url: {tmp_path / 'landing/hall-7'}}}}}\n"
        f"  hall-8: {{space: captures, landing: {{url: {tmp_path / 'landing/hall-8'}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    found = Records(str(tmp_path / "records"))
    for name, verdict in (("hall-7/walk-1", "accepted"), ("hall-7/walk-2", "rejected"), ("hall-8/walk-1", "partial")):
        body = {"verdict": verdict, "headline": "", "accepted": 7, "quarantined": {"s-9": ["P03"]},
                "captured_on": "2026-03-04", "findings": []}  # fmt: skip
        found.put(CaptureKey.parse(name), "f1", "validate", body, run="test")
    plates = {"linked": 31, "asked": 12, "missed": 5}
    found.put(CaptureKey.parse("hall-7/walk-1"), "f1", "annotate", {"plates": plates}, run="test")
    answer = {"by": "Ada", "plates": {"linked": 43, "asked": 0, "missed": 5}}
    found.put(CaptureKey.parse("hall-7/walk-1"), "f1", "reviewed", answer, run="test")
    return found


def test_the_table_lists_all_captures_with_their_numbers(records: Records) -> None:
    done = CliRunner().invoke(app, ["captures"])
    assert done.exit_code == 0, done.output
    head, *rows = [line.split() for line in done.stdout.splitlines()]
    assert head[:4] == ["capture", "captured", "stage", "verdict"]
    assert [row[0] for row in rows] == ["hall-7/walk-1", "hall-7/walk-2", "hall-8/walk-1"]
    assert rows[0][-6:] == ["7", "1", "43", "0", "5", "-"]
    assert rows[1][3:] == ["rejected", "7", "1", "-", "-", "-", "-"]


def test_a_part_of_the_name_chooses_and_json_is_for_programs(records: Records) -> None:
    done = CliRunner().invoke(app, ["captures", "HALL-8", "--json"])
    (row,) = map(json.loads, done.stdout.splitlines())
    assert (row["capture"], row["verdict"], row["linked"]) == ("hall-8/walk-1", "partial", None)
    assert "No capture has" in CliRunner().invoke(app, ["captures", "nowhere"]).stdout


def test_a_delivery_that_is_not_complete_says_what_it_waits_for(records: Records) -> None:
    note = {"fingerprint": "f2", "since": "2026-03-05T07:00:00+00:00", "waiting": "files: 3 of the 17 are there"}
    records.put_note(CaptureKey.parse("hall-7/may"), "look", note)
    records.put_note(CaptureKey.parse("hall-7/walk-2"), "look", note)
    sentence = "waits for files: 3 of the 17 are there, since 2026-03-05 07:00 UTC"
    lines = CliRunner().invoke(app, ["captures", "hall-7"]).stdout.splitlines()
    assert lines[1].split()[:4] == ["hall-7/may", "-", "waiting", "-"]
    assert lines[1].endswith(sentence)
    assert lines[3].endswith("waits for the rest of a newer delivery: files: 3 of the 17 are there, since "
                             "2026-03-05 07:00 UTC")  # fmt: skip
    row = json.loads(CliRunner().invoke(app, ["captures", "may", "--json"]).stdout)
    assert (row["stage"], row["stations"], row["waits"]) == ("waiting", None, sentence)


def test_damaged_records_of_one_are_reported_and_the_others_listed(records: Records, tmp_path: Path) -> None:
    (tmp_path / "records/hall-7/walk-2/f1/validate.json").write_text("{")
    done = CliRunner().invoke(app, ["captures"])
    assert done.exit_code == 1
    assert "hall-7/walk-2" in done.stderr
    assert len(done.stdout.splitlines()) == 3
