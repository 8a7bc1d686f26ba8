"""Sessions of real processes."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from capture360_local.stack.processes import Session, free_port, is_free, start_of

# Both sleep longer than any test: it is the test that ends them.
LEADER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], preexec_fn=os.setpgrp)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[str]]:
    """A session's leader whose child has left the leader's process group, as Airflow's tasks do."""
    with subprocess.Popen(
        [sys.executable, "-c", LEADER], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process
        process.kill()


def session_of(process: subprocess.Popen[str]) -> tuple[Session, int]:
    assert process.stdout is not None
    child = int(process.stdout.readline())
    return Session(process.pid, start_of(process.pid)), child


def test_members_in_groups_of_their_own_are_found_and_ended(leader: subprocess.Popen[str]) -> None:
    session, child = session_of(leader)
    assert session.led
    assert {process.pid for process in session.members()} == {leader.pid, child}
    assert session.kill() == ()
    assert session.members() == ()
    leader.wait(5)
    assert not session.led


def test_what_a_killed_leader_left_behind_is_found(leader: subprocess.Popen[str]) -> None:
    session, child = session_of(leader)
    leader.kill()
    leader.wait(5)
    assert not session.led
    assert [process.pid for process in session.members()] == [child]
    assert session.kill() == ()
    assert session.members() == ()


def test_another_process_with_the_leader_s_number_is_left_alone(leader: subprocess.Popen[str]) -> None:
    session, _ = session_of(leader)
    boot, _, ticks = session.started.rpartition(" ")
    for started in (f"{boot} {int(ticks) - 100}", f"another-boot {ticks}"):
        earlier = Session(session.leader, started)
        assert not earlier.led
        assert earlier.members() == ()
        assert earlier.kill() == ()
    assert leader.poll() is None


def test_a_step_of_the_clock_changes_nothing(leader: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """psutil adds the time of the boot, which the kernel derives from the clock."""
    session, child = session_of(leader)
    now = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: now(self) + 1.0)
    assert session.led
    assert {process.pid for process in session.members()} == {leader.pid, child}


def test_a_taken_port_is_not_chosen() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert free_port(port) != port
    assert is_free(port)
    assert free_port(port) == port


def test_the_own_session_is_that_of_this_process() -> None:
    assert Session.own().leader == os.getpid()
    assert Session.own().led
