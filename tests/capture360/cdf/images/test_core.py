"""What the settings of a site decide in data modeling projects: spaces, the 360° model, what stands on the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cognite.client.data_classes.data_modeling import NodeApply, NodeId, NodeOrEdgeData, SpaceApply, ViewId

from capture360 import names
from capture360.cdf.images.core_model import CoreModels
from capture360.cdf.instances import Instances, View
from capture360.cdf.registry import mode_of
from capture360.model import FACES
from capture360.steps.faces import faces
from captures import record_as_validated
from cdf_sandbox.core.options import ProjectMode
from ingest_world import CORE_FILE, CORE_REVISION, World
from listed_faces import faces_asked_for
from local_cdf import RunningSandbox

MODEL = View("cdf_cdm", "Cognite360ImageModel")


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"mode": ProjectMode.DATA_MODELING, "list_lag": 0.3, "syncer_delay": 0.1}


def test_faces_lie_in_a_space_of_their_own_and_carry_labels(running: RunningSandbox, tmp_path: Path) -> None:
    files = {"labels": ["360", "survey"], "directory": "/captures"}
    world = World(running, tmp_path, "data_modeling", data_modeling={"files_space": "faces"}, files=files)
    drop = world.drop("apart", stations=1)
    world.write(drop)
    images = mode_of(world.cdf).images(world.cdf, world.site)
    (image,) = images.images(drop.key)
    assert {ref.space for ref in image.faces.values()} == {"faces"}
    nodes = [NodeId("faces", image.faces[face].external_id) for face in FACES]
    found = world.cdf.client.data_modeling.instances.retrieve(nodes=nodes, sources=ViewId(*CORE_FILE)).nodes
    assert len(found) == 6
    for node in found:
        properties = node.properties[ViewId(*CORE_FILE)]
        assert (properties["tags"], properties["directory"]) == (["360", "survey"], "/captures")
        assert properties["sourceContext"] == "sha256"
        assert str(properties["sourceId"]).startswith(node.external_id.rpartition("_")[2])
    before = running.mutating()
    world.write(drop)
    assert running.mutating() == before
    assert set(images.file_ids(list(image.faces.values()))) == set(image.faces.values())
    removed = images.remove(drop.key, dry_run=False)
    assert set(removed) >= {ref.external_id for ref in image.faces.values()}
    assert not world.cdf.client.data_modeling.instances.retrieve(nodes=nodes).nodes


def test_the_space_of_faces_is_looked_for_once_a_batch(running: RunningSandbox, tmp_path: Path) -> None:
    """Not once a window of stations."""
    world = World(running, tmp_path, "data_modeling", data_modeling={"files_space": "once"})
    drop = world.drop("windows", stations=9)
    fingerprint = record_as_validated(world.records, drop, world.site)
    before = set(running.sandbox.counters.recent(2000))
    faces(world.ctx(), drop.key, fingerprint, 0)
    log = (each for each in running.sandbox.counters.recent(2000) if each not in before)
    asked = [each.path.rpartition("/models/")[2] for each in log]
    assert asked.count("instances") > 1, "there were several windows"
    assert asked.count("spaces/byids") == 1


def test_the_faces_of_a_capture_are_listed_without_those_of_captures_of_similar_names(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(running, tmp_path, "data_modeling")
    drops = [world.drop(f"unit-4200-level-03-walk-2026-05-1{day}", stations=1) for day in range(4)]
    asked = faces_asked_for(world, drops, monkeypatch)
    assert asked[4] == asked[2], "requests beside 4 and 2 captures"


def test_images_are_read_page_by_page(running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(running, tmp_path, "data_modeling")
    drop = world.drop("pages", stations=5)
    world.write(drop)
    monkeypatch.setattr("capture360.cdf.instances.PAGE", 2)
    monkeypatch.setattr("capture360.cdf.images.instances.PAGE", 2)
    found = [image.external_id for image in mode_of(world.cdf).images(world.cdf, world.site).images(drop.key)]
    assert sorted(found) == sorted(names.image_id(drop.key, station.id) for station in drop.capture.stations)


def test_a_model_of_the_users_own_is_used_and_left_alone(running: RunningSandbox, tmp_path: Path) -> None:
    world = World(running, tmp_path, "data_modeling", data_modeling={"model": "whole-plant"})
    modeling = world.cdf.client.data_modeling
    modeling.spaces.apply(SpaceApply(world.site.space))
    source = NodeOrEdgeData(MODEL.id, {"name": "Plant", "type": "Image360"})
    modeling.instances.apply(NodeApply(world.site.space, "whole-plant", sources=[source]))
    drop = world.drop("joined", stations=1)
    world.write(drop)
    revision = world.properties(CORE_REVISION, names.collection_id(drop.key))
    assert revision is not None
    assert revision["model3D"] == {"space": world.site.space, "externalId": "whole-plant"}
    assert CoreModels(world.cdf, world.site.space).all(drop.key) == []
    mode_of(world.cdf).images(world.cdf, world.site).remove(drop.key, dry_run=False)
    assert modeling.instances.retrieve(nodes=NodeId(world.site.space, "whole-plant")).nodes


def test_the_node_of_a_model_that_was_deleted_before_is_removed(running: RunningSandbox, tmp_path: Path) -> None:
    """As after a removal that was killed between the model and its node."""
    world = World(running, tmp_path, "data_modeling")
    drop = world.drop("left", stations=1)
    world.write(drop)
    (model,) = CoreModels(world.cdf, world.site.space).all(drop.key)
    with running.http() as http:
        node = {"space": world.site.space, "externalId": model}
        http.post("/3d/models/delete", json={"items": [{"instanceId": node}]}).raise_for_status()
    images = mode_of(world.cdf).images(world.cdf, world.site)
    assert model in images.remove(drop.key, dry_run=True)
    assert model in images.remove(drop.key, dry_run=False)
    assert model not in images.remove(drop.key, dry_run=True)


def test_a_model_whose_node_was_deleted_keeps_no_removal_and_no_publication_from_its_end(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CDF lists it still and takes no other name for it."""
    world = World(running, tmp_path, "data_modeling")
    drop = world.drop("nameless", stations=1)
    world.write(drop)
    (model,) = CoreModels(world.cdf, world.site.space).all(drop.key)
    images = mode_of(world.cdf).images(world.cdf, world.site)
    world.cdf.client.data_modeling.instances.delete(nodes=NodeId(world.site.space, model))
    assert CoreModels(world.cdf, world.site.space).all(drop.key) == [model]
    assert model not in images.remove(drop.key, dry_run=False)
    assert list(images.images(drop.key)) == []
    CoreModels(world.cdf, world.site.space).remove([model])
    monkeypatch.setattr("capture360.cdf.polling.LIMIT_S", 0.5)
    world.write(drop)
    assert len(list(images.images(drop.key))) == 1


def test_of_two_models_that_a_lost_answer_left_the_older_one_counts(running: RunningSandbox, tmp_path: Path) -> None:
    world = World(running, tmp_path, "data_modeling")
    world.cdf.client.data_modeling.spaces.apply(SpaceApply(world.site.space))
    drop = world.drop("twins", stations=1)
    item = {"name": str(drop.key), "space": world.site.space, "type": "Image360"}
    with running.http() as http:
        made = [http.post("/3d/models", json={"items": [item]}).json()["items"][0]["id"] for _ in range(2)]
    world.write(drop)
    revision = world.properties(CORE_REVISION, names.collection_id(drop.key))
    assert revision is not None
    assert revision["model3D"]["externalId"] == f"cog_3d_model_{min(made)}"
    removed = mode_of(world.cdf).images(world.cdf, world.site).remove(drop.key, dry_run=False)
    models = {f"cog_3d_model_{number}" for number in made}
    assert models <= set(removed)
    assert not Instances(world.cdf.client).read(world.site.space, sorted(models), MODEL)
    assert CoreModels(world.cdf, world.site.space).all(drop.key) == []
