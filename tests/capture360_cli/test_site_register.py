"""A command works on the register of the stack that its connection belongs to, and never on a guess."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from capture360.cdf.project_mode import DEFAULT_MODE
from capture360.errors import ConfigError
from capture360_cli.main import app
from capture360_cli.register import pages_in_airflow, site_register
from capture360_local.stack.processes import start_of
from capture360_local.stack.profile import Home
from delivery import Delivery
from ingest_world import World
from local_cdf import RunningSandbox, fast_options, run_sandbox

SAMPLE = "records: $CAPTURE360_HOME/records\nsites: {hall-7: {space: captures, landing: {url: $CAPTURE360_HOME/l}}}\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout with the sample register, and no environment of a stack."""
    monkeypatch.delenv("CAPTURE360_CONFIG", raising=False)
    monkeypatch.delenv("CAPTURE360_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sites.yaml").write_text(SAMPLE)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / ".local" / "data_modeling")
    home.prepare()
    home.register.write_text(SAMPLE)
    home.status_file.write_text("{}")
    (home.sandbox / "connection.json").write_text("{}")
    return home


def test_the_connection_of_a_stack_leads_to_its_register_and_records(home: Home, tmp_path: Path) -> None:
    register = site_register(home.sandbox.relative_to(tmp_path) / "connection.json")
    assert (register.url, register.records_url) == (str(home.register), str(home.records))
    assert register.site("hall-7").landing.url == f"{home.root}/l"


def run(home: Home, port: int) -> None:
    """Write what the supervisor of a running stack does; it is led by the process of the tests."""
    home.prepare()
    session = {"leader": os.getpid(), "started": start_of(os.getpid())}
    ports = {"api": port, "sandbox": port + 1}
    status = {"phase": "running", "reason": None, "session": session, "ports": ports, "children": {}}
    home.status_file.write_text(json.dumps(status))


def test_without_a_connection_the_stack_that_runs_counts_whatever_its_mode(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW__API__BASE_URL", raising=False)
    home.status_file.unlink()
    assert (site_register().url, pages_in_airflow("")) == ("config/sites.yaml", "")
    run(home, 8000)
    assert site_register().url == str(home.register)
    assert pages_in_airflow("").startswith("http://127.0.0.1:8000/")
    run(Home(tmp_path / ".local"), 9000)
    with pytest.raises(
        ConfigError, match=rf"Several local stacks run, in {tmp_path}/\.local and {home.root}\. Set CAP"
    ):
        site_register()
    assert pages_in_airflow("") == ""
    monkeypatch.setenv("CAPTURE360_CONFIG", str(home.register))
    assert site_register().url == str(home.register)


def test_a_register_that_is_named_wins(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPTURE360_CONFIG", str(tmp_path / "mine.yaml"))
    assert site_register(home.sandbox / "connection.json").url == str(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    "command", [["reconcile"], ["reconcile", "hall-7"], ["remove-from-scene", "hall-7/may"]], ids=" ".join
)
def test_a_variable_that_is_not_set_is_named_and_becomes_no_folder(tmp_path: Path, command: list[str]) -> None:
    connection = dict.fromkeys(("project", "client_id", "client_secret"), "x")
    urls = dict.fromkeys(("base_url", "token_url"), "https://cdf.invalid")
    (tmp_path / "connection.json").write_text(json.dumps({**connection, **urls}))
    failed = CliRunner().invoke(app, [*command, "--connection", "connection.json"])
    assert isinstance(failed.exception, ConfigError)
    assert "names $CAPTURE360_HOME, which is not set. Set it, or point CAPTURE360_CONFIG" in str(failed.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config", "connection.json"]


def test_check_names_the_variable_too(tmp_path: Path) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "may")
    delivery.write()
    failed = CliRunner().invoke(app, ["check", str(delivery.path), "--site", "hall-7"])
    assert isinstance(failed.exception, ConfigError)
    assert "names $CAPTURE360_HOME" in str(failed.exception)


@pytest.fixture
def sandbox(home: Home) -> Iterator[RunningSandbox]:
    with run_sandbox(fast_options(home.sandbox)) as running:
        yield running


def test_reconcile_beside_the_stack_compares_what_the_stack_published(home: Home, sandbox: RunningSandbox) -> None:
    world = World(sandbox, home.root, DEFAULT_MODE)
    site = json.loads(world.site.model_dump_json(exclude={"id"}))
    home.register.write_text(yaml.safe_dump({"records": "$CAPTURE360_HOME/records", "sites": {"hall-7": site}}))
    assert world.records.url == str(home.records)
    world.ingest(world.drop("may", stations=2))
    connection = str(home.sandbox / "connection.json")
    done = CliRunner().invoke(app, ["reconcile", "--connection", connection])
    assert "captures compared: 1" in done.stderr
    assert (done.exit_code, done.stdout) == (0, "Records and CDF agree.\n"), done.output
