"""A removal of what CDF extracted that breaks off in the middle is finished by the next run, or by a retraction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from capture360.errors import CdfError
from capture360.names import space_id
from capture360.steps.ingest import ingest
from capture360.steps.replaced_scans import NOTE
from capture360.steps.retract import plan_retraction, retract
from ingest_world import World
from local_cdf import fast_options, run_sandbox
from scans import ScanDrop, scan, write_scans


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    options = fast_options(tmp_path / "cdf", revision_queue=0, revision_processing=0)
    with run_sandbox(options) as running:
        yield World(running, tmp_path)


@pytest.fixture
def drop(world: World) -> ScanDrop:
    """A capture whose second revision leaves a scan out, and whose removal broke off after the images."""
    drop = write_scans(world.landing, "walk", {"west.e57": scan((1,)), "north.e57": scan((2,))})
    ingest(world.ctx(), drop.key)
    (drop.folder / "north.e57").unlink()
    write_scans(world.landing, "walk", {"west.e57": scan((1,))}, revision=2)
    fault = {"effect": "status", "method": "POST", "path": "*/models/instances/delete", "status": 400, "nth": 2}
    httpx.post(f"{world.running.base_url}/sandbox/faults", json=fault, trust_env=False).raise_for_status()
    with pytest.raises(CdfError, match="answered 400"):
        ingest(world.ctx("run 2"), drop.key)
    return drop


def there(world: World, drop: ScanDrop) -> tuple[int, int]:
    """The numbers of the capture's instances and of files."""
    client = world.cdf.client
    nodes = client.data_modeling.instances.list("node", space=space_id(drop.key), limit=None)
    return len(nodes), len(client.files.list(limit=None))


def test_the_next_run_removes_what_the_removed_images_used(world: World, drop: ScanDrop) -> None:
    nodes, files = there(world, drop)
    done = ingest(world.ctx("run 3"), drop.key).collected
    assert done is not None
    assert done.images == 1
    assert there(world, drop)[1] == files - 6
    assert there(world, drop)[0] < nodes
    assert world.records.note(drop.key, NOTE) is None
    ingest(world.ctx("run 4"), drop.key)
    plan = plan_retraction(world.ctx(), drop.key)
    names = {name for _, name in (*plan.made.images, *plan.made.collections, *plan.made.stations)}
    client = world.cdf.client
    found = client.data_modeling.instances.list("node", space=space_id(drop.key), limit=None)
    assert {node.external_id for node in found} == names


def test_a_retraction_removes_what_the_removed_images_used(world: World, drop: ScanDrop) -> None:
    retract(world.ctx("run 3"), drop.key, approved=None, by="Ada")
    assert there(world, drop) == (0, 0)
    assert plan_retraction(world.ctx(), drop.key).lines() == ["Nothing of it is in CDF."]
