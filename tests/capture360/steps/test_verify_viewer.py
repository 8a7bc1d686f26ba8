"""What viewers silently leave out is refused when a capture is verified; what others wrote is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cognite.client.data_classes.data_modeling import (
    ContainerId,
    DirectRelationReference,
    EdgeApply,
    NodeApply,
    NodeId,
    NodeOrEdgeData,
    ViewId,
)

from capture360 import names
from capture360.capture_document import capture_document
from capture360.errors import CdfError
from capture360.model import Pose
from capture360.steps.sampling import Verified
from capture360.steps.scene import place
from capture360.steps.validation_record import CAPTURE
from capture360.steps.verify import verify
from capture360.steps.verify_viewer import floors
from captures import Drop, record_as_validated
from cdf_sandbox.core.options import ProjectMode
from ingest_world import CORE_IMAGE, World
from local_cdf import RunningSandbox, fast_options, run_sandbox

SPACE = "captures360"
MODES = ("asset_centric", "data_modeling")
LEGACY_IMAGE = ViewId("cdf_360_image_schema", "Image360", "v1")
TRANSFORMATION = ContainerId("cdf_cdm_3d", "Cognite3DTransformation")
PLACEMENT = "scene:Image360CollectionProperties"
TRIANGLE = [3, 1.5, 0.1, 1.5, 0.2, 1.6, 0.2]


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, RunningSandbox]]:
    root = tmp_path_factory.mktemp("cdf")
    with (
        run_sandbox(fast_options(root / "classic", ProjectMode.ASSET_CENTRIC)) as classic,
        run_sandbox(fast_options(root / "core", ProjectMode.DATA_MODELING)) as core,
    ):
        yield {"asset_centric": classic, "data_modeling": core}


class Published:
    """A capture of two stations that went into CDF and into a scene."""

    def __init__(self, world: World, name: str, **how: Any) -> None:
        self.world = world
        self.drop: Drop = world.drop(name, stations=2)
        self.drop = replace(self.drop, capture=replace(self.drop.capture, **how))
        world.write(self.drop)
        self.fingerprint = record_as_validated(world.records, self.drop, world.site)
        place(world.ctx(), self.drop.key, self.fingerprint)
        self.collection = names.collection_id(self.drop.key)
        self.image = names.image_id(self.drop.key, "001")
        self.station = names.station_id(self.drop.key, "001")
        self.instances = world.cdf.client.data_modeling.instances

    def verify(self) -> Verified:
        return verify(self.world.ctx(), self.drop.key, self.fingerprint)

    def patch(self, node: str, source: ViewId | ContainerId, **properties: object) -> None:
        """What somebody writes by plain requests."""
        self.instances.apply(NodeApply(SPACE, node, sources=[NodeOrEdgeData(source, properties)]))

    def lose(self, container: str, external_id: str, *properties: str) -> None:
        """As in a project where these may be missing: the containers of scenes are not public."""
        with self.world.running.sandbox.write() as db:
            changed = db.execute(
                "UPDATE dms_data SET doc = json_remove(doc, " + ", ".join("?" for _ in properties) + ")"
                " WHERE container = ? AND instance = (SELECT id FROM dms_instance WHERE external_id = ?)",
                (*(f"$.{name}" for name in properties), container, external_id),
            )
        assert changed.rowcount == 1

    def link(self, polygon: list[float], version: str | None) -> None:
        """A link with an asset that somebody draws on the first image."""
        thing, asset = f"object-{self.image}", f"asset-{self.image}"
        self.patch(thing, ViewId("cdf_cdm", "Cognite3DObject", "v1"))
        relation = {"space": SPACE, "externalId": thing}
        self.patch(asset, ViewId("cdf_cdm", "CogniteAsset", "v1"), name="P-101", object3D=relation)
        self.draw(thing, polygon, version)

    def draw(self, thing: str, polygon: list[float], version: str | None) -> None:
        properties = {"polygon": polygon, "formatVersion": version, "status": "Approved"}
        edge = EdgeApply(
            SPACE,
            f"link-{self.image}",
            type=DirectRelationReference("cdf_cdm", "image-360-annotation"),
            start_node=DirectRelationReference(SPACE, thing),
            end_node=DirectRelationReference(SPACE, self.image),
            sources=[NodeOrEdgeData(ViewId("cdf_cdm", "Cognite360ImageAnnotation", "v1"), properties)],
        )
        self.instances.apply(edges=edge)


@pytest.fixture
def world(projects: Mapping[str, RunningSandbox], tmp_path: Path, request: pytest.FixtureRequest) -> World:
    mode = getattr(request, "param", "data_modeling")
    name = request.node.name.split("[")[0]
    return World(projects[mode], tmp_path, mode, scene={"external_id": f"{name}-{mode}"})


both_modes = pytest.mark.parametrize("world", MODES, indirect=True)


@both_modes
def test_what_viewers_show_is_not_reported_and_the_switch_is_named(world: World) -> None:
    verified = Published(world, "sound").verify()
    assert verified.reported == ()
    assert verified.viewer == {"asset_centric": "classic", "data_modeling": "core"}[world.connection.mode]
    wanted = {"classic": "leave useCoreDm off", "core": "set useCoreDm: true"}[verified.viewer]
    assert wanted in world.said[-2]


@pytest.mark.parametrize("number", ["translationZ", "eulerRotationX", "scaleY", "image360CollectionSpace"])
def test_a_scene_edge_without_a_number(world: World, number: str) -> None:
    published = Published(world, "edge")
    scene = world.site.scene
    assert scene is not None
    edge = names.scene_edge_id(scene.external_id, SPACE, published.collection)
    published.lose(PLACEMENT, edge, number)
    nameless = number.startswith("image360")
    expected = "is not in scene" if nameless else f"Edge {edge} .* has no {number}, and viewers drop such a collection"
    with pytest.raises(CdfError, match=f"{expected}.*Clear the task"):
        published.verify()
    place(world.ctx(), published.drop.key, published.fingerprint)
    assert published.verify().reported == ()


def test_an_incomplete_edge_of_another_collection_is_reported(world: World) -> None:
    published = Published(world, "neighbour")
    scene = world.site.scene
    assert scene is not None
    edge = EdgeApply(
        SPACE,
        f"foreign-{scene.external_id}",
        ("scene", "SceneConfiguration.images360Collections"),
        (SPACE, scene.external_id),
        (SPACE, published.collection),
    )
    published.instances.apply(edges=edge)
    (reported,) = published.verify().reported
    assert reported.startswith(
        f"Edge foreign-{scene.external_id} of scene {scene.external_id} has no image360CollectionExternalId"
    )


def test_a_collection_that_left_its_scene(world: World) -> None:
    from capture360.steps.scene import remove_from_scene

    published = Published(world, "left")
    remove_from_scene(world.ctx(), published.drop.key)
    with pytest.raises(CdfError, match=f"Collection {published.collection} is not in scene"):
        published.verify()


def test_a_scene_without_a_camera(world: World) -> None:
    published = Published(world, "camera")
    assert world.site.scene is not None
    scene = world.site.scene.external_id
    published.lose("scene:SceneConfiguration", scene, "cameraTranslationX")
    with pytest.raises(CdfError, match=f"Scene {scene} has no cameraTranslationX, and viewers cannot open it"):
        published.verify()


def test_a_station_without_its_group_type(world: World) -> None:
    published = Published(world, "stations")
    published.patch(published.station, ContainerId("cdf_cdm_3d", "Cognite3DGroup"), groupType=None)
    with pytest.raises(CdfError, match=f"Station {published.station} has no groupType where groupType Station360 is"):
        published.verify()


@pytest.mark.parametrize("kind", [None, "PointCloud"])
def test_a_model_of_another_type(world: World, kind: str | None) -> None:
    published = Published(world, f"model-{kind}".lower())
    revision = world.properties(("cdf_cdm", "Cognite3DRevision", "v1"), published.collection)
    assert revision is not None
    model = revision["model3D"]["externalId"]
    published.patch(model, ContainerId("cdf_cdm_3d", "Cognite3DModel"), type=kind)
    has = "has type PointCloud" if kind else "has no type"
    with pytest.raises(CdfError, match=f"Model {model} of collection {published.collection} {has} where Image360"):
        published.verify()


def test_a_collection_of_another_type(world: World) -> None:
    published = Published(world, "type")
    published.patch(published.collection, ContainerId("cdf_cdm_3d", "Cognite3DRevision"), type=None)
    with pytest.raises(CdfError, match=f"Collection {published.collection} has no type, and viewers load it with"):
        published.verify()


def test_a_collection_without_a_model(world: World) -> None:
    published = Published(world, "orphan")
    published.patch(published.collection, ContainerId("cdf_cdm_3d", "Cognite3DRevision"), model3D=None)
    with pytest.raises(CdfError, match="belongs to no 360 image model"):
        published.verify()


@both_modes
def test_an_image_without_a_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotation of zero is what a missing one is read as, so that the pose alone shows nothing."""
    monkeypatch.setattr("captures.station_pose", lambda number: Pose((1.5 * number, 2.0, 1.6), (1, 0, 0, 0)))
    published = Published(world, "numbers")
    source = LEGACY_IMAGE if world.connection.mode == "asset_centric" else TRANSFORMATION
    published.patch(published.image, source, eulerRotationX=None)
    with pytest.raises(CdfError, match=f"Image {published.image} has no eulerRotationX, and viewers cannot open"):
        published.verify()


