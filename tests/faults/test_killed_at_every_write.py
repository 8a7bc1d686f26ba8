"""Killed before or after any write, then run again: the same end as an undisturbed run.

The writes are not listed here: an undisturbed run logs them, and each of them is tried.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from capture360.errors import LeaseHeldError
from captures import Drop
from ingest_world import World
from local_cdf import RunningSandbox
from writes import Killed, Writes, kill, watched

ONE_INGEST = Path(__file__).parent / "one_ingest.py"


def undisturbed(world: World, drop: Drop) -> tuple[list[str], dict[str, object]]:
    """The log of a clean run's writes, and the state it ends in."""
    with watched(Writes()) as writes:
        world.ingest(drop)
    return writes.log, world.state()


def test_a_first_ingest(world: World) -> None:
    drop = world.drop("killed", stations=1)
    log, end = undisturbed(world, drop)
    assert {line.split()[0] for line in log} == {"POST", "PUT", "put", "create"}
    assert len(log) > 20
    for number in range(len(log)):
        for when in ("before", "after"):
            world.wipe()
            with watched(Writes(number, when, kill)), pytest.raises(Killed):
                world.ingest(drop)
            world.ingest(drop)
            assert world.state() == end, f"killed {when} write {number}: {log[number]}"


def test_another_run_takes_over_from_a_killed_one(world: World) -> None:
    drop = world.drop("orphaned", stations=1)
    log, end = undisturbed(world, drop)
    for number in range(0, len(log), 5):
        world.wipe()
        with watched(Writes(number, "after", kill)), pytest.raises(Killed):
            world.ingest(drop, run="dead")
        world.ingest(drop, run="next", is_finished=lambda run: run == "dead")
        assert world.state() == end, f"killed after write {number}: {log[number]}"


def test_a_new_revision(world: World) -> None:
    """Files that lose their image are removed in the end, wherever the run was killed once they were uploaded."""
    first = world.drop("revised", stations=1)
    world.ingest(first)
    second = world.drop("revised", stations=1, shade=60, revision=2)
    log, end = undisturbed(world, second)
    assert len(end["files"]) == 6
    assert any("delete" in line for line in log)
    uploaded = next(number for number, line in enumerate(log) if "faces.0" in line)
    for number in range(uploaded, len(log)):
        world.wipe()
        world.ingest(world.drop("revised", stations=1))
        second = world.drop("revised", stations=1, shade=60, revision=2)
        with watched(Writes(number, "after", kill)), pytest.raises(Killed):
            world.ingest(second)
        world.ingest(second)
        now = world.state()
        assert (now["files"], now["nodes"]) == (end["files"], end["nodes"]), f"killed after {number}: {log[number]}"


def test_a_new_revision_of_more_images_than_a_request_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that comes after a kill sees images half of which are re-pointed: what the first half showed is known."""
    monkeypatch.setattr("capture360.cdf.instances.WRITE_ITEMS", 2)
    world.ingest(world.drop("chunks", stations=3))
    log, end = undisturbed(world, world.drop("chunks", stations=3, shade=60, revision=2))
    assert len(end["files"]) == 18
    planned = next(number for number, line in enumerate(log) if "supersede" in line)
    writes = [number for number, line in enumerate(log) if number > planned and "models/instances" in line]
    assert len(writes) == 2, log
    for number in writes:
        world.wipe()
        world.ingest(world.drop("chunks", stations=3))
        second = world.drop("chunks", stations=3, shade=60, revision=2)
        with watched(Writes(number, "after", kill)), pytest.raises(Killed):
            world.ingest(second)
        world.ingest(second)
        now = world.state()
        assert (now["files"], now["nodes"]) == (end["files"], end["nodes"]), f"killed after {number}: {log[number]}"


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_process_that_is_gone_without_a_word(
    world: World, running: RunningSandbox, tmp_path: Path, share: float
) -> None:
    drop = world.drop(f"gone-{share:.0%}".rstrip("%"), stations=1)
    log, end = undisturbed(world, drop)
    world.wipe()
    number = int(share * len(log))
    done = subprocess.run(
        [sys.executable, str(ONE_INGEST), str(running.sandbox.options.data), str(tmp_path), str(drop.key), str(number)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ONE_INGEST.parent.parent)},
    )
    assert done.returncode == 137, done.stderr
    world.ingest(drop, run="next", is_finished=lambda run: run == "gone")
    assert world.state() == end


def test_two_runs_at_once_and_no_second_write(world: World, running: RunningSandbox) -> None:
    """At each tenth write of the first run a second one starts: it is told who works, and sends nothing."""
    drop = world.drop("twice", stations=1)
    log, _ = undisturbed(world, drop)
    refused = []

    def second_run() -> None:
        before = running.mutating()
        with pytest.raises(LeaseHeldError, match="is being written by the first"):
            world.ingest(drop, run="the second", is_finished=lambda run: False)
        refused.append(running.mutating() - before)

    for number in range(1, len(log) - 1, 7):
        world.wipe()
        with watched(Writes(number, "after", second_run)):
            world.ingest(drop, run="the first", is_finished=lambda run: False)
    assert refused
    assert set(refused) == {0}
