"""`capture360 reconcile`: findings on the screen, a repair only of one capture and only when told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from capture360.cdf.links.decision_nodes import DecisionNodes
from capture360.errors import ConfigError, LeaseHeldError, RequestError
from capture360.steps import lease
from capture360.steps.annotate import annotate
from capture360.steps.link_state import ANSWERS
from capture360_cli.main import app
from capture360_local.demo.container import deploy_container
from record_files import document_paths
from suggested_links import CERTAIN, Hall, decide, hall_in, lose, world_of


@pytest.fixture
def register(tmp_path: Path) -> Path:
    return tmp_path / "sites.yaml"


@pytest.fixture
def hall(tmp_path: Path, register: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    """All its plates are linked but one that was rejected, in a project that does not keep rejections."""
    with ExitStack() as stack:
        hall = hall_in(world_of(stack, "data_modeling", tmp_path))
        decide(hall)
        hall.read(CERTAIN)
        world = hall.world
        connection = {**world.running.connection, "mode": "data_modeling"}
        (tmp_path / "connection.json").write_text(json.dumps(connection))
        site = json.loads(world.site.model_dump_json(exclude={"id"}))
        register.write_text(yaml.safe_dump({"records": world.records.url, "sites": {"hall-7": site}}))
        monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
        monkeypatch.chdir(tmp_path)
        yield hall


def reconcile(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["reconcile", *arguments, "--connection", "connection.json"])


def test_what_is_lost_is_told_and_taken_up_again_when_told_to(hall: Hall) -> None:
    for arguments in ([], ["hall-7"], [str(hall.key)]):
        done = reconcile(*arguments)
        assert (done.exit_code, done.stdout) == (0, "Records and CDF agree.\n"), done.output
    lose(hall, "decisions")
    told = reconcile()
    assert told.exit_code == 3
    assert f"{hall.key}: Missing from the records: 2 of 2 decisions of people." in told.stdout
    command = told.stdout.partition(f"capture360 reconcile {hall.key} --connection FILE ")[2].split()[0]
    repaired = reconcile(str(hall.key), command)
    assert (repaired.exit_code, repaired.stdout) == (0, "Records and CDF agree.\n"), repaired.output
    assert f"{hall.key}: 2 decisions of people known" in repaired.stderr


def test_what_nothing_proves_is_given_up_by_a_second_word(hall: Hall) -> None:
    store = hall.world.records.store
    for path in document_paths(store, f"{hall.key}/{ANSWERS}"):
        store.remove(path)
    lose(hall, "decisions")
    repaired = reconcile(str(hall.key), "--repair")
    assert repaired.exit_code == 3
    assert "and --discard-lost discards the rest" in repaired.stdout
    given_up = reconcile(str(hall.key), "--discard-lost")
    assert "Missing from the records" not in given_up.stdout
    assert "discarded 2 of 2 decisions of people" in given_up.stderr


def test_decisions_that_cdf_lost_are_written_there_again_or_discarded(hall: Hall) -> None:
    deploy_container(hall.world.cdf.client)
    nodes = DecisionNodes(hall.world.cdf, hall.world.site)
    annotate(hall.ctx, hall.key, hall.fingerprint)
    before = nodes.read(hall.key)
    for option, left, words in (
        ("--repair", before, "2 decisions of people known"),
        ("--discard-lost", {}, "discarded 2 decisions of people"),
    ):
        nodes.remove(list(before))
        reported = reconcile()
        assert reported.exit_code == 3, reported.output
        assert f"{hall.key}: Missing in CDF: 2 decisions of people" in reported.stdout
        assert option in reported.stdout
        fixed = reconcile(str(hall.key), option)
        assert f"{hall.key}: {words}" in fixed.stderr
        assert "Missing in CDF" not in fixed.stdout
        assert nodes.read(hall.key) == left
        annotate(hall.ctx, hall.key, hall.fingerprint)


def test_what_is_being_written_is_not_said_to_agree(hall: Hall) -> None:
    with lease.held(hall.world.records, hall.key, "somebody", is_finished=lambda run: False):
        for arguments in ([], [str(hall.key)]):
            done = reconcile(*arguments)
            assert (done.exit_code, done.stdout) == (1, "")
            assert f"{hall.key} is being written by a run; it was not compared" in done.stderr
        refused = reconcile(str(hall.key), "--repair").exception
        assert isinstance(refused, LeaseHeldError)
        assert "add --take-over" in refused.remedy
        assert reconcile(str(hall.key), "--repair", "--take-over").exit_code == 0


@pytest.mark.parametrize("site", ["aa", "zz"])
def test_an_error_about_one_site_hides_nothing_of_the_others(hall: Hall, register: Path, site: str) -> None:
    lose(hall, "decisions")
    sites = yaml.safe_load(register.read_text())
    sites["sites"][site] = {**sites["sites"]["hall-7"], "links": {"asset_subtrees": 7}}
    register.write_text(yaml.safe_dump(sites))
    failed = reconcile()
    assert "decisions of people" in failed.stdout
    assert isinstance(failed.exception, ConfigError)


def test_sites_of_several_projects_are_not_compared_with_one(hall: Hall, register: Path) -> None:
    sites = yaml.safe_load(register.read_text())
    sites["sites"]["dock-2"] = {**sites["sites"]["hall-7"], "connection": "cdf_dock"}
    register.write_text(yaml.safe_dump(sites))
    failed = reconcile()
    assert isinstance(failed.exception, ConfigError)
    assert "connections cdf_dock, cognite_cdf_default. Name a site" in str(failed.exception)
    assert reconcile("hall-7").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "kind", "told"),
    [
        (["hall-7", "--repair"], ConfigError, "--repair and --discard-lost take one capture"),
        (["hall-7/walk", "--take-over"], ConfigError, "--take-over goes with --repair"),
        (["hall-7/no-such-walk"], RequestError, "holds no records of hall-7/no-such-walk"),
    ],
)
def test_mistakes_are_told(hall: Hall, arguments: list[str], kind: type[Exception], told: str) -> None:
    failed = reconcile(*arguments)
    assert isinstance(failed.exception, kind)
    assert told in str(failed.exception)
