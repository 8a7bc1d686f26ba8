"""Kill a run after any write, run again: the same end as an undisturbed run.

The writes are not listed here: an undisturbed run logs them, and each is a test.
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
from kill_points import Undisturbed, kill_points, undisturbed
from local_cdf import RunningSandbox
from writes import Killed, Writes, kill, watched

ONE_INGEST = Path(__file__).parent / "one_ingest.py"
FIRST_INGEST = 47
"""Writes of a first ingest of one station."""
NEW_REVISION = 53
"""Writes of a delivery that changes every picture of one station."""


@pytest.fixture(scope="module")
def first_drop(module_world: World) -> Drop:
    return module_world.drop("killed", stations=1)


@pytest.fixture(scope="module")
def first_ingest(module_world: World, first_drop: Drop) -> Undisturbed:
    clean = undisturbed(lambda: module_world.ingest(first_drop), module_world.state)
    module_world.wipe()
    return clean


def first_revision(world: World) -> None:
    world.ingest(world.drop("revised", stations=1))


def second_revision(world: World) -> Drop:
    return world.drop("revised", stations=1, shade=60, revision=2)


@pytest.fixture(scope="module")
def new_revision(module_world: World) -> Undisturbed:
    first_revision(module_world)
    second = second_revision(module_world)
    clean = undisturbed(lambda: module_world.ingest(second), module_world.state)
    module_world.wipe()
    return clean


def test_every_write_is_a_kill_point(first_ingest: Undisturbed, new_revision: Undisturbed) -> None:
    assert {line.split()[0] for line in first_ingest.log} == {"POST", "PUT", "put", "create", "remove"}
    assert len(new_revision.end["files"]) == 6
    assert any("delete" in line for line in new_revision.log)
    assert (len(first_ingest.log), len(new_revision.log)) == (FIRST_INGEST, NEW_REVISION)


@kill_points(FIRST_INGEST)
def test_a_first_ingest(world: World, first_drop: Drop, first_ingest: Undisturbed, number: int) -> None:
    with watched(Writes(number, kill)), pytest.raises(Killed):
        world.ingest(first_drop)
    world.ingest(first_drop)
    assert world.state() == first_ingest.end, first_ingest.log[number]


@pytest.mark.parametrize("number", range(0, FIRST_INGEST, 5))
def test_another_run_takes_over_from_a_killed_one(
    world: World, first_drop: Drop, first_ingest: Undisturbed, number: int
) -> None:
    with watched(Writes(number, kill)), pytest.raises(Killed):
        world.ingest(first_drop, run="dead")
    world.ingest(first_drop, run="next", is_finished=lambda run: run == "dead")
    assert world.state() == first_ingest.end, first_ingest.log[number]


@kill_points(NEW_REVISION)
def test_a_new_revision(world: World, new_revision: Undisturbed, number: int) -> None:
    """Files that lose their image are removed in the end, wherever the run was killed."""
    first_revision(world)
    second = second_revision(world)
    with watched(Writes(number, kill)), pytest.raises(Killed):
        world.ingest(second)
    world.ingest(second)
    now = world.state()
    assert (now["files"], now["nodes"]) == (new_revision.end["files"], new_revision.end["nodes"]), new_revision.log[
        number
    ]


class AtTheNote(Writes):
    """Kills a run once it has noted what is published."""

    def begin(self, what: str) -> int:
        number = super().begin(what)
        if what.endswith("notes/published.json"):
            self._at, self._happen = number, kill
        return number


def test_a_new_revision_that_is_noted_as_published_and_not_recorded(world: World) -> None:
    """What is published is the noted delivery, so the next run compares it with itself."""
    first_revision(world)
    second = second_revision(world)
    with watched(AtTheNote()), pytest.raises(Killed):
        world.ingest(second)
    assert world.ingest(second).verified is not None


@pytest.mark.parametrize("request_number", [0, 1])
def test_a_new_revision_of_more_images_than_a_request_holds(
    world: World, monkeypatch: pytest.MonkeyPatch, request_number: int
) -> None:
    """A run that comes after a kill sees images half of which are re-pointed: what the first half showed is known."""
    monkeypatch.setattr("capture360.cdf.instances.WRITE_ITEMS", 2)
    world.ingest(world.drop("chunks", stations=3))
    second = world.drop("chunks", stations=3, shade=60, revision=2)
    clean = undisturbed(lambda: world.ingest(second), world.state)
    assert len(clean.end["files"]) == 18
    planned = next(number for number, line in enumerate(clean.log) if "supersede" in line)
    writes = [number for number, line in enumerate(clean.log) if number > planned and "models/instances" in line]
    assert len(writes) == 2, clean.log
    world.wipe()
    world.ingest(world.drop("chunks", stations=3))
    second = world.drop("chunks", stations=3, shade=60, revision=2)
    with watched(Writes(writes[request_number], kill)), pytest.raises(Killed):
        world.ingest(second)
    world.ingest(second)
    now = world.state()
    assert (now["files"], now["nodes"]) == (clean.end["files"], clean.end["nodes"])


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_process_that_exits_at_once(
    world: World, running: RunningSandbox, first_drop: Drop, first_ingest: Undisturbed, share: float
) -> None:
    number = int(share * len(first_ingest.log))
    data = str(running.sandbox.options.data)
    done = subprocess.run(
        [sys.executable, str(ONE_INGEST), data, str(world.root), str(first_drop.key), str(number)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ONE_INGEST.parent.parent)},
    )
    assert done.returncode == 137, done.stderr
    world.ingest(first_drop, run="next", is_finished=lambda run: run == "gone")
    assert world.state() == first_ingest.end


@pytest.mark.parametrize("number", range(1, FIRST_INGEST - 2, 7))
def test_two_runs_at_once_and_no_second_write(
    world: World, running: RunningSandbox, first_drop: Drop, number: int
) -> None:
    """A second run that starts at a write of the first is refused with the name of the first, and sends nothing.

    The last two writes release the lease and remove it.
    """
    refused = []

    def second_run() -> None:
        before = running.mutating()
        with pytest.raises(LeaseHeldError, match="is being written by the first"):
            world.ingest(first_drop, run="the second", is_finished=lambda run: False)
        refused.append(running.mutating() - before)

    with watched(Writes(number, second_run)):
        world.ingest(first_drop, run="the first", is_finished=lambda run: False)
    assert refused == [0]
