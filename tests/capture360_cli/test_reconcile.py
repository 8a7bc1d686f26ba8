"""`capture360 reconcile`: findings on the screen, a repair only of one capture and only when told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from capture360.errors import ConfigError, LeaseHeldError
from capture360.records import NOTES
from capture360.steps import lease
from capture360_cli.main import app
from suggested_links import CERTAIN, TAGS, Hall, hall_in, world_of


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    """All its plates are linked, in a project where CDF does not tell whose a link is."""
    with ExitStack() as stack:
        hall = hall_in(world_of(stack, "data_modeling", tmp_path))
        hall.read(CERTAIN)
        world = hall.world
        connection = {**world.running.connection, "mode": "data_modeling"}
        (tmp_path / "connection.json").write_text(json.dumps(connection))
        site = json.loads(world.site.model_dump_json(exclude={"id"}))
        register = {"records": world.records.url, "sites": {"hall-7": site}}
        (tmp_path / "sites.yaml").write_text(yaml.safe_dump(register))
        monkeypatch.setenv("CAPTURE360_CONFIG", str(tmp_path / "sites.yaml"))
        monkeypatch.chdir(tmp_path)
        yield hall


def reconcile(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["reconcile", *arguments, "--connection", "connection.json"])


def test_what_is_lost_is_told_and_taken_up_again_when_told_to(hall: Hall) -> None:
    for arguments in ([], ["hall-7"], [str(hall.key)]):
        done = reconcile(*arguments)
        assert (done.exit_code, done.stdout) == (0, "Records and CDF agree.\n"), done.output
    hall.world.records.store.remove(f"{hall.key}/{NOTES}/linked-pairs.json")
    with lease.held(hall.world.records, hall.key, "somebody", is_finished=lambda run: False):
        passed_over = reconcile()
        held = reconcile(str(hall.key), "--repair")
    assert (passed_over.exit_code, passed_over.stdout) == (0, "Records and CDF agree.\n")
    assert f"{hall.key} is being written; it was not compared" in passed_over.stderr
    assert isinstance(held.exception, LeaseHeldError)
    told = reconcile()
    assert told.exit_code == 3
    assert f"{hall.key}: {len(TAGS)} linked pairs that were remembered are gone" in told.stdout
    repaired = reconcile(str(hall.key), "--repair")
    assert (repaired.exit_code, repaired.stdout) == (0, "Records and CDF agree.\n"), repaired.output
    assert f"{len(TAGS)} pairs and 0 decisions taken up again, 0 given up" in repaired.stderr


def test_a_record_that_cannot_be_read_hides_no_other_capture(hall: Hall) -> None:
    hall_in(hall.world)
    broken = f"{hall.key}/{hall.fingerprint}/match.json"
    hall.world.records.store.put(broken, b"{")
    hall.world.records.store.put("hall-7/lost/0123/sense.json", b'{"at": "2026-01-02T03:04:05+00:00", "run": ""}')
    told = reconcile()
    assert told.exit_code == 3
    assert told.stdout.count("\n") == 1
    assert f"{hall.key}: One of its records cannot be read" in told.stdout
    assert "hall-7: 3 captures compared" in told.stderr


def test_a_repair_wants_one_capture(hall: Hall) -> None:
    failed = reconcile("hall-7", "--repair")
    assert isinstance(failed.exception, ConfigError)
    assert "--repair takes one capture" in str(failed.exception)
