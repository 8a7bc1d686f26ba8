"""Recorded answers of a project are replayed against a sandbox, and the differences are printed by kind."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.cdf.client import Connection
from capture360.errors import ConfigError
from capture360_cli.main import app
from capture360_local.conformance.conform import conform, record
from capture360_local.conformance.replay import replay
from capture360_local.conformance.run import new_name
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox


def silent(*_: object) -> None:
    """Print nothing."""


@pytest.fixture(scope="module")
def recorded(running: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    known = running.connection | {"mode": ProjectMode.HYBRID.value}
    connection = Connection.from_mapping(known, "the test")
    folder = tmp_path_factory.mktemp("recorded")
    record(conform(connection, new_name(), silent, timeout_s=5), connection, folder)
    return folder


def test_a_sandbox_answers_as_a_sandbox_did(recorded: Path) -> None:
    replayed = replay(recorded, silent)
    assert replayed.compared > 100
    assert (list(replayed.differences), dict(replayed.passed_over)) == ([], {})


def test_differences_are_printed_by_kind(recorded: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(recorded, tmp_path / "changed")
    files = sorted(folder.glob("*.json"))

    def change(name: str, **changes: object) -> None:
        (file,) = (each for each in files if each.name.endswith(f"-{name}.json"))
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    change(
        "files-byids-missing",
        project={"status": 404, "body": {"error": {"code": 404, "message": "m"}}, "in_time": True},
    )
    change("assets-list-limit", request={"method": "GET", "path": "/other", "query": {}, "body": None})
    (folder / "999-unknown.json").write_text((files[0]).read_text().replace(files[0].stem[4:], "unknown"))
    printed = CliRunner().invoke(app, ["replay", str(folder)], env={"COLUMNS": "200"})
    assert printed.exit_code == 1, printed.output
    for words in (
        "another status (1)", "a field that only the sandbox has (1)", "error.missing",
        "assets-list-limit: the case sends another request now", "unknown: there is no case of this name any more",
        "2 differences.",
    ):  # fmt: skip
        assert words in printed.output


def test_an_upload_that_the_project_did_not_take_is_a_difference(recorded: Path, tmp_path: Path) -> None:
    """Its creation was answered as by the sandbox."""
    folder = shutil.copytree(recorded, tmp_path / "changed")
    (file,) = folder.glob("*-files-create.json")
    pair = json.loads(file.read_text())
    file.write_text(json.dumps(pair | {"project": pair["project"] | {"in_time": False}}))
    printed = CliRunner().invoke(app, ["replay", str(folder)], env={"COLUMNS": "200"})
    assert printed.exit_code == 1
    assert "its content was not taken" in printed.output


@pytest.mark.parametrize("content", [None, "{}", "[]", "no JSON"])
def test_a_folder_without_answers_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "001-a.json").write_text(content)
    with pytest.raises(ConfigError, match=r"doctor --conformance --out"):
        replay(tmp_path, silent)
