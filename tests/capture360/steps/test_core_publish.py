"""The same captures in a data modeling project: core instances, files that appear late, published last."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from capture360 import names
from capture360.cdf.ports import Collection
from capture360.errors import BadInputError, CdfUnavailableError
from capture360.model import FACES
from capture360.steps.faces import faces
from captures import record_as_validated
from cdf_sandbox.core.faults import FaultOrder
from cdf_sandbox.core.options import ProjectMode
from ingest_world import CORE_DESCRIBABLE, CORE_FILE, CORE_IMAGE, CORE_MODEL, CORE_REVISION, CORE_STATION, World
from local_cdf import RunningSandbox, fast_options, run_sandbox
from record_files import document_paths


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"mode": ProjectMode.DATA_MODELING, "uploaded_lag": 0.1, "syncer_delay": 0.2}


@pytest.fixture
def world(running: RunningSandbox, tmp_path: Path) -> World:
    return World(running, tmp_path, mode="data_modeling")


def test_a_capture_becomes_core_instances(world: World) -> None:
    drop = world.drop("first", stations=2)
    done, published, verified = world.write(drop)
    assert (done[0].uploaded, done[0].found) == (12, 0)
    assert published.collections == (Collection("captures360", names.collection_id(drop.key)),)
    assert (published.images, verified.images, verified.compared_faces) == (2, 2, 12)

    revision = world.properties(CORE_REVISION, names.collection_id(drop.key))
    model = revision.pop("model3D")["externalId"]
    assert model.startswith("cog_3d_model_")
    assert world.properties(CORE_MODEL, model) == {"name": str(drop.key), "type": "Image360"}
    assert revision == {"status": "Done", "published": True, "type": "Image360"}
    assert world.properties(CORE_DESCRIBABLE, names.collection_id(drop.key)) == {"name": "first"}
    for station in drop.capture.stations:
        image = world.properties(CORE_IMAGE, names.image_id(drop.key, station.id))
        assert image["collection360"] == {"space": "captures360", "externalId": names.collection_id(drop.key)}
        assert datetime.fromisoformat(image["takenAt"]) == station.taken_at
        assert [image[f"translation{axis}"] for axis in "XYZ"] == pytest.approx(station.pose.position)
        there = world.properties(CORE_STATION, image["station360"]["externalId"])
        assert there == {"name": station.name, "groupType": "Station360"}
        for face in FACES:
            content = (drop.folder / drop.capture.media[station.id].faces[face]).read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            name = names.face_id(drop.key, station.id, face, sha256)
            assert image[face] == {"space": "captures360", "externalId": name}
            file = world.properties(CORE_FILE, name)
            assert (file["name"], file["mimeType"], file["isUploaded"]) == (
                f"{station.id}_{face}.jpg",
                "image/jpeg",
                True,
            )


def test_the_same_capture_again_writes_nothing(world: World) -> None:
    drop = world.drop("again", stations=2)
    world.write(drop)
    for path in document_paths(world.records.store):
        world.records.store.remove(path)
    before = world.running.mutating()
    done, published, _ = world.write(drop)
    assert world.running.mutating() == before
    assert (done[0].uploaded, published.written) == (0, 0)


def test_a_new_revision_replaces_pictures_and_removes_the_old_files(world: World) -> None:
    first = world.drop("revised", stations=1)
    world.write(first)
    image = world.properties(CORE_IMAGE, names.image_id(first.key, "001"))
    old = [image[face]["externalId"] for face in FACES]
    with pytest.raises(BadInputError, match="revision: 2"):
        world.write(world.drop("revised", stations=1, shade=50))
    _, published, _ = world.write(world.drop("revised", stations=1, shade=50, revision=2))
    assert published.removed_files == 6
    assert all(world.properties(CORE_FILE, name) is None for name in old)


def test_a_file_that_never_syncs_is_told(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = fast_options(tmp_path / "sandbox", ProjectMode.DATA_MODELING, syncer_delay=None)
    monkeypatch.setattr("capture360.cdf.polling.LIMIT_S", 0.3)
    with run_sandbox(options) as lame:
        world = World(lame, tmp_path, mode="data_modeling")
        drop = world.drop("lame", stations=1)
        fingerprint = record_as_validated(world.records, drop, world.site)
        with pytest.raises(CdfUnavailableError, match="CDF has not made the files of 6 CogniteFile nodes"):
            faces(world.ctx(), drop.key, fingerprint, 0)


def test_what_was_made_can_be_removed_whole(world: World) -> None:
    drop = world.drop("removed", stations=1)
    world.write(drop)
    from capture360.cdf.registry import mode_of

    model = mode_of(world.cdf).images(world.cdf, world.site)
    planned = model.remove(drop.key, dry_run=True)
    assert len(planned) == 1 + 1 + 1 + 1 + 6
    assert model.remove(drop.key, dry_run=False) == planned
    left = world.cdf.client.data_modeling.instances.list("node", space="captures360", limit=None)
    assert not [node for node in left if node.external_id in planned]
    assert model.remove(drop.key, dry_run=False) == []


def test_half_of_a_face_is_uploaded_again_before_it_is_published(world: World) -> None:
    world.running.sandbox.faults.order(FaultOrder(effect="short-store", method="PUT", path="/links/*", nth=3))
    drop = world.drop("halved", stations=1)
    world.write(drop)
    assert not world.running.sandbox.faults.pending()
    station = drop.capture.stations[0]
    ids = [file.instance_id for file in world.cdf.client.files.list(limit=None) if "halved" in str(file.instance_id)]
    stored = {world.cdf.client.files.download_bytes(instance_id=each) for each in ids}
    assert stored == {(drop.folder / path).read_bytes() for path in drop.capture.media[station.id].faces.values()}
