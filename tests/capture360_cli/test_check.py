"""`capture360 check`: what the surveyor sees before delivery."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.records import Records
from capture360.steps.earlier import note_published
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
    assert (report.parent / "bad_rows.csv").exists()


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
