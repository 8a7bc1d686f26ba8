"""Killed after any write to a scene, then run again: one scene, an edge a collection, shown as is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from capture360.capture_document import capture_document
from capture360.model import CaptureKey
from capture360.settings.scene import SceneSettings
from capture360.steps.scene import place, remove_from_scene
from capture360.steps.validation_record import CAPTURE
from captures import record_as_validated
from ingest_world import World
from kill_points import points
from record_files import document_paths
from viewer_reads import open_scene
from writes import Killed, Writes, kill, watched


@pytest.fixture
def in_scene(world: World) -> World:
    world.site = world.site.model_copy(update={"scene": SceneSettings(external_id="plant", space="scenes")})
    return world


def published(world: World, capture: str, supersedes: tuple[str, ...] = ()) -> Callable[[], object]:
    """A capture that is published; called, it is placed."""
    drop = world.drop(capture, stations=1)
    world.write(drop)
    fingerprint = record_as_validated(world.records, drop, world.site)
    body = capture_document(replace(drop.capture, supersedes=supersedes))
    world.records.put(drop.key, fingerprint, CAPTURE, body, run="test")
    return lambda: place(world.ctx(), drop.key, fingerprint)


def scene_of(world: World) -> tuple[Any, list[Any], int]:
    """The scene as the viewer loads it, and how many edges there are of any kind."""
    with world.running.http() as http:
        scene, collections = open_scene(http, "scenes", "plant")
    edges = world.cdf.client.data_modeling.instances.list("edge", limit=None)
    told = [(each.external_id, each.visible, each.transform.tolist()) for each in collections]
    return scene, sorted(told), len(edges)


def empty(world: World) -> None:
    client = world.cdf.client.data_modeling
    if client.spaces.retrieve("scenes") is not None:
        there = client.instances.list("node", space="scenes", limit=None).as_ids()
        if there:
            client.instances.delete(nodes=there)
        client.spaces.delete("scenes")
    for path in document_paths(world.records.store):
        if "/scene.json" in path or path.endswith("superseded.json"):
            world.records.store.remove(path)


def test_a_first_placement_and_one_that_supersedes(in_scene: World) -> None:
    world = in_scene
    place_old = published(world, "old")
    place_new = published(world, "new", supersedes=("old",))

    def both() -> None:
        place_old()
        place_new()

    with watched(Writes()) as clean:
        both()
    end = scene_of(world)
    assert [visible for _, visible, _ in end[1]] == [True, False]
    assert end[2] == 2
    assert sum(line.startswith("POST") for line in clean.log) == 5  # space, scene, edge; edge, hide
    for number in points(len(clean.log)):
        empty(world)
        with watched(Writes(number, kill)), pytest.raises(Killed):
            both()
        both()
        assert scene_of(world) == end, f"killed after write {number}: {clean.log[number]}"
    before = world.running.mutating()
    both()
    assert world.running.mutating() == before
    empty(world)


def test_retiring(in_scene: World) -> None:
    world = in_scene
    published(world, "kept")()
    kept = scene_of(world)
    place_other = published(world, "other")
    key = CaptureKey("hall-7", "other")
    place_other()
    with watched(Writes()) as clean:
        remove_from_scene(world.ctx(), key)
    assert len(clean.log) == 1
    place_other()
    with watched(Writes(0, kill)), pytest.raises(Killed):
        remove_from_scene(world.ctx(), key)
    remove_from_scene(world.ctx(), key)
    assert scene_of(world) == kept
    empty(world)
