"""Killed after any write to a data modeling project, then run again: no orphan, no double, the same end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture360.model import FACES
from cdf_sandbox.core.options import ProjectMode
from ingest_world import World
from local_cdf import RunningSandbox
from writes import Killed, Writes, kill, watched


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"mode": ProjectMode.DATA_MODELING}


@pytest.fixture
def world(running: RunningSandbox, tmp_path: Path) -> Iterator[World]:
    made = World(running, tmp_path, mode="data_modeling", scene="plant")
    yield made
    made.wipe()


def test_a_first_ingest(world: World) -> None:
    drop = world.drop("killed", stations=1)
    with watched(Writes()) as clean:
        world.ingest(drop)
    end = world.state()
    assert end["models"] == ["hall-7/killed"]
    assert any("3d/models" in line for line in clean.log)
    assert (len(end["scene"]["scenes"]), len(end["scene"]["edges"])) == (1, 1)
    for number in range(len(clean.log)):
        world.wipe()
        with watched(Writes(number, "after", kill)), pytest.raises(Killed):
            world.ingest(drop)
        world.ingest(drop)
        assert world.state() == end, f"killed after write {number}: {clean.log[number]}"


def test_no_image_is_seen_before_its_six_faces(world: World) -> None:
    """Whatever the run was killed at, a collection that is published shows whole images only."""
    drop = world.drop("whole", stations=2, collections=("", "east"))
    with watched(Writes()) as clean:
        world.ingest(drop)
    end = world.state()
    for number in range(len(clean.log)):
        world.wipe()
        with watched(Writes(number, "after", kill)), pytest.raises(Killed):
            world.ingest(drop)
        state = world.state()
        uploaded = {name for name, (_, there, _) in state["files"].items() if there}
        for image in state["nodes"]["Cognite360Image"].values():
            assert all(image[face]["externalId"] in uploaded for face in FACES)
        if any(node.get("published") for node in state["nodes"]["Cognite3DRevision"].values()):
            assert len(state["nodes"]["Cognite360Image"]) == 2
        world.ingest(drop)
        assert world.state() == end, f"killed after write {number}: {clean.log[number]}"
