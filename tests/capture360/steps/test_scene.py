"""Captures in their site's scene: added once, hidden when superseded, never moved back, taken out with data kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from cognite.client.data_classes.data_modeling import EdgeApply, NodeApply, NodeOrEdgeData, ViewId

import viewer
from capture360 import names
from capture360.capture_document import capture_document
from capture360.capture_state import VALIDATE
from capture360.cdf.images.scenes import Scene
from capture360.errors import CdfError, ConfigError, MissingStepError
from capture360.model import Capture, CaptureKey
from capture360.settings.scene import SceneSettings
from capture360.steps import scene
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.published import NOTE as PUBLISHED
from capture360.steps.published import earlier_captures, note_published
from capture360.steps.scene import SUPERSEDED, Placed, place, placing_writes, remove_from_scene, take_out
from capture360.steps.validation_record import CAPTURE
from captures import Drop, record_as_validated
from ingest_world import IMAGE_VIEW, World
from local_cdf import RunningSandbox
from viewer_reads import InScene, open_scene

PLACEMENT = ViewId("scene", "Image360CollectionProperties", "v1")
SCENE = ViewId("scene", "SceneConfiguration", "v1")


@pytest.fixture
def in_scene(running: RunningSandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., World]:
    """A world whose scene no other test uses."""

    def make(**settings: Any) -> World:
        scene = {"external_id": request.node.name, **settings}
        return World(running, tmp_path, scene=scene)

    return make


@pytest.fixture
def world(in_scene: Callable[..., World]) -> World:
    return in_scene()


def published(world: World, capture: str, supersedes: Sequence[str] = ()) -> tuple[Drop, str]:
    """A capture that went all the way but into the scene."""
    drop = world.drop(capture, stations=1)
    world.write(drop)
    fingerprint = record_as_validated(world.records, drop, world.site)
    capture = replace(drop.capture, supersedes=tuple(supersedes))
    world.records.put(drop.key, fingerprint, CAPTURE, capture_document(capture), run="test")
    note_published(world.records, capture, fingerprint)
    return drop, fingerprint


def placed(world: World, capture: str, supersedes: Sequence[str] = ()) -> Placed:
    drop, fingerprint = published(world, capture, supersedes)
    done = place(world.ctx(), drop.key, fingerprint)
    assert done is not None
    return done


def deliver_again(world: World, drop: Drop, first: str, capture: Capture) -> None:
    """Record a second delivery of a capture, with the same images."""
    for step in (VALIDATE, PUBLISH):
        record = world.records.get(drop.key, first, step)
        assert record is not None
        world.records.put(drop.key, "second", step, record.body, run="test")
    world.records.put(drop.key, "second", CAPTURE, capture_document(capture), run="test")


def shown(world: World) -> dict[str, InScene]:
    """What the viewer loads with the scene, by the collection's external id."""
    assert world.site.scene is not None
    with world.running.http() as http:
        _, collections = open_scene(http, world.site.scene.space or world.site.space, world.site.scene.external_id)
    assert len({each.external_id for each in collections}) == len(collections)
    return {each.external_id: each for each in collections}


def id_of(capture: str) -> str:
    return names.collection_id(CaptureKey("hall-7", capture))


def patch_edge(world: World, capture: str, **properties: object) -> None:
    """What a person does in a scene editor."""
    assert world.site.scene is not None
    scene = world.site.scene.external_id
    edge = EdgeApply(
        world.site.space,
        names.scene_edge_id(scene, world.site.space, id_of(capture)),
        ("scene", "SceneConfiguration.images360Collections"),
        (world.site.space, scene),
        (world.site.space, id_of(capture)),
        sources=[NodeOrEdgeData(PLACEMENT, properties)],
    )
    world.cdf.client.data_modeling.instances.apply(edges=edge)


def test_a_site_without_a_scene_has_none(running: RunningSandbox, tmp_path: Path) -> None:
    world = World(running, tmp_path)
    drop, fingerprint = published(world, "sceneless")
    before = running.mutating()
    assert place(world.ctx(), drop.key, fingerprint) is None
    assert running.mutating() == before
    with pytest.raises(ConfigError, match=r'Site "hall-7" has no scene. Name it as scene in the register'):
        remove_from_scene(world.ctx(), drop.key)


def test_collections_join_one_scene_and_a_second_run_writes_nothing(world: World) -> None:
    first = placed(world, "one")
    assert (first.space, first.written, first.hidden, first.collections) == ("captures360", 2, (), 1)
    second = placed(world, "two")
    assert second.written == 1
    assert set(shown(world)) == {id_of("one"), id_of("two")}
    before = world.running.mutating()
    assert placed(world, "two").written == 0
    assert world.running.mutating() == before


