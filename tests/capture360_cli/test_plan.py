"""`capture360 plan`: what a backfill would do, by date, with reasons and the links that would change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from cognite.client.data_classes import AssetUpdate
from typer.testing import CliRunner, Result

from capture360.errors import RequestError
from capture360_cli.main import app
from captures import TAKEN
from suggested_links import TAGS, Hall, hall_in, world_of

DAY = TAKEN.date().isoformat()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with ExitStack() as stack:
        yield hall_in(world_of(stack, "asset_centric", tmp_path_factory.mktemp("plan")))


@pytest.fixture(autouse=True)
def _register(hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {**hall.world.running.connection, "mode": "asset_centric"}
    (tmp_path / "connection.json").write_text(json.dumps(connection))
    register(hall, tmp_path / "sites.yaml", {})
    monkeypatch.setenv("CAPTURE360_CONFIG", str(tmp_path / "sites.yaml"))
    monkeypatch.chdir(tmp_path)


def register(hall: Hall, path: Path, changes: dict[str, object]) -> None:
    site = {**json.loads(hall.world.site.model_dump_json(exclude={"id"})), **changes}
    path.write_text(yaml.safe_dump({"records": hall.world.records.url, "sites": {"hall-7": site}}))


def plan(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["plan", "--connection", "connection.json", *arguments])


def test_it_says_what_changed_and_which_links_would_change_and_writes_nothing(hall: Hall, tmp_path: Path) -> None:
    done = plan("--from", DAY, "--to", DAY)
    assert (done.exit_code, done.stdout.splitlines()) == (
        0, [f"{DAY} {hall.key}: nothing to do", "1 captures: 1 with nothing to do"],
    ), done.output  # fmt: skip
    client = hall.world.cdf.client
    client.assets.update(AssetUpdate(external_id=TAGS[0]).name.set("77-ZZ-9999"))
    before = hall.world.state()
    done = plan("--from", "2000-01-01", "--to", "9999-12-31", "--what", "contextualize", "--site", "hall-7")
    assert done.exit_code == 0, done.output
    assert f"{DAY} {hall.key}: contextualize (new asset list)" in done.stdout
    assert f'"{TAGS[0]}" on ' in done.stdout
    assert f"{TAGS[0]} no longer linked" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 captures: 1 to contextualize"
    register(hall, tmp_path / "sites.yaml", {"checks": {"min_face_resolution": 17, "min_file_bytes": 100}})
    done = plan("--from", DAY, "--to", DAY, "--what", "ingest")
    assert f"{DAY} {hall.key}: ingest (new check settings)" in done.stdout
    assert "would write nothing" in done.stdout
    assert hall.world.state() == before


def test_a_site_that_is_refused_is_not_taken_for_one_without_captures(hall: Hall, tmp_path: Path) -> None:
    register(hall, tmp_path / "sites.yaml", {"space": "1x"})
    done = plan("--from", DAY, "--to", DAY)
    said = done.stdout.splitlines()
    assert said[0].startswith(f"{DAY} hall-7: ")
    assert (done.exit_code, said[1:]) == (1, ["Not looked at, as said above: 1 site on a date"])


def test_other_dates_are_empty_and_a_range_the_wrong_way_round_is_refused() -> None:
    assert plan("--from", "2020-01-01", "--to", "2020-12-31").stdout == "No capture was taken on these dates.\n"
    assert isinstance(plan("--from", DAY, "--to", "2020-01-01").exception, RequestError)
