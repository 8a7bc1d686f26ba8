"""`capture360 contextualize`: the links of one capture without Airflow, each plate with its verdict and views."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from capture360.errors import LeaseHeldError, MissingStepError
from capture360.model import CaptureKey
from capture360.steps import lease
from capture360.steps.detect import Detected
from capture360_cli.main import app
from capture360_cli.progress import progress
from suggested_links import CERTAIN, TAGS, Hall, hall_in, world_of


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    with ExitStack() as stack:
        hall = hall_in(world_of(stack, "asset_centric", tmp_path))
        world = hall.world
        (tmp_path / "connection.json").write_text(json.dumps({**world.running.connection, "mode": "asset_centric"}))
        site = json.loads(world.site.model_dump_json(exclude={"id"}))
        (tmp_path / "sites.yaml").write_text(yaml.safe_dump({"records": world.records.url, "sites": {"hall-7": site}}))
        monkeypatch.setenv("CAPTURE360_CONFIG", str(tmp_path / "sites.yaml"))
        monkeypatch.chdir(tmp_path)
        # The pictures of this capture are empty: the texts that were recorded stay.
        monkeypatch.setattr("capture360.steps.contextualize.detect", lambda *_: Detected(0, 1, len(TAGS)))
        yield hall


def contextualize(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["contextualize", *arguments, "--connection", "connection.json"])


def test_json_has_each_plate_with_verdict_views_and_reason(hall: Hall) -> None:
    hall.read(CERTAIN, tags=TAGS[:2])
    done = contextualize(str(hall.key), "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [(plate["verdict"], plate["asset"]["name"]) for plate in document["plates"]] == [
        ("linked", TAGS[0]), ("linked", TAGS[1]),
    ]  # fmt: skip
    (view,) = document["plates"][0]["views"]
    assert (view["text"], view["face"], view["status"], view["reason"]) == (
        TAGS[0], "front", "approved", "read exactly",
    )  # fmt: skip
    assert (document["capture"], document["matched"]["approved"]) == (str(hall.key), 2)


def test_what_people_decided_stands_in_it_and_what_is_left_to_them_is_listed(hall: Hall) -> None:
    hall.read(tags=TAGS[:3])
    hall.answer(hall.begin(), "Leave the rest", "1", "2")
    done = contextualize(str(hall.key))
    assert done.exit_code == 0, done.output
    first, question, report = done.stdout.splitlines()
    assert first == f"{hall.key}: 3 texts, 3 plates: 1 linked, 1 left to people, 1 dropped"
    assert "engine score 0.70 is below 0.95" in question
    assert report.startswith("Report: ")


def test_names_of_assets_and_texts_control_no_terminal(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hall.read(tags=TAGS[:1])
    plate = {"verdict": "asked", "asset": {"name": "\x1b]0;owned\x07"}, "text": "x", "reason": "y\x1b[2J"}
    monkeypatch.setattr("capture360.steps.contextualize.plate_documents", lambda *_: [plate])
    done = contextualize(str(hall.key))
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output
    with progress() as log:
        log("a\x1b[31mb")
    assert "\x1b" not in capsys.readouterr().err


def test_a_capture_that_is_not_published_or_being_written_is_refused(hall: Hall) -> None:
    assert isinstance(contextualize("hall-7/nowhere").exception, MissingStepError)
    with lease.held(hall.world.records, CaptureKey.parse(str(hall.key)), "somebody", is_finished=lambda run: False):
        refused = contextualize(str(hall.key)).exception
    assert isinstance(refused, LeaseHeldError)
    assert "--take-over" in str(refused.remedy)
