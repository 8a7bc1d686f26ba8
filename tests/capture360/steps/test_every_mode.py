"""One capture in all three modes, and in a scene of each: both generations of the viewer see the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest

import viewer
from capture360 import names
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import mode_of
from capture360.geometry.rotation import matrix_from_quaternion
from capture360.model import FACES
from capture360.steps.scene import remove_from_scene
from captures import Drop
from ingest_world import World
from local_cdf import fast_options, run_sandbox
from viewer_reads import Generation, Opened, Viewer, open_scene

MODES: tuple[ModeName, ...] = ("asset_centric", "hybrid", "data_modeling")
Ingested = tuple[World, Drop]


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[ModeName, Ingested]]:
    """One delivery, taken all the way into a project of each kind, with a scene."""
    root = tmp_path_factory.mktemp("modes")
    with ExitStack() as stack:
        worlds: dict[ModeName, Ingested] = {}
        for mode in MODES:
            options = fast_options(root / f"sandbox-{mode}", mode, list_lag=0.1, uploaded_lag=0.1, syncer_delay=0.2)
            world = World(stack.enter_context(run_sandbox(options)), root / mode, mode, scene={"external_id": "plant"})
            drop = world.drop("same", stations=3)
            world.ingest(drop)
            worlds[mode] = world, drop
        yield worlds


def opened(at: Ingested, mode: ModeName, generation: Generation, part: str = "") -> Opened:
    world, drop = at
    collection = (world.site.space, names.collection_id(drop.key, part))
    with world.running.http() as http:
        eyes = Viewer(http, generation)
        return eyes.open_core(*collection) if mode == "data_modeling" else eyes.open_legacy(*collection)


@pytest.mark.parametrize("generation", ["4.29", "4.35"])
@pytest.mark.parametrize("mode", MODES)
def test_the_viewer_sees_what_was_delivered(
    ingested: dict[ModeName, Ingested], mode: ModeName, generation: Generation
) -> None:
    drop = ingested[mode][1]
    seen = opened(ingested[mode], mode, generation)
    assert seen.label == "same"
    assert set(seen.images) == {names.image_id(drop.key, station.id) for station in drop.capture.stations}
    for station in drop.capture.stations:
        image = seen.images[names.image_id(drop.key, station.id)]
        delivered = matrix_from_quaternion(station.pose.rotation)
        assert image.position == pytest.approx(viewer.to_viewer(np.array(station.pose.position)), abs=1e-9)
        assert (
            pytest.approx(image.rotation @ viewer.to_viewer(np.eye(3)).T, abs=1e-9) == viewer.to_viewer(delivered.T).T
        )
        nameless = mode == "data_modeling" and generation == "4.29"
        assert image.label == ("" if nameless else station.name)
        for face in FACES:
            content = (drop.folder / drop.capture.media[station.id].faces[face]).read_bytes()
            assert image.faces[face] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("mode", MODES)
def test_the_scene_leaves_every_image_where_it_is_without_one(
    ingested: dict[ModeName, Ingested], mode: ModeName
) -> None:
    world, drop = ingested[mode]
    with world.running.http() as http:
        scene, collections = open_scene(http, world.site.space, "plant")
    camera = {f"camera{part}{axis}" for part in ("Translation", "EulerRotation") for axis in "XYZ"}
    assert camera < set(scene)
    assert scene["name"] == "Hall 7"
    (placed,) = collections
    assert (placed.space, placed.external_id) == (world.site.space, names.collection_id(drop.key))
    assert placed.visible
    for image in opened(ingested[mode], mode, "4.35").images.values():
        position = placed.transform @ [*image.position, 1]
        assert position[:3] == pytest.approx(image.position, abs=1e-9)
        assert placed.transform[:3, :3] @ image.rotation == pytest.approx(image.rotation, abs=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_the_same_capture_again_sends_nothing_that_writes(ingested: dict[ModeName, Ingested], mode: ModeName) -> None:
    world, drop = ingested[mode]
    before = world.running.mutating()
    done = world.ingest(drop, run="run 2")
    assert world.running.mutating() == before
    assert (done.uploaded, done.published and done.published.written, done.placed and done.placed.written) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["asset_centric", "data_modeling"])
def test_parts_of_a_capture_are_collections_of_their_own(ingested: dict[ModeName, Ingested], mode: ModeName) -> None:
    """Hybrid projects have the image store of asset-centric ones."""
    world, _ = ingested[mode]
    drop = world.drop("parts", stations=3, collections=("", "east", "Å/1"))
    done = world.ingest(drop)
    assert done.published is not None
    parts = {"": "parts", "east": "parts, east", "Å/1": "parts, Å/1"}
    assert {each.external_id for each in done.published.collections} == {
        names.collection_id(drop.key, part) for part in parts
    }
    for part, label in parts.items():
        seen = opened((world, drop), mode, "4.35", part)
        mine = [station.id for station in drop.capture.stations if station.collection == part]
        assert (seen.label, set(seen.images)) == (label, {names.image_id(drop.key, name) for name in mine})
    with world.running.http() as http:
        in_scene = {each.external_id for each in open_scene(http, world.site.space, "plant")[1]}
    assert {names.collection_id(drop.key, part) for part in parts} <= in_scene
    before = world.running.mutating()
    world.ingest(drop)
    assert world.running.mutating() == before

    model = mode_of(world.cdf).images(world.cdf, world.site)
    drop = world.drop("parts", stations=3, collections=("east",), revision=2)
    world.ingest(drop)
    assert [each.external_id for each in model.collections(drop.key)] == [names.collection_id(drop.key, "east")]
    assert len(opened((world, drop), mode, "4.29", "east").images) == 3
    with world.running.http() as http:
        in_scene = {each.external_id for each in open_scene(http, world.site.space, "plant")[1]}
    assert in_scene == {names.collection_id(ingested[mode][1].key), names.collection_id(drop.key, "east")}
    removed = model.remove(drop.key, dry_run=False)
    assert names.collection_id(drop.key, "east") in removed
    assert model.collections(drop.key) == []
    remove_from_scene(world.ctx(), drop.key)


def test_without_the_quarter_turn_a_scene_moves_everything() -> None:
    """The axis change that is made twice: CDF's (1, 2, 3) lands at (1, -2, -3) instead of (1, 3, -2)."""
    edge = {name: 0.0 for part in ("translation", "eulerRotation", "scale") for name in (f"{part}{a}" for a in "XYZ")}
    position = viewer.scene_transform(edge) @ [*viewer.to_viewer(np.array([1.0, 2.0, 3.0])), 1]
    assert position[:3] == pytest.approx([1, -2, -3])
