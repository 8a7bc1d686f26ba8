"""The places of linked plates as boxes of their assets: asked for by the site, and undone with the capture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from cognite.client.data_classes import AssetWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, SpaceApply, ViewId

from capture360.cdf.links.boxes import PROPERTIES
from capture360.geometry.projection import face_and_point
from capture360.geometry.rotation import matrix_from_quaternion
from capture360.matching.documents import detection_document
from capture360.matching.places import Place
from capture360.model import Asset, CaptureKey, Detection, Match, PublishedImage
from capture360.steps.annotate import annotate
from capture360.steps.detect import images_of
from capture360.steps.match import match
from capture360.steps.positions import boxes_of
from capture360.steps.reconcile import reconcile
from capture360.steps.retract import plan_retraction, retract
from ingest_world import World
from local_cdf import fast_options, run_sandbox

ASSET, OBJECT = ViewId("cdf_cdm", "CogniteAsset", "v1"), ViewId("cdf_cdm", "Cognite3DObject", "v1")
TAG, PLATE = "21-PT-1019", (3.5, -1.0, 1.9)
NONE = (None,) * 6


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., tuple[World, CaptureKey, str]]]:
    """A capture of two stations that read one plate of one asset."""
    with ExitStack() as stack:

        def made(mode: str) -> tuple[World, CaptureKey, str]:
            running = stack.enter_context(run_sandbox(fast_options(tmp_path / mode, mode)))
            world = World(running, tmp_path, mode, links={"asset_positions": True})
            client = world.cdf.client
            if mode == "data_modeling":
                client.data_modeling.spaces.apply(SpaceApply("plant"))
                asset = NodeApply("plant", TAG, sources=[NodeOrEdgeData(ASSET, {"name": TAG})])
                client.data_modeling.instances.apply(asset)
            else:
                client.assets.create(AssetWrite(name=TAG))
            drop = world.drop("walk-1", stations=2)
            world.ingest(drop)
            state = world.records.load(drop.key)
            assert state is not None
            images = images_of(world.ctx(), drop.key, state.fingerprint)
            body = {"engine": "by hand", "findings": [],
                    "detections": [detection_document(seen(image)) for image in images]}  # fmt: skip
            world.records.put(drop.key, state.fingerprint, "detect", body, run="by hand", batch=0)
            match(world.ctx(), drop.key, state.fingerprint)
            annotate(world.ctx(), drop.key, state.fingerprint)
            return world, drop.key, state.fingerprint

        yield made


def seen(image: PublishedImage) -> Detection:
    """The plate as an image shows it."""
    direction = (np.array(PLATE) - image.pose.position) @ matrix_from_quaternion(image.pose.rotation)
    face, (u, v) = face_and_point(direction)
    box = ((u - 0.02, v - 0.01), (u + 0.02, v - 0.01), (u + 0.02, v + 0.01), (u - 0.02, v + 0.01))
    return Detection(image.external_id, face, TAG, 0.99, box)


def box(world: World) -> tuple[float | None, ...]:
    (node,) = world.cdf.client.data_modeling.instances.list("node", sources=OBJECT, limit=None)
    return tuple(node.properties[OBJECT].get(name) for name in PROPERTIES)


def set_box(world: World, values: dict[str, float | None]) -> None:
    """Somebody writes other values in CDF."""
    (node,) = world.cdf.client.data_modeling.instances.list("node", sources=OBJECT, limit=None)
    world.cdf.client.data_modeling.instances.apply(
        NodeApply(node.space, node.external_id, sources=[NodeOrEdgeData(OBJECT, values)])
    )


def test_a_linked_plate_gives_its_asset_a_box_that_a_retraction_takes_back(
    make: Callable[..., tuple[World, CaptureKey, str]],
) -> None:
    world, key, fingerprint = make("data_modeling")
    x_min, x_max, y_min, y_max, z_min, z_max = (float(value or 0) for value in box(world))
    assert x_min < PLATE[0] < x_max and y_min < PLATE[1] < y_max and z_min < PLATE[2] < z_max
    assert max(x_max - x_min, y_max - y_min, z_max - z_min) < 0.5
    record = world.records.get(key, fingerprint, "annotate")
    assert record is not None and record.body["boxes"]["written"] == 1
    world.site = world.site.model_copy(update={"links": world.site.links.model_copy(update={"asset_positions": False})})
    annotate(world.ctx(), key, fingerprint)
    assert box(world) == NONE
    world.site = world.site.model_copy(update={"links": world.site.links.model_copy(update={"asset_positions": True})})
    annotate(world.ctx(), key, fingerprint)
    assert box(world)[0] == x_min
    assert reconcile(world.ctx(), key) == []
    set_box(world, dict.fromkeys(PROPERTIES))
    (finding,) = reconcile(world.ctx(), key)
    assert finding.rule == "R13"
    assert "clear the task annotate" in finding.message
    set_box(world, dict.fromkeys(PROPERTIES, 1.0))
    assert reconcile(world.ctx(), key) == []
    assert any("boxes by capture360 that others replaced" in line for line in world.said)
    annotate(world.ctx(), key, fingerprint)
    assert "Boxes that others set stay, for 1 asset." in world.said
    set_box(world, dict.fromkeys(PROPERTIES))
    annotate(world.ctx(), key, fingerprint)
    assert box(world)[0] == x_min
    plan = plan_retraction(world.ctx(), key)
    assert any(line.startswith("1 box: box of ") for line in plan.lines())
    retract(world.ctx(), key, approved=plan.digest, by="Ada")
    assert box(world) == NONE
    assert plan_retraction(world.ctx(), key).lines() == ["Nothing of it is in CDF."]


def test_a_project_without_boxes_says_so_and_links_all_the_same(
    make: Callable[..., tuple[World, CaptureKey, str]],
) -> None:
    world, key, fingerprint = make("asset_centric")
    record = world.records.get(key, fingerprint, "annotate")
    assert record is not None and record.body["boxes"] is None and record.body["approved"] == 2
    assert any("links.asset_positions has no effect" in line for line in world.said)


PUMP = Asset("plant/P-1", "P-1", ("P-1",))


def linked(plate: str, status: str = "approved") -> Match:
    corners = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))
    detection = Detection(f"image-{plate}", "front", "P-1", 0.99, corners)
    return Match(detection, PUMP, 1.0, status, "read exactly", plate=plate)


@pytest.mark.parametrize(
    ("places", "wanted"),
    [
        ({"1": Place((1, 2, 3), 0.1, 0.1)}, (0.8, 1.2, 1.8, 2.2, 2.8, 3.2)),
        ({"1": Place((1, 2, 3), 0.1, 0.001)}, (0.95, 1.05, 1.95, 2.05, 2.95, 3.05)),
        ({"1": Place((1, 2, 3), 0.1, 0.1), "2": Place((1.5, 2, 3), 0.1, 0.1)}, (0.8, 1.7, 1.8, 2.2, 2.8, 3.2)),
        ({"1": Place((1, 2, 3), 0.1, 0.1), "2": Place((9, 2, 3), 0.1, 0.1)}, None),
        ({"1": Place((1, 2, 3), 0.1, None)}, None),
        ({}, None),
    ],
    ids=["two errors", "a plate's size", "two plates", "apart", "no error", "one view"],
)
def test_a_box_holds_the_plates_of_an_asset_with_their_errors(
    places: dict[str, Place], wanted: tuple[float, ...] | None
) -> None:
    found = boxes_of([linked("1"), linked("2")], places, apart_m=1)
    assert found == ({} if wanted is None else {"plant/P-1": pytest.approx(wanted)})


def test_a_question_gives_no_box() -> None:
    assert boxes_of([linked("1", "suggested")], {"1": Place((1, 2, 3), 0.1, 0.1)}, apart_m=1) == {}
