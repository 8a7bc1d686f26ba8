"""`capture360 remove-from-scene`: out of the scene, with the data kept; mistakes are sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from capture360.errors import ConfigError, LeaseHeldError, RequestError
from capture360.steps import lease
from capture360_cli.main import app
from ingest_world import IMAGE_VIEW, World
from local_cdf import fast_options, run_sandbox
from viewer_reads import open_scene


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sites.yaml"
    monkeypatch.setenv("CAPTURE360_CONFIG", str(path))
    site = {"landing": {"url": "unused"}, "space": "captures360"}
    sites = {"hall-7": {**site, "scene": "plant"}, "sceneless": site}
    path.write_text(yaml.safe_dump({"records": str(tmp_path / "records"), "sites": sites}))
    return path


def remove_from_scene(capture: str, connection: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["remove-from-scene", capture, "--connection", str(connection), *options])


def test_a_capture_leaves_the_scene_and_keeps_its_images(tmp_path: Path, register: Path) -> None:
    options = fast_options(tmp_path / "sandbox")
    with run_sandbox(options) as running:
        connection = tmp_path / "connection.json"
        connection.write_text(json.dumps(running.connection))
        world = World(running, tmp_path, scene={"external_id": "plant"})
        drop = world.drop("may", stations=1)
        world.ingest(drop)
        mutating = running.mutating()
        planned = remove_from_scene("hall-7/may", connection, "--plan")
        assert planned.exit_code == 0, planned.output
        assert "hall-7/may: 1 collection or point cloud would be taken out of scene plant" in planned.stderr
        assert running.mutating() == mutating
        done = remove_from_scene("hall-7/may", connection)
        assert done.exit_code == 0, done.output
        assert done.stdout == planned.stdout
        assert done.stdout.startswith("c360_scene_plant_")
        assert "hall-7/may: 1 collection or point cloud taken out of scene plant; the data are kept" in done.stderr
        with running.http() as http:
            assert open_scene(http, "captures360", "plant")[1] == []
        assert len(world.nodes(IMAGE_VIEW, "may")) == 1
        again = remove_from_scene("hall-7/may", connection)
        assert (again.exit_code, again.stdout) == (0, "")
        assert "hall-7/may has no collection in scene plant; nothing was changed" in again.stderr

        with lease.held(world.records, drop.key, "somebody", is_finished=lambda run: False):
            held = remove_from_scene("hall-7/may", connection)
            assert isinstance(held.exception, LeaseHeldError)
            assert "add --take-over" in held.exception.remedy
            assert remove_from_scene("hall-7/may", connection, "--take-over").exit_code == 0
        assert "has no scene" in str(remove_from_scene("sceneless/may", connection).exception)


@pytest.mark.parametrize(
    ("capture", "kind", "told"),
    [
        ("may", RequestError, '"may" is not a capture key'),
        ("hall-8/may", ConfigError, 'site "hall-8" is not in the register'),
        ("hall-7/may", ConfigError, "connection.json is not there"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, register: Path, capture: str, kind: type[Exception], told: str) -> None:
    failed = remove_from_scene(capture, tmp_path / "connection.json")
    assert isinstance(failed.exception, kind)
    assert told in str(failed.exception)
