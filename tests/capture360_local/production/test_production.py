"""The composition as processes: one at a time in a folder, with a database that fits the folder's password."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from capture360_local.production import __main__ as command
from capture360_local.production import machine
from capture360_local.production.handle import Production
from capture360_local.production.machine import Machine, postgres_folder
from capture360_local.stack import StackError


def test_a_second_start_is_refused_and_touches_nothing(tmp_path: Path) -> None:
    production = Production(tmp_path)
    (tmp_path / "stack.json").write_text('{"phase": "running"}')
    with (tmp_path / "lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StackError, match="runs already") as raised, production.running(print):
            pass
    assert raised.value.remedy == "Stop it with Ctrl-C where it was started."
    assert production.status() == {"phase": "running"}


def test_secrets_are_written_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    known = Production(tmp_path).variables
    assert len(known["AIRFLOW_JWT_SECRET"]) == 96
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert Production(tmp_path).variables == known


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """PostgreSQL's programs as far as a new cluster goes; what was run."""
    ran: list[str] = []

    def run(words: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        name = next(Path(word).name for word in words if Path(word).name in {"initdb", "postgres"} and "/" in word)
        ran.append(name)
        if name == "initdb":
            (Path(words[words.index("-D") + 1]) / "PG_VERSION").touch()
        return subprocess.CompletedProcess(words, 0, "", "")

    (tmp_path / "bin").mkdir()
    for name in ("initdb", "postgres"):
        (tmp_path / "bin" / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(machine, "missing", dict)
    monkeypatch.setattr("capture360_local.production.machine.subprocess.run", run)
    return ran


def test_a_cluster_counts_once_it_is_complete(tmp_path: Path, programs: list[str]) -> None:
    here = Machine(tmp_path / "state", {})
    (tmp_path / "state").mkdir()
    cluster = postgres_folder(tmp_path / "state")
    cluster.mkdir()
    (cluster / "PG_VERSION").touch()
    (cluster / "half").touch()
    here.make_database("secret")
    assert programs == ["initdb", "postgres"], "a run was killed before its database was made"
    assert not (cluster / "half").exists()
    here.make_database("secret")
    assert programs == ["initdb", "postgres"]


def test_a_cluster_of_a_folder_that_was_removed_since_is_made_anew(
    tmp_path: Path, programs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root it lies elsewhere and outlives the folder, whose next password is another."""
    monkeypatch.setattr(machine, "postgres_folder", lambda folder: tmp_path / "elsewhere")
    for _ in range(2):
        folder = tmp_path / "state"
        folder.mkdir()
        Machine(folder, {}).make_database("secret")
        (folder / "postgres-made").unlink()
        folder.rmdir()
    assert programs == ["initdb", "postgres"] * 2


def test_nothing_is_left_outside_of_the_folder_after_remove(
    tmp_path: Path, programs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    monkeypatch.setattr(machine, "postgres_folder", lambda folder: outside / "capture360-postgres")
    (tmp_path / "state").mkdir()
    for _ in range(2):
        Machine(tmp_path / "state", {}).make_database("secret")
        (tmp_path / "state/postgres-made").unlink()
    (outside / "capture360-postgres.password").write_text("left by a kill")
    (outside / "another").touch()
    assert len([*outside.iterdir()]) == 4
    monkeypatch.setattr(sys, "argv", ["production", str(tmp_path / "state"), "--remove"])
    assert command.main() == 0
    assert [*outside.iterdir()] == [outside / "another"]


@pytest.mark.usefixtures("programs")
def test_health_checks_ask_the_ports_of_this_machine(tmp_path: Path) -> None:
    here = Machine(tmp_path, {name: 40_000 + port for name, port in machine.SERVICES.items()})
    for host in ("api-server", "localhost", "127.0.0.1"):
        assert here.adapted(f"http://{host}:8080/api/v2/version") == "http://127.0.0.1:48080/api/v2/version"
    assert here.adapted("http://127.0.0.1:40123/x") == "http://127.0.0.1:40123/x"


def test_a_machine_that_lacks_a_program_is_an_error_with_the_way_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "missing", lambda: {"PostgreSQL": "postgresql", "Redis": "redis-server"})
    monkeypatch.setattr(sys, "argv", ["production", str(tmp_path)])
    assert command.main() == 1
    said = capsys.readouterr().err
    assert (
        said == "This machine lacks PostgreSQL, Redis. On Debian and Ubuntu: apt-get install postgresql redis-server\n"
    )
