"""What a stack says of itself, and how all that runs below a folder is ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.cdf.project_mode import ModeName
from capture360_cli.main import app
from capture360_cli.stack import stack_of
from capture360_local.stack import Stack, StackError, end_all
from capture360_local.stack.processes import free_port, start_of


def write_status(folder: Path, leader: int, **more: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    session = {"leader": leader, "started": start_of(leader)}
    (folder / "stack.json").write_text(json.dumps({"phase": "running", "reason": None, "session": session, **more}))


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an environment that is activated."""
    monkeypatch.setenv("PATH", str(Path(sys.prefix) / "bin"), prepend=os.pathsep)


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[str], subprocess.Popen[bytes]]:
    """A process that leads a session, with the status file of a supervisor in a folder of this name."""

    def start(name: str) -> subprocess.Popen[bytes]:
        # Longer than any test: it is the test that ends it.
        sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
        process = subprocess.Popen(sleeper, start_new_session=True)
        write_status(tmp_path / name, process.pid)
        return process

    return start


def test_all_that_runs_below_a_folder_is_ended(tmp_path: Path, runs: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """`make clean` removes the only knowledge of the sessions of other modes, and of the composition."""
    processes = [runs("."), runs("hybrid"), runs("elsewhere/data_modeling")]
    done = CliRunner().invoke(app, ["stack", "down", "--all", "--state", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.stdout.count("Stopped: ") == 3
    assert [process.wait(5) for process in processes] == [-15] * 3
    assert end_all(tmp_path) == []


def test_a_status_that_nobody_can_read_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "hybrid").mkdir()
    (tmp_path / "hybrid/stack.json").write_text("{}")
    with pytest.raises(StackError, match=r"hybrid/stack\.json is damaged") as raised:
        end_all(tmp_path)
    assert raised.value.remedy == "End them by hand, then remove the file."


@pytest.mark.parametrize(
    ("state", "mode", "command"),
    [
        (".local", "asset_centric", "capture360 stack down"),
        (".local", "hybrid", "capture360 stack down --mode hybrid"),
        ("my state", "asset_centric", "capture360 stack down --state '{root}/my state'"),
        ("mine", "data_modeling", "capture360 stack down --state {root}/mine --mode data_modeling"),
    ],
)
def test_the_command_that_stops_a_stack_names_its_state_and_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, mode: ModeName, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert stack_of(Path(state), mode).command("down") == command.format(root=tmp_path)


def test_the_command_names_the_program_by_its_path_where_no_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone where `make demo` made the environment."""
    program = tmp_path / "env" / "bin" / "capture360"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert stack_of(Path(".local"), "asset_centric").command("up") == "env/bin/capture360 stack up"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert stack_of(tmp_path / ".local", "asset_centric").command("up").startswith(f"{program} stack up")


def write_running(folder: Path) -> None:
    """The state of a stack that runs, on ports that nobody listens on."""
    (folder / "airflow").mkdir()
    write_status(folder, os.getpid(), ports={"api": free_port(), "sandbox": free_port()}, children={})


def test_a_stack_that_runs_already_is_refused_with_the_command_that_stops_it(tmp_path: Path) -> None:
    write_running(tmp_path)
    with pytest.raises(StackError, match="is running already") as raised:
        Stack(tmp_path).up(print)
    assert raised.value.remedy == f"Stop it with `capture360 stack down --state {tmp_path}`."


def test_an_airflow_that_does_not_answer_yet_is_a_warning(tmp_path: Path) -> None:
    """The supervisor says "running" once the processes are started, long before the api-server listens."""
    write_running(tmp_path)
    done = CliRunner().invoke(app, ["stack", "status", "--state", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "Warning: Airflow does not answer (ConnectError). It may be starting still" in done.stdout


def test_only_a_missing_pool_gets_the_fix_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_running(tmp_path)
    found = [("non-existent pool", "No pool ocr"), ("asset conflict", "Two assets")]
    monkeypatch.setattr("capture360_local.stack.airflow_api.AirflowApi.warnings", lambda _: found)
    pool, other = Stack(tmp_path).warnings()
    assert pool.startswith("No pool ocr. `capture360 stack down --state ")
    assert other == "Two assets"