@pytest.mark.parametrize("space", [None, "scenes-to-come"])
def test_a_dry_run_names_the_node_and_the_edge(in_scene: Callable[..., World], space: str | None) -> None:
    world = in_scene(space=space)
    drop, fingerprint = published(world, "planned")
    before = world.running.mutating()
    scene, edge = placing_writes(world.ctx(), drop.capture)
    assert world.running.mutating() == before
    place(world.ctx(), drop.key, fingerprint)
    assert placing_writes(world.ctx(), drop.capture) == []
    assert remove_from_scene(world.ctx(), drop.key) == [edge]
    assert placing_writes(world.ctx(), drop.capture) == [edge]
    assert world.site.scene is not None
    assert scene == world.site.scene.external_id


def test_a_capture_that_is_not_published_is_told(world: World) -> None:
    drop = world.drop("early", stations=1)
    fingerprint = record_as_validated(world.records, drop, world.site)
    with pytest.raises(MissingStepError, match="hall-7/early: it has not been published"):
        place(world.ctx(), drop.key, fingerprint)


def test_a_scene_that_is_there_keeps_its_name_and_camera(world: World) -> None:
    published(world, "first")
    assert world.site.scene is not None
    camera = {f"camera{part}{axis}": 7.0 for part in ("Translation", "EulerRotation") for axis in "XYZ"}
    mine = {"name": "Mine", **camera}
    node = NodeApply(world.site.space, world.site.scene.external_id, sources=[NodeOrEdgeData(SCENE, mine)])
    world.cdf.client.data_modeling.instances.apply(node)
    assert placed(world, "first").written == 1
    with world.running.http() as http:
        scene, _ = open_scene(http, world.site.space, world.site.scene.external_id)
    assert scene == mine


def test_settings_place_the_camera_and_new_collections(in_scene: Callable[..., World]) -> None:
    """An alignment A is written as the Euler angles of A Rx(90 degrees): here a quarter turn about the vertical."""
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    world = in_scene(
        name="Plant", camera_translation=(1, 2, 3), camera_rotation_deg=(4, 5, 6), translation=(10, 20, 30),
        rotation_deg=(90, 90, 0), space="scenes",
    )  # fmt: skip
    done = placed(world, "aligned")
    assert done.space == "scenes"
    with world.running.http() as http:
        scene, (collection,) = open_scene(http, "scenes", done.scene)
    assert scene["name"] == "Plant"
    assert [scene[f"cameraTranslation{axis}"] for axis in "XYZ"] == [1, 2, 3]
    assert [scene[f"cameraEulerRotation{axis}"] for axis in "XYZ"] == [4, 5, 6]
    image = world.nodes(IMAGE_VIEW, "aligned")[names.image_id(CaptureKey("hall-7", "aligned"), "001")]
    position = np.array([image[f"translation{axis}"] for axis in "XYZ"])
    seen = collection.transform @ [*viewer.to_viewer(position), 1]
    assert seen[:3] == pytest.approx(viewer.to_viewer(quarter @ position + [10, 20, 30]))


def test_what_a_person_did_in_the_scene_stays(world: World) -> None:
    placed(world, "moved")
    patch_edge(world, "moved", translationX=5.0, eulerRotationX=80.0, defaultVisible=False)
    before = shown(world)[id_of("moved")]
    assert placed(world, "moved").written == 0
    after = shown(world)[id_of("moved")]
    assert after.transform == pytest.approx(before.transform)
    assert not after.visible


def test_a_collection_that_a_person_added_is_not_added_twice(world: World) -> None:
    placed(world, "other")
    drop, fingerprint = published(world, "byhand")
    assert world.site.scene is not None
    numbers = {f"{part}{axis}": 1.0 for part in ("translation", "eulerRotation", "scale") for axis in "XYZ"}
    edge = EdgeApply(
        world.site.space, "made-by-hand", ("scene", "SceneConfiguration.images360Collections"),
        (world.site.space, world.site.scene.external_id), (world.site.space, id_of("byhand")),
        sources=[NodeOrEdgeData(PLACEMENT, {
            "image360CollectionExternalId": id_of("byhand"), "image360CollectionSpace": world.site.space, **numbers,
            "defaultVisible": True,
        })],
    )  # fmt: skip
    world.cdf.client.data_modeling.instances.apply(edges=edge)
    done = place(world.ctx(), drop.key, fingerprint)
    assert done is not None
    assert (done.written, done.collections) == (0, 2)


