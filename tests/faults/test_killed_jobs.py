"""E57 captures by Optimizer jobs killed after any write: one file, one job, one collection, one point cloud."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture360.cdf.three_d.jobs import Jobs
from capture360.model import CaptureKey
from capture360.steps import e57_extraction
from capture360.steps.ingest import ingest
from cdf_sandbox.core.options import ProjectMode
from ingest_world import CORE_IMAGE, CORE_MODEL, CORE_REVISION, World
from kill_points import Undisturbed, kill_points, undisturbed
from local_cdf import RunningSandbox
from scans import ScanDrop, write_scans
from writes import Killed, Writes, kill, watched

SPACE = "captures360"
WRITES = 45
"""Writes of a first ingest of one file of three panoramas."""


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"mode": ProjectMode.DATA_MODELING, "revision_queue": 0.2, "revision_processing": 0}


@pytest.fixture(scope="module")
def module_world(running: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("world")
    (root / "scratch").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(root / "scratch"))
        patch.setattr(e57_extraction, "FIRST_PAUSE_S", 0.1)
        yield World(running, root, "data_modeling", e57={"extraction": "cdf", "space": SPACE})


@pytest.fixture
def world(module_world: World) -> Iterator[World]:
    yield module_world
    begin_again(module_world)


def begin_again(world: World) -> None:
    """Nothing is left, and no job either."""
    jobs = Jobs(world.cdf)
    for job in list(jobs.all(SPACE)):
        jobs.remove(job)
    world.wipe()


def end(world: World, key: CaptureKey) -> dict[str, Any]:
    """What is to be there, but for the ids that CDF chose."""
    state = world.records.load(key)
    assert state is not None
    files = {file.instance_id.external_id: file for file in world.cdf.client.files.list(limit=None)}
    images = world.nodes(CORE_IMAGE, "").values()
    return {
        "jobs": [(job.external_id, job.status) for job in Jobs(world.cdf).all(SPACE)],
        "models": sorted(str(node["type"]) for node in world.nodes(CORE_MODEL, "").values()),
        "revisions": sorted((node["type"], node["status"]) for node in world.nodes(CORE_REVISION, "").values()),
        "scans": [(name, file.uploaded) for name, file in files.items() if file.mime_type == "model/e57"],
        "images": sorted(tuple(image[f"translation{axis}"] for axis in "XYZ") for image in images),
        "state": state.stage,
        "steps": sorted({record.step for record in state.records}),
        "left": sorted(path.name for path in Path(tempfile.gettempdir()).rglob("*.json")),
    }


@pytest.fixture(scope="module")
def drop(module_world: World) -> ScanDrop:
    return write_scans(module_world.landing, "killed")


@pytest.fixture(scope="module")
def clean(module_world: World, drop: ScanDrop) -> Undisturbed:
    made = undisturbed(lambda: ingest(module_world.ctx(), drop.key), lambda: end(module_world, drop.key))
    begin_again(module_world)
    return made


def test_every_write_is_a_kill_point(clean: Undisturbed) -> None:
    assert (len(clean.end["jobs"]), len(clean.end["images"]), clean.end["left"]) == (1, 3, [])
    assert sorted(kind for kind, _ in clean.end["revisions"]) == ["Image360", "PointCloud"]
    assert sum(line.endswith("/3d/jobs") for line in clean.log) == 1
    assert len(clean.log) == WRITES, "\n".join(clean.log)


@kill_points(WRITES)
def test_the_next_run_ends_the_same(world: World, drop: ScanDrop, clean: Undisturbed, number: int) -> None:
    with watched(Writes(number, kill)), pytest.raises(Killed):
        ingest(world.ctx(), drop.key)
    ingest(world.ctx(), drop.key)
    assert end(world, drop.key) == clean.end, clean.log[number]
    quiet = world.running.mutating()
    ingest(world.ctx(), drop.key)
    assert world.running.mutating() == quiet