@both_modes
def test_a_face_without_content(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.site = world.site.model_copy(update={"verify": "off"})
    published = Published(world, "faces")
    client = world.cdf.client
    if world.connection.mode == "data_modeling":
        properties = world.properties(CORE_IMAGE, published.image)
        assert properties is not None
        face = properties["front"]["externalId"]
        published.instances.delete(nodes=NodeId(SPACE, face))
    else:
        face = next(name for name in world.files("faces") if "_001_" in name)
        client.files.delete(external_id=face)
    with pytest.raises(CdfError, match=f"Face file {face} has no content, and viewers cannot open a collection"):
        published.verify()


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_a_link_without_a_format_that_viewers_know(world: World, version: str | None) -> None:
    published = Published(world, f"format-{version}".replace(".", "-").lower())
    published.link(TRIANGLE, version)
    stated = f'formatVersion "{version}"' if version else "no formatVersion"
    (reported,) = published.verify().reported
    assert f"{stated}, so viewers draw its polygon elsewhere; write 2.0.0" in reported
    assert any(reported in line for line in world.said)


@pytest.mark.parametrize(
    ("polygon", "version"), [([2, 1.5, 0.1, 1.5, 0.2], "2.0.0"), ([], "2.0.0"), ([1.5, 0.1, 1.5, 0.2], "1.0.1")]
)
def test_a_link_with_less_than_three_points(world: World, polygon: list[float], version: str) -> None:
    published = Published(world, f"points-{len(polygon)}")
    published.link(polygon, version)
    (reported,) = published.verify().reported
    assert "viewers do not draw" in reported


def test_a_sound_link_is_not_reported(world: World) -> None:
    published = Published(world, "linked")
    published.link(TRIANGLE, "2.0.0")
    assert published.verify().reported == ()


def test_a_link_without_an_asset(world: World) -> None:
    published = Published(world, "assetless")
    published.patch("lonely", ViewId("cdf_cdm", "Cognite3DObject", "v1"))
    published.draw("lonely", TRIANGLE, "2.0.0")
    (reported,) = published.verify().reported
    assert reported.startswith(f"Viewers cannot enter image {SPACE}/{published.image}")


def test_a_camera_far_from_where_viewers_take_it_to_be(world: World) -> None:
    high = Published(world, "high", camera_height=3.2)
    (reported,) = high.verify().reported
    assert "camera_height in capture.yaml is 3.2 m" in reported
    assert "1.75 m above the floor, on what looks like another floor" in reported
    world.site = world.site.model_copy(update={"camera_height": 0.8})
    (reported,) = Published(world, "low").verify().reported
    assert "camera_height in the register is 0.8 m" in reported
    assert "0.65 m below the floor." in reported
    assert Published(world, "usual", camera_height=1.7).verify().reported == ()


def test_stations_within_a_metre_are_one_floor(world: World) -> None:
    drop = world.drop("floors", stations=4)
    heights = (1.6, 5.0, 2.5, 5.9)
    stations = [
        replace(station, pose=replace(station.pose, position=(0.0, 0.0, z)))
        for station, z in zip(drop.capture.stations, heights, strict=True)
    ]
    assert floors(replace(drop.capture, stations=tuple(stations))) == [(1.6, 2), (5.0, 2)]


def test_the_height_is_part_of_the_recorded_capture(world: World) -> None:
    published = Published(world, "recorded", camera_height=1.8)
    record = world.records.get(published.drop.key, published.fingerprint, CAPTURE)
    assert record is not None
    assert record.body == capture_document(published.drop.capture)
    assert record.body["camera_height"] == 1.8