def test_a_newer_capture_hides_the_one_it_supersedes(world: World) -> None:
    placed(world, "may")
    done = placed(world, "june", supersedes=["may"])
    assert done.hidden == ("hall-7/may",)
    assert {name: each.visible for name, each in shown(world).items()} == {id_of("may"): False, id_of("june"): True}
    before = world.running.mutating()
    assert placed(world, "may").written == 0
    assert placed(world, "june", supersedes=["hall-7/may"]).written == 0
    assert world.running.mutating() == before


def test_a_capture_that_is_shown_again_is_not_hidden_again(world: World) -> None:
    placed(world, "old")
    placed(world, "new", supersedes=["old"])
    patch_edge(world, "old", defaultVisible=True)
    placed(world, "new", supersedes=["old"])
    assert shown(world)[id_of("old")].visible


def test_a_superseded_capture_that_comes_later_is_hidden_at_once(world: World) -> None:
    placed(world, "newer", supersedes=["older"])
    assert any("hall-7/newer supersedes hall-7/older, which is not in scene" in line for line in world.said)
    placed(world, "older")
    assert not shown(world)[id_of("older")].visible


def test_a_superseded_capture_that_comes_again_without_its_records_is_hidden_once(world: World) -> None:
    placed(world, "lost")
    shutil.rmtree(world.root / "records" / "hall-7" / "lost")
    placed(world, "its-successor", supersedes=["lost"])
    placed(world, "lost")
    assert not shown(world)[id_of("lost")].visible
    patch_edge(world, "lost", defaultVisible=True)
    placed(world, "lost")
    assert shown(world)[id_of("lost")].visible


def test_a_name_that_is_no_capture_becomes_none(world: World) -> None:
    placed(world, "newest", supersedes=["2026-5"])
    assert "2026-5" not in {key.capture for key in world.records.keys_of("hall-7")}


def test_what_a_retracted_capture_superseded_is_shown_whenever_it_came(world: World) -> None:
    placed(world, "june", supersedes=["may"])
    placed(world, "may")
    assert not shown(world)[id_of("may")].visible
    take_out(world.ctx(), CaptureKey("hall-7", "june"))
    assert shown(world)[id_of("may")].visible
    assert world.records.note(CaptureKey("hall-7", "may"), SUPERSEDED) is None
    placed(world, "june", supersedes=["may"])
    assert not shown(world)[id_of("may")].visible


@pytest.mark.parametrize("later", ["another", ""])
def test_what_a_retracted_capture_hid_is_shown_in_the_scene_that_the_site_named_before(
    in_scene: Callable[..., World], later: str
) -> None:
    world = in_scene()
    placed(world, "may")
    placed(world, "june", supersedes=["may"])
    before = world.site
    world.site = before.model_copy(update={"scene": SceneSettings(external_id=later) if later else None})
    take_out(world.ctx(), CaptureKey("hall-7", "june"))
    world.site = before
    assert {name: each.visible for name, each in shown(world).items()} == {id_of("may"): True}


