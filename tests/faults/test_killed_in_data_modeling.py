"""Kill a run after any write to a data modeling project, run again: no orphan, no double, the same end."""

from __future__ import annotations

from typing import Any

import pytest

from capture360.model import FACES
from captures import Drop
from cdf_sandbox.core.options import ProjectMode
from ingest_world import World
from kill_points import Undisturbed, kill_points, undisturbed
from local_cdf import RunningSandbox
from writes import Killed, Writes, kill, watched

WRITES = 68
"""Writes of a first ingest of two stations in two collections."""


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"mode": ProjectMode.DATA_MODELING}


@pytest.fixture(scope="module")
def module_world(running: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(running, tmp_path_factory.mktemp("world"), mode="data_modeling", scene={"external_id": "plant"})


@pytest.fixture(scope="module")
def drop(module_world: World) -> Drop:
    return module_world.drop("killed", stations=2, collections=("", "east"))


@pytest.fixture(scope="module")
def clean(module_world: World, drop: Drop) -> Undisturbed:
    made = undisturbed(lambda: module_world.ingest(drop), module_world.state)
    module_world.wipe()
    return made


def test_every_write_is_a_kill_point(clean: Undisturbed) -> None:
    assert any("3d/models" in line for line in clean.log)
    assert len(clean.end["scene"]["scenes"]) == 1
    assert len(clean.end["scene"]["edges"]) == 2
    assert clean.end["models"] == ["hall-7/killed"]
    assert len(clean.log) == WRITES


@kill_points(WRITES)
def test_no_image_is_seen_before_its_six_faces(world: World, drop: Drop, clean: Undisturbed, number: int) -> None:
    """At every kill point a published collection shows whole images only, and the next run ends as the clean one."""
    with watched(Writes(number, kill)), pytest.raises(Killed):
        world.ingest(drop)
    state = world.state()
    uploaded = {name for name, (_, there, _) in state["files"].items() if there}
    for image in state["nodes"]["Cognite360Image"].values():
        assert all(image[face]["externalId"] in uploaded for face in FACES)
    if any(node.get("published") for node in state["nodes"]["Cognite3DRevision"].values()):
        assert len(state["nodes"]["Cognite360Image"]) == 2
    world.ingest(drop)
    assert world.state() == clean.end, clean.log[number]
