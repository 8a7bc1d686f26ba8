"""`capture360 retract`: the plan, what stops it, and who may; in the order in which somebody comes to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cognite.client.data_classes.data_modeling import EdgeApply, EdgeId, NodeApply
from typer.testing import CliRunner, Result

from capture360 import names
from capture360.cdf.registry import mode_of
from capture360.errors import ConfigError, LeaseHeldError, RequestError
from capture360.model import CaptureKey
from capture360.steps import lease
from capture360.steps.review_due import note_review
from capture360_cli.main import app
from ingest_world import World
from local_cdf import RunningSandbox

KEY = CaptureKey("hall-7", "may")


@pytest.fixture
def world(running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A published capture of a site whose register is named."""
    made = World(running, tmp_path)
    made.ingest(made.drop("may", stations=1))
    monkeypatch.setenv("CAPTURE360_CONFIG", str(tmp_path / "sites.yaml"))
    (tmp_path / "connection.json").write_text(json.dumps(running.connection))
    register(made, approvals=1)
    yield made
    made.wipe()


def register(world: World, approvals: int) -> None:
    site = json.loads(world.site.model_dump_json(exclude={"id"})) | {"retract_approvals": approvals}
    text = yaml.safe_dump({"records": world.records.url, "sites": {"hall-7": site}})
    (world.root / "sites.yaml").write_text(text)


def retract(world: World, *options: str, says: str = "") -> Result:
    connection = str(world.root / "connection.json")
    return CliRunner().invoke(app, ["retract", str(KEY), "--connection", connection, *options], input=says)


def shown(world: World) -> int:
    return len(list(mode_of(world.cdf).images(world.cdf, world.site).images(KEY)))


def test_it_is_planned_asked_about_and_done_once(world: World) -> None:
    before = world.running.mutating()
    planned = retract(world, "--plan")
    assert planned.exit_code == 0, planned.output
    assert f"1 image: {names.image_id(KEY, '001')}" in planned.stdout
    assert "6 face files: " in planned.stdout
    document = json.loads(retract(world, "--plan", "--json").stdout)
    whole, left = document["removes"], document["unclear"]
    assert left == []
    assert whole["images"] == [names.image_id(KEY, "001")]
    images = mode_of(world.cdf).images(world.cdf, world.site).images(KEY)
    assert whole["face files"] == sorted(ref.external_id for image in images for ref in image.faces.values())
    assert isinstance(retract(world, "--json").exception, RequestError)
    kept = retract(world, says="n\n")
    assert kept.exit_code == 1
    assert kept.stdout.startswith(planned.stdout)
    assert "Nothing was removed." in kept.stderr
    assert world.running.mutating() == before
    (delivery,) = world.records.fingerprints(KEY)
    note_review(world.records, KEY, delivery, "", "review 1")
    done = retract(world, says="y\n")
    assert done.exit_code == 0, done.output
    assert "to end it now, trigger that with capture hall-7/may." in done.stderr
    assert shown(world) == 0
    assert retract(world, "--yes").stdout == "Nothing of it is in CDF.\n"


def test_what_others_attached_stops_it_with_exit_code_3(world: World) -> None:
    space = world.site.space
    edge = EdgeApply(
        space, "their-edge", type=(space, "near"),
        start_node=(space, "theirs"), end_node=(space, names.image_id(KEY, "001")),
    )  # fmt: skip
    world.cdf.client.data_modeling.instances.apply(nodes=[NodeApply(space, "theirs")], edges=[edge])
    before = world.running.mutating()
    for option in ("--plan", "--yes"):
        held = retract(world, option)
        assert held.exit_code == 3, held.output
        assert f"Stops it: edge {space}/their-edge of others is attached to it." in held.stdout
    assert world.running.mutating() == before
    world.cdf.client.data_modeling.instances.delete(edges=EdgeId(space, "their-edge"))
    assert retract(world, "--yes").exit_code == 0


def test_a_site_that_asks_for_two_people_is_refused_but_for_the_plan(world: World) -> None:
    register(world, approvals=2)
    refused = retract(world, "--yes")
    assert isinstance(refused.exception, ConfigError)
    assert "Site hall-7 asks for two people. Trigger captures_retract in Airflow" in str(refused.exception)
    assert shown(world) == 1
    assert retract(world, "--plan").exit_code == 0


def test_a_capture_that_a_run_is_writing_is_left_alone(world: World) -> None:
    with lease.held(world.records, KEY, "somebody", is_finished=lambda run: False):
        refused = retract(world, "--yes").exception
        assert isinstance(refused, LeaseHeldError)
        assert "If it was killed, add --take-over" in refused.remedy
        assert shown(world) == 1
        assert retract(world, "--yes", "--take-over").exit_code == 0
    assert shown(world) == 0
