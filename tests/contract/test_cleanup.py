"""However a run ends, the project is as before, or the run reports what remains and how to remove it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from capture360.cdf.client import Connection
from capture360.errors import ConfigError
from capture360_cli.main import app
from capture360_local.conformance.cases import cases_for
from capture360_local.conformance.conform import conform
from capture360_local.conformance.project import Project
from capture360_local.conformance.run import Run
from cdf_sandbox.core.faults import FaultOrder
from cdf_sandbox.core.options import ProjectMode
from conformance import NAME, PROJECT, TIMEOUT_S
from local_cdf import RunningSandbox
from waiting import eventually

Holdings = Callable[[], dict[str, Any]]
URL = f"/api/v1/projects/{PROJECT}"


def doctor(file: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["doctor", "--connection", str(file), *more])


def said(text: str) -> str:
    """Without the line breaks of the terminal's width."""
    return " ".join(text.split())


@pytest.mark.parametrize("last", ["spaces-create", "views-create", "files-multipart-begin", "annotations-create",
                                  "3d-revisions-create"])  # fmt: skip
def test_an_interruption_leaves_nothing(connection: Connection, holdings: Holdings, last: str) -> None:
    before = holdings()
    seen = []

    def interrupt(case: str, number: int, total: int) -> None:
        if seen and seen[-1] == last:
            seen.append(str(holdings() != before))
            raise KeyboardInterrupt
        seen.append(case)

    outcome = conform(connection, NAME, interrupt, timeout_s=TIMEOUT_S)
    assert seen[-1] == "True"
    assert "interrupted" in outcome.stopped
    assert outcome.project[-1].case.name == last
    assert outcome.left == []
    assert holdings() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_request(
    running: RunningSandbox, file: Path, holdings: Holdings, number: signal.Signals
) -> None:
    before = holdings()
    running.sandbox.faults.order(FaultOrder(effect="delay", path=f"{URL}/files/update", seconds=3600))
    # As in a terminal: a shell without job control has its background jobs, perhaps these tests, ignore SIGINT.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{listen}; from capture360_cli.main import run; run()"
    command = [sys.executable, "-c", code, "doctor", "--connection", str(file), "--conformance"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            eventually(lambda: None if running.sandbox.faults.pending() else True)
            process.send_signal(number)
            output, _ = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == 130, output
    assert "It was interrupted after" in output
    assert "Everything that was written is removed." in output
    assert holdings() == before


def test_leftovers_are_reported_and_can_be_removed_later(
    running: RunningSandbox, file: Path, holdings: Holdings
) -> None:
    before = holdings()
    refusal = {"effect": "status", "status": 500, "message": "not today", "times": 3}
    running.sandbox.faults.order(FaultOrder(path=f"{URL}/models/spaces/delete", **refusal))
    done = doctor(file, "--conformance")
    assert done.exit_code == 1, done.output
    output = said(done.output)
    assert "could not be removed: 500, not today" in output
    (name,) = set(holdings()["spaces"]) - set(before["spaces"])
    assert f"--clean {name}" in output
    cleaned = doctor(file, "--clean", name)
    assert cleaned.exit_code == 0, cleaned.output
    assert holdings() == before
    assert doctor(file, "--clean", name).exit_code == 0


def test_cleaning_removes_everything_of_a_run_that_was_killed(
    connection: Connection, file: Path, holdings: Holdings
) -> None:
    before = holdings()
    with Project(connection) as project:
        Run(project, NAME, timeout_s=TIMEOUT_S).ask(cases_for(ProjectMode.HYBRID)[:-1])
    held = holdings()
    assert all(held[kind] != before[kind] for kind in before)
    planned = doctor(file, "--clean", NAME, "--dry-run")
    assert planned.exit_code == 0, planned.output
    lines = planned.output.splitlines()
    for start in ("3D model", "file", "asset", "node", "edge", "the data model of", "the view of", "throwaway space"):
        assert any(line.startswith(f"Would remove {start} ") for line in lines), start
    assert holdings() == held
    assert doctor(file, "--clean", NAME).exit_code == 0
    assert holdings() == before
    assert doctor(file, "--clean", NAME, "--dry-run").output == f"Nothing is left of {NAME}.\n"


def test_what_a_project_took_though_it_was_to_be_refused_is_removed(
    connection: Connection, file: Path, holdings: Holdings
) -> None:
    before = holdings()
    with Project(connection) as project:
        for case in cases_for(ProjectMode.HYBRID):
            if case.path == "/files" and case.expected.status == 400:
                assert project.send(
                    "POST", "/files", {"externalId": f"{NAME}_{case.body['externalId'].suffix}", "name": "n"}
                ).is_success
    assert holdings() != before
    assert doctor(file, "--clean", NAME).exit_code == 0
    assert holdings() == before


def test_only_names_of_runs_are_cleaned(running: RunningSandbox, file: Path) -> None:
    mutating = running.mutating()
    for name in ("captures360", "c360_conformance_", "c360_conformance_0123456789ab/.."):
        refused = doctor(file, "--clean", name)
        assert refused.exit_code == 1
        assert "is no name of a conformance run" in str(refused.exception)
    assert running.mutating() == mutating


def test_a_dry_run_lists_the_cases_and_asks_nothing(
    running: RunningSandbox, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    mutating = running.mutating()
    done = doctor(file, "--conformance", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "spaces-create" in done.output
    assert "the throwaway space" in said(done.output)
    assert f"{len(cases_for(ProjectMode.HYBRID))} cases" in done.output
    assert running.mutating() == mutating


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fix-list", "--conformance"], "--fix-list and --conformance do not belong together"),
        (["--conformance", "--site", "hall-7", "--panoramas", "9"], "--panoramas, --site and --conformance do not"),
        (["--clean", NAME, "--conformance", "--out", "answers"], "--conformance, --out and --clean do not"),
    ],
    ids=" ".join,
)
def test_options_that_would_do_nothing_are_refused(
    running: RunningSandbox, file: Path, options: list[str], said: str
) -> None:
    mutating = running.mutating()
    refused = doctor(file, *options)
    assert isinstance(refused.exception, ConfigError)
    assert said in str(refused.exception)
    assert running.mutating() == mutating


@pytest.mark.parametrize(
    ("options", "said"), [(["--dry-run"], "--conformance or --clean"), (["--out", "answers"], "--conformance")]
)
def test_options_that_belong_to_conformance(file: Path, options: list[str], said: str) -> None:
    refused = doctor(file, *options)
    assert refused.exit_code == 1
    assert said in str(refused.exception)
