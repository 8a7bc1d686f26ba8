"""What a stack leaves behind: no secret in its files, and no process, however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from capture360_local.stack import Stack, StackError
from capture360_local.stack.processes import Session, is_free
from running_stack import RunningStack
from waiting import eventually

LISTEN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""As in a terminal: a shell without job control has its background jobs, perhaps these tests, ignore SIGINT."""
UP = (sys.executable, "-c", f"{LISTEN}; from capture360_cli.main import run; run()", "stack", "up", "--state")


def nothing_is_left(stack: Stack) -> bool:
    known = json.loads(stack.home.status_file.read_text())
    session = Session(**known["session"])
    return not session.led and not session.members() and all(is_free(port) for port in known["ports"].values())


def test_no_log_record_or_report_holds_a_secret_or_an_upload_link(stack: RunningStack) -> None:
    home = stack.local.home
    secrets = [stack.local.sandbox_connection()["client_secret"], stack.local.password]
    files = [path for folder in (home.logs, home.airflow / "logs", home.records) for path in folder.rglob("*")]
    searched = [path for path in files if path.is_file()]
    if not any(path.name.startswith("faces") for path in home.records.rglob("*.json")):
        pytest.skip("run it with the other tests here: nothing was uploaded yet, so there is nothing to find")
    assert any("task_id=faces" in str(path) for path in searched), "Airflow keeps the logs of tasks elsewhere"
    for path in searched:
        content = path.read_text(encoding="utf-8", errors="replace")
        assert not [secret for secret in secrets if secret in content], path
        assert not re.search(r"/links/(upload|download)/\w", content), path


def test_a_dead_child_is_named_and_nothing_is_left_running(stack: RunningStack) -> None:
    """The last test of the running stack: it ends it."""
    local = stack.local
    os.kill(local.status().children["triggerer"], signal.SIGKILL)
    eventually(lambda: local.status().phase == "failed", "the stack to stop", 60)
    assert "The triggerer died (signal SIGKILL); see " in str(local.status().reason)
    eventually(lambda: nothing_is_left(local), "the end of all processes", 10)
    with pytest.raises(StackError, match="triggerer died"):
        local.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_start_in_the_foreground_ends_with_its_starter(tmp_path: Path, number: signal.Signals) -> None:
    stack = Stack(tmp_path / "local")
    with subprocess.Popen((*UP, str(stack.home.root), "--foreground"), start_new_session=True) as starter:
        try:
            eventually(lambda: "api-server" in stack.status().children, "Airflow to start", 60)
            starter.send_signal(number)
            starter.wait(60)
        finally:
            starter.kill()
    eventually(lambda: nothing_is_left(stack), "the end of all processes", 30)


def test_down_ends_what_a_killed_supervisor_left_behind(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "local")
    with subprocess.Popen((*UP, str(stack.home.root)), start_new_session=True) as starter:
        eventually(lambda: "scheduler" in stack.status().children, "Airflow to start", 60)
        os.kill(json.loads(stack.home.status_file.read_text())["session"]["leader"], signal.SIGKILL)
        starter.wait(60)
        assert starter.returncode == 1
    stack.down()
    assert nothing_is_left(stack)


def test_a_start_that_cannot_succeed_says_why(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "local")
    stack.home.prepare()
    (stack.home.airflow / "airflow.db").write_text("this is no database")
    with pytest.raises(StackError, match=r"database could not be prepared; see .*migration\.log"):
        stack.up(lambda _: None)
    assert nothing_is_left(stack)


def test_nothing_to_stop_is_no_error(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "local")
    assert stack.status().phase == "stopped"
    assert not stack.down()
