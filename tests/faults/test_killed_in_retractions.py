"""A capture is retracted: CDF is as before its ingest, beside a second capture, also when killed after any write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from capture360.capture_state import Stage
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import decision_store
from capture360.matching.decisions import Decided
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.steps.decisions_in_cdf import memory_of
from capture360.steps.retract import plan_retraction, retract
from capture360_local.demo.container import deploy_container
from captures import Drop
from confirmed_deliveries import MODES, link
from ingest_world import World
from kill_points import points
from suggested_links import TAGS, outline, world_of
from writes import Killed, Writes, kill, watched

KEY, BESIDE = CaptureKey("hall-7", "undone"), CaptureKey("hall-7", "beside")


@pytest.fixture(params=MODES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A project that holds one capture already, with a link."""
    mode: ModeName = request.param
    with ExitStack() as stack:
        world = world_of(stack, mode, tmp_path)
        if mode == "data_modeling":
            deploy_container(world.cdf.client)
        beside = world.drop("beside", stations=1)
        world.write(beside)
        link(world, beside, {TAGS[5]: "001"})
        reject(world, beside)
        yield world


def reject(world: World, drop: Drop) -> None:
    """A person has rejected a suggested link."""
    seen = Detection("image", "front", TAGS[9], 0.7, outline(0.6, 0.6, 0.1))
    suggested = Match(seen, Asset(f"plant/{TAGS[9]}", TAGS[9], ()), 0.6, "suggested", "similar")
    memory_of(world.ctx(), drop.key).decide([Decided(suggested, "rejected", "Ada", "2026-01-02T03:04:05+00:00")])


def cdf(world: World) -> dict[str, Any]:
    """What the project holds: files, instances and edges, annotations and 3D models."""
    client = world.cdf.client
    url = f"/api/v1/projects/{world.connection.project}/annotations/list"
    asked = [
        {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": file.id}]}
        for file in client.files.list(limit=None)
    ]
    annotations = [item["id"] for each in asked for item in client.post(url, {"filter": each}).json()["items"]]
    edges = client.data_modeling.instances.list("edge", limit=None)
    state = {name: value for name, value in world.state().items() if name != "records"}
    for nodes in state["nodes"].values():
        for name in [name for name in nodes if name.startswith("cog_3d_object_")]:
            del nodes[name]  # CDF made it for an asset when that was linked first, and it is the asset's since then
    store = decision_store(world.cdf, world.site)
    return {
        **state,
        "decisions": [each for key in (KEY, BESIDE) for each in store.read(key)] if store else [],
        "edges": sorted((edge.space, edge.external_id) for edge in edges),
        "annotations": sorted(annotations),
    }


def ingested(world: World, revision: int) -> Drop:
    """Two stations with a link each."""
    drop = world.drop("undone", stations=2, revision=revision)
    world.write(drop)
    link(world, drop, {TAGS[0]: "001", TAGS[1]: "002"})
    reject(world, drop)
    return drop


def test_cdf_is_as_before_the_ingest_wherever_it_is_killed(world: World) -> None:
    before = cdf(world)
    ingested(world, 1)
    plan = plan_retraction(world.ctx(), KEY)
    assert plan.holders == ()
    kinds = plan.made.by_kind()
    assert (len(kinds["images"]), len(kinds["stations"]), len(kinds["face files"])) == (2, 2, 12)
    assert len(plan.links) == 2
    assert len(plan.decisions) == (world.connection.mode == "data_modeling")
    with watched(Writes()) as undisturbed:
        retract(world.ctx(), KEY, approved=plan.digest, by="Ada")
    assert cdf(world) == before
    assert len(undisturbed.log) > 8
    for number in points(len(undisturbed.log)):
        ingested(world, 2 + number)
        with pytest.raises(Killed), watched(Writes(number, kill)):
            retract(world.ctx(), KEY, approved=None, by="Ada")
        world.forget_the_token()
        retract(world.ctx("again"), KEY, approved=None, by="Ada")
        assert cdf(world) == before, undisturbed.log[number]
        state = world.records.load(KEY)
        assert state is not None
        assert state.stage is Stage.RETRACTED
        assert world.records.note(KEY, "retraction") is None
    with watched(Writes()) as again:
        retract(world.ctx(), KEY, approved=None, by="Ada")
    assert [each for each in again.log if "token" not in each] == []