@pytest.mark.parametrize("change", ["remove", "show"])
def test_a_scene_before_that_cannot_be_changed_stops_no_retraction(
    world: World, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    placed(world, "may")
    placed(world, "june", supersedes=["may"])
    world.site = world.site.model_copy(update={"scene": None})

    def refused(*_: object) -> None:
        raise CdfError("Reading instances: CDF answered 403.")

    monkeypatch.setattr(Scene, change, refused)
    take_out(world.ctx(), CaptureKey("hall-7", "june"))
    assert any("CDF answered 403" in line and "hid in scene" in line for line in world.said)
    assert world.records.note(CaptureKey("hall-7", "may"), SUPERSEDED) is None


def test_a_revision_that_supersedes_nothing_any_more_shows_it_in_the_scene_that_the_site_named_before_too(
    in_scene: Callable[..., World],
) -> None:
    world = in_scene()
    placed(world, "may")
    drop, first = published(world, "june", supersedes=["may"])
    place(world.ctx(), drop.key, first)
    before = world.site
    world.site = before.model_copy(update={"scene": SceneSettings(external_id="another_of_later")})
    deliver_again(world, drop, first, replace(drop.capture, supersedes=(), revision=2))
    place(world.ctx(), drop.key, "second")
    world.site = before
    assert shown(world)[id_of("may")].visible


def test_a_retraction_reads_once_what_is_published(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for older in ("march", "april", "may"):
        placed(world, older)
    placed(world, "june", supersedes=["march", "april", "may"])
    read = []

    def counted(*args: Any) -> Any:
        read.append(args)
        return earlier_captures(*args)

    monkeypatch.setattr(scene, "earlier_captures", counted)
    take_out(world.ctx(), CaptureKey("hall-7", "june"))
    assert len(read) == 1
    assert all(each.visible for each in shown(world).values())


def test_what_another_capture_still_supersedes_stays_hidden(world: World) -> None:
    placed(world, "may")
    for capture in ("june", "july", "june"):
        placed(world, capture, supersedes=["may"])
    take_out(world.ctx(), CaptureKey("hall-7", "june"))
    world.records.remove_note(CaptureKey("hall-7", "june"), PUBLISHED)  # as the retraction does last
    assert not shown(world)[id_of("may")].visible
    take_out(world.ctx(), CaptureKey("hall-7", "july"))
    assert shown(world)[id_of("may")].visible


def test_a_note_that_two_runs_wrote_at_once_shows_nothing_that_is_superseded(world: World) -> None:
    placed(world, "may")
    may = CaptureKey("hall-7", "may")
    placed(world, "june", supersedes=["may"])
    alone = dict(world.records.note(may, SUPERSEDED) or {})
    placed(world, "july", supersedes=["may"])
    world.records.put_note(may, SUPERSEDED, alone)
    take_out(world.ctx(), CaptureKey("hall-7", "june"))
    assert not shown(world)[id_of("may")].visible
    assert (world.records.note(may, SUPERSEDED) or {})["by"] == ["hall-7/july"]


def test_a_damaged_note_of_an_older_capture_does_not_stop_the_newer_one(world: World) -> None:
    placed(world, "may")
    note = f"hall-7/may/notes/{SUPERSEDED}.json"
    world.records.store.put(note, b"{")
    assert placed(world, "june", supersedes=["may"]).hidden == ("hall-7/may",)
    assert any(f"{SUPERSEDED}.json" in line for line in world.said)
    assert not shown(world)[id_of("may")].visible
    world.records.store.put(note, b"{")
    placed(world, "may")
    take_out(world.ctx(), CaptureKey("hall-7", "june"))


def test_what_a_later_delivery_no_longer_supersedes_is_shown(world: World) -> None:
    placed(world, "march")
    drop, first = published(world, "april", supersedes=["march"])
    place(world.ctx(), drop.key, first)
    assert not shown(world)[id_of("march")].visible
    deliver_again(world, drop, first, replace(drop.capture, supersedes=(), revision=2))
    place(world.ctx(), drop.key, "second")
    assert shown(world)[id_of("march")].visible


def test_a_retired_capture_leaves_the_scene_and_keeps_its_data(world: World) -> None:
    placed(world, "kept")
    drop, _ = published(world, "retired")
    placed(world, "retired")
    state = world.state()
    (edge,) = remove_from_scene(world.ctx(), drop.key)
    assert set(shown(world)) == {id_of("kept")}
    assert edge == names.scene_edge_id(world.ctx().site.scene.external_id, world.site.space, id_of("retired"))
    after = world.state()
    assert (after["files"], after["nodes"]) == (state["files"], state["nodes"])
    assert remove_from_scene(world.ctx(), drop.key) == []


def test_a_scene_that_is_nearly_full_is_told(world: World, http_of: Callable[[World], httpx.Client]) -> None:
    placed(world, "last")
    fill(http_of(world), world, 88)
    assert not any("Warning" in line for line in world.said)
    placed(world, "last")
    assert not any("Warning" in line for line in world.said)
    fill(http_of(world), world, 89)
    placed(world, "last")
    (warning,) = [line for line in world.said if line.startswith("Warning")]
    assert "holds 90 collections, and viewers load 100" in warning


@pytest.fixture
def http_of() -> Iterator[Callable[[World], httpx.Client]]:
    made: list[httpx.Client] = []

    def client(world: World) -> httpx.Client:
        made.append(world.running.http())
        return made[-1]

    yield client
    for each in made:
        each.close()


def fill(http: httpx.Client, world: World, count: int) -> None:
    """So many other collections in the scene."""
    assert world.site.scene is not None
    scene = {"space": world.site.space, "externalId": world.site.scene.external_id}
    numbers = {f"{part}{axis}": 1.0 for part in ("translation", "eulerRotation", "scale") for axis in "XYZ"}
    items = [
        {
            "instanceType": "edge", "space": world.site.space, "externalId": f"filler_{number}",
            "type": {"space": "scene", "externalId": "SceneConfiguration.images360Collections"},
            "startNode": scene, "endNode": scene,
            "sources": [{
                "source": {
                    "type": "view", "space": "scene", "externalId": "Image360CollectionProperties", "version": "v1",
                },
                "properties": {
                    "image360CollectionExternalId": f"filler_{number}", "image360CollectionSpace": "far", **numbers,
                },
            }],
        }
        for number in range(count)
    ]  # fmt: skip
    assert http.post("/models/instances", json={"items": items}).status_code == 200
