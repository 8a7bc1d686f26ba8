"""Killed after any write of decisions to CDF and of their copy, then run again: the same decisions in both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Literal

import pytest
from cognite.client.data_classes.data_modeling import SpaceApply

from capture360.cdf.links.decision_nodes import DecisionNodes
from capture360.matching.decisions import NOTE, Decided
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import MEMORY
from capture360.steps.decisions_in_cdf import memory_of, refreshed
from capture360.steps.link_state import LinkMemory
from capture360_local.demo.container import deploy_container
from ingest_world import World
from record_files import document_paths
from suggested_links import outline, world_of
from writes import Killed, Writes, kill, watched


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        made = world_of(stack, "data_modeling", tmp_path_factory.mktemp("decisions"))
        made.cdf.client.data_modeling.spaces.apply(SpaceApply(made.site.space))
        deploy_container(made.cdf.client)
        yield made


def decided(tag: str, x: float, status: Literal["approved", "rejected"], day: int) -> Decided:
    link = Match(
        Detection("image", "front", tag, 0.7, outline(x, 0.2, 0.15)), Asset(tag, tag, (tag,)), 0.6, "suggested", ""
    )
    return Decided(link, status, "Ada", f"2026-01-{day:02}T03:04:05+00:00")


OLD = [decided("P-1", 0.2, "approved", 1), decided("P-2", 0.5, "approved", 1)]
NEW = [decided("P-1", 0.21, "rejected", 2), decided("P-3", 0.5, "rejected", 2)]
"""The first is about a link of OLD whose outline was read otherwise, so that it has another node."""


def begun(world: World, key: CaptureKey, scenario: str) -> None:
    """Decisions in CDF, or in the note alone, as of a project that had no container yet."""
    memory = memory_of(world.ctx(), key) if scenario != "taken over" else LinkMemory(world.records, key)
    memory.decide(OLD)


def work(world: World, key: CaptureKey, scenario: str) -> None:
    refreshed(world.ctx(), key)
    if scenario == "taken out":
        memory_of(world.ctx(), key).take_out_of_cdf()
    else:
        memory_of(world.ctx(), key).decide(NEW)


def state(world: World, key: CaptureKey) -> dict[str, Any]:
    return {
        "cdf": list(DecisionNodes(world.cdf, world.site).read(key).values()),
        "note": LinkMemory(world.records, key).decisions(),
        "memory": [path.removeprefix(str(key)) for path in document_paths(world.records.store, f"{key}/{MEMORY}")],
    }


@pytest.mark.parametrize(("scenario", "writes", "left"), [("decided", 3, 3), ("taken over", 6, 3), ("taken out", 2, 0)])
def test_the_next_run_ends_the_same(world: World, scenario: str, writes: int, left: int) -> None:
    first = CaptureKey("hall-7", f"{scenario}-clean".replace(" ", "-"))
    begun(world, first, scenario)
    with watched(Writes()) as clean:
        work(world, first, scenario)
    end = state(world, first)
    kept, memory = (OLD, [f"/{MEMORY}/{NOTE}.json"]) if scenario == "taken out" else (end["cdf"], [])
    assert (len(clean.log), len(end["cdf"]), end["memory"]) == (writes, left, memory), "\n".join(clean.log)
    assert end["note"] == kept
    for number, write in enumerate(clean.log):
        key = CaptureKey("hall-7", f"{scenario}-{number}".replace(" ", "-"))
        begun(world, key, scenario)
        with watched(Writes(number, kill)), pytest.raises(Killed):
            work(world, key, scenario)
        work(world, key, scenario)
        assert state(world, key) == end, write


def test_a_decision_that_was_written_replaces_the_earlier_one_that_a_killed_run_left(world: World) -> None:
    key = CaptureKey("hall-7", "half-replaced")
    memory_of(world.ctx(), key).decide(OLD)
    with watched(Writes(0, kill)), pytest.raises(Killed):
        memory_of(world.ctx(), key).decide(NEW)
    assert len(state(world, key)["cdf"]) == 4, "both are there"
    ends = [OLD[1], *NEW]
    assert memory_of(world.ctx(), key).decisions() == [each.bare() for each in ends]
    memory = refreshed(world.ctx(), key)
    assert memory.decisions() == state(world, key)["cdf"] == state(world, key)["note"]
    assert len(memory.decisions()) == 3
