"""`capture360 check`: what the surveyor sees before delivery."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.records import Records
from capture360.steps.published import note_published
from capture360_cli.main import app
from delivery import Delivery


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    sound = Delivery(tmp_path / "hall-7" / "2026-04-17")
    sound.put_pictures()
    return sound


def run(delivery: Delivery, *options: str) -> tuple[int, str]:
    delivery.write()
    before = sorted(delivery.path.rglob("*"))
    done = CliRunner().invoke(app, ["check", str(delivery.path), *options])
    assert sorted(delivery.path.rglob("*")) == before
    return done.exit_code, done.stdout


def test_a_sound_capture_exits_with_0(delivery: Delivery) -> None:
    code, text = run(delivery)
    assert code == 0
    assert "hall-7/2026-04-17 accepted: 8 stations." in text


def test_a_partial_capture_exits_with_3_and_says_what_to_mend(delivery: Delivery) -> None:
    delivery.files["images/s-05/top.jpg"] = b""
    code, text = run(delivery)
    assert code == 3
    assert "images/s-05/top.jpg is empty" in text


def test_a_rejected_capture_exits_with_4(delivery: Delivery) -> None:
    delivery.manifest["schema"] = "capture/9"
    assert run(delivery)[0] == 4


def test_json_is_all_that_is_printed(delivery: Delivery) -> None:
    delivery.stations[1]["x"] = "12,5"
    code, text = run(delivery, "--json")
    document = json.loads(text)
    assert (code, document["verdict"], document["quarantined"]) == (3, "partial", {"s-02": ["S06"]})
    assert document["findings"][0]["row"] == 3


def test_the_report_lies_where_it_was_asked_for(delivery: Delivery, tmp_path: Path) -> None:
    report = tmp_path / "out" / "report.html"
    assert run(delivery, "--report", str(report))[0] == 0
    assert "Accepted" in report.read_text()
    assert '<a href="report.bad_rows.csv">report.bad_rows.csv</a> beside it.' in report.read_text()
    assert run(delivery, "--report", str(report.with_name("other.html")))[0] == 0
    assert sorted(path.name for path in report.parent.glob("*.csv")) == ["other.bad_rows.csv", "report.bad_rows.csv"]


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(tmp_path / "nowhere")])
    assert done.exit_code == 1
    assert "is not there or holds no files" in str(done.exception)


def test_with_a_site_the_capture_is_compared_with_what_was_published(
    delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "sites.yaml"
    config.write_text(
        f"records: {tmp_path}/records\nsites: {{hall-7: {{landing: {{url: {tmp_path}/hall-7}}, space: captures}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(config))
    published = delivery.check().capture
    assert published is not None
    note_published(Records(f"{tmp_path}/records"), published, "0" * 32)
    assert "ingested before with the same poses" in " ".join(run(delivery, "--site", "hall-7")[1].split())
    delivery.stations[1]["x"] = "8.5"
    code, text = run(delivery, "--site", "hall-7")
    assert code == 4
    assert "1 moved or turned (s-02)" in " ".join(text.split())


@pytest.mark.parametrize("kept", ["half a note", "no folder"])
def test_records_that_cannot_be_read_are_a_note_and_the_site_s_rules_hold(
    delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    config = tmp_path / "sites.yaml"
    config.write_text(
        f"records: {tmp_path}/records\nsites: {{hall-7: {{landing: {{url: {tmp_path}/hall-7}}, space: captures, "
        "checks: {min_file_bytes: 999999}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(config))
    published = delivery.check().capture
    assert published is not None
    if kept == "half a note":
        note_published(Records(f"{tmp_path}/records"), published, "0" * 32)
        (note,) = (tmp_path / "records").rglob("published.json")
        note.write_bytes(b"{")
    else:
        (tmp_path / "records").write_bytes(b"")
    code, text = run(delivery, "--site", "hall-7")
    assert code == 4, text
    assert "999,999" in text or "999999" in text


BAD_NAMES = (b"B\xfcro", b"two\nlines", b"bell\x07", b"\xed\xa0\x80")


@pytest.mark.parametrize("options", [(), ("--json",), ("--report", "out.html")], ids=lambda each: "".join(each[:1]))
def test_names_of_any_kind_stop_no_station(
    delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    delivery.write()
    for name in BAD_NAMES:
        beside = os.fsencode(delivery.path) + b"/" + name
        Path(os.fsdecode(beside)).mkdir()
        Path(os.fsdecode(beside + b"/" + name)).write_bytes(b"x")
        Path(os.fsdecode(os.fsencode(delivery.path) + b"/images/" + name + b".jpg")).write_bytes(b"x")
    code, text = run(delivery, *options)
    assert code == 0
    text.encode()
    if "--json" in options:
        left_out = [each["where"] for each in json.loads(text)["findings"] if each["rule"] == "S07"]
        assert len(left_out) == 2 * len(BAD_NAMES)
        assert all(each.isprintable() for each in left_out)


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_capture_folder_of_any_name_is_rejected_in_words(tmp_path: Path, name: bytes) -> None:
    delivery = Delivery(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name + b"/" + name)))
    delivery.put_pictures()
    code, text = run(delivery, "--json", "--report", str(delivery.path.parents[1] / "out.html"))
    assert code == 4
    assert "S02" in [each["rule"] for each in json.loads(text)["findings"]]


def test_the_command_survives_a_name_that_no_terminal_shows(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from capture360_cli.main import run; run()",
            "check",
            os.fsencode(tmp_path) + b"/B\xfcro",
        ],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 1
    assert rb"B\xfcro is not there" in done.stderr


def test_a_manifest_with_a_lone_surrogate_is_answered_in_words(delivery: Delivery) -> None:
    delivery.write()
    manifest = delivery.path / "capture.yaml"
    manifest.write_text(manifest.read_text() + '\ncomment: "\\ud800"\nlabel: "\\ud800"\n')
    done = CliRunner().invoke(
        app, ["check", str(delivery.path), "--json", "--report", str(delivery.path.parent / "r.html")]
    )
    assert done.exit_code in (0, 4), done.exception


@pytest.mark.parametrize("ready", [b"[" * 60_000, b"\xff", b"null", b'{"files": true}', b'{"files": "9"}'], ids=ascii)
def test_a_ready_file_with_other_words_promises_nothing(delivery: Delivery, ready: bytes) -> None:
    delivery.files["_READY"] = ready
    assert run(delivery)[0] == 0
