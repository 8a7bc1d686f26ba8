"""E57 captures by Optimizer jobs in data modeling projects: one job a file, found by its model, whatever is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, SpaceApply, ViewId

from capture360.cdf.registry import mode_of
from capture360.errors import CdfError, ConfigError
from capture360.model import CaptureKey
from capture360.names import space_id
from capture360.steps import collect as collecting
from capture360.steps import e57_extraction
from capture360.steps.collect import collect
from capture360.steps.contextualize import contextualize, plate_documents
from capture360.steps.detect import images_of
from capture360.steps.ingest import ingest
from capture360.steps.made import made_by
from capture360.steps.plan import plan
from capture360.steps.reconcile import reconcile
from capture360.steps.scene import place, remove_from_scene
from capture360.steps.validate import validate
from captures import station_pose
from cdf_sandbox.core.background import WorkError
from cdf_sandbox.core.faults import FaultOrder
from cdf_sandbox.core.options import ProjectMode
from ingest_world import CORE_FILE, CORE_IMAGE, CORE_MODEL, CORE_REVISION, World
from local_cdf import fast_options, run_sandbox
from moved_site import fingerprint_in
from scans import ScanDrop, scan, write_scans

Start = Callable[..., AbstractContextManager[World]]
BY_CDF = {"extraction": "cdf"}
ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")


@pytest.fixture(autouse=True)
def nobody_elses_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfinished uploads of this test only, and no long waiting for what will not come."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(collecting, "LATE_S", 0.3)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    @contextmanager
    def started(site: dict[str, Any] | None = None, **options: Any) -> Iterator[World]:
        given = {"revision_queue": 0, "revision_processing": 0, **options}
        with run_sandbox(fast_options(tmp_path / "cdf", ProjectMode.DATA_MODELING, **given)) as running:
            yield World(running, tmp_path, "data_modeling", **({"e57": BY_CDF} | (site or {})))

    return started


def jobs(world: World) -> list[dict[str, Any]]:
    url = f"/api/v1/projects/{world.connection.project}/3d/jobs/list"
    return list(world.cdf.client.post(url, {}).json()["items"])


def steps(world: World, drop: ScanDrop) -> str:
    """What the tasks do before they collect; returns the fingerprint."""
    ctx = world.ctx()
    fingerprint = validate(ctx, drop.key).fingerprint
    e57_extraction.upload_scans(ctx, drop.key, fingerprint)
    e57_extraction.start_revisions(ctx, drop.key, fingerprint)
    e57_extraction.wait(ctx, drop.key, fingerprint)
    return fingerprint


@pytest.mark.parametrize("names", ["tidy", "random_ids", "two_collections", "no_stations"])
def test_what_a_job_made_is_found_by_its_model(start: Start, names: str) -> None:
    with start(extraction_names=names) as world:
        drop = write_scans(world.landing, "walk")
        done = ingest(world.ctx(), drop.key)
        assert done.validated.route == "revision"
        assert done.collected is not None
        assert done.verified is not None
        assert (done.collected.images, done.collected.missing, done.collected.others) == (3, (), 0)
        assert len(done.collected.collections) == (2 if names == "two_collections" else 1)
        assert {each.space for each in done.collected.collections} == {space_id(drop.key)}
        assert (done.verified.images, done.verified.viewer, done.verified.reported) == (3, "core", ())
        (cloud,) = done.collected.point_clouds
        assert any(f"point cloud: revision {cloud.revision} of 3D model {cloud.model}" in line for line in world.said)
        (job,) = jobs(world)
        assert job["type"] == "Optimizer"
        assert "pipelineConfiguration" not in job["configuration"]
        assert reconcile(world.ctx(), drop.key) == []
        before = world.running.mutating()
        assert ingest(world.ctx("run 2"), drop.key).collected == done.collected
        assert world.running.mutating() == before


def test_both_ways_give_the_same_panoramas_and_poses(start: Start) -> None:
    """By the job and here: the same stations, rotations and pictures, at the poses that the scans state."""
    with start() as world:
        found = []
        for capture, extraction in (("by-job", "cdf"), ("here", "local")):
            world.site = world.site.model_copy(
                update={"e57": world.site.e57.model_copy(update={"extraction": extraction})}
            )
            drop = write_scans(world.landing, capture)
            done = ingest(world.ctx(), drop.key)
            assert done.validated.route == ("revision" if extraction == "cdf" else "faces")
            images = images_of(world.ctx(), drop.key, done.validated.fingerprint)
            found.append(sorted(images, key=lambda image: image.pose.position))
        by_job, here = found
        for image in by_job:
            number = round(image.pose.position[0] / 1.5)
            scanner = station_pose(number)  # what was written into the scan, a quarter turn about its Z from the cube
            w, x, y, z = scanner.rotation
            cube = np.array([w - z, x + y, y - x, z + w]) / np.sqrt(2)
            np.testing.assert_allclose(image.pose.position, scanner.position, atol=1e-6)
            np.testing.assert_allclose(np.abs(np.dot(image.pose.rotation, cube)), 1, atol=1e-9)
        for one, other in zip(by_job, here, strict=True):
            np.testing.assert_allclose(one.pose.position, other.pose.position, atol=1e-9)
            np.testing.assert_allclose(np.abs(np.dot(one.pose.rotation, other.pose.rotation)), 1, atol=1e-9)
            client = world.cdf.client
            for face, ref in one.faces.items():
                pictures = [
                    client.files.download_bytes(instance_id=(str(each.space), each.external_id))
                    for each in (ref, other.faces[face])
                ]
                assert pictures[0] == pictures[1]


def test_both_ways_give_the_same_plates(start: Start) -> None:
    """What differs are ids alone: of instances and files, of the collections, and the space of each capture."""
    asset = NodeApply("plant", "P-101", sources=[NodeOrEdgeData(ASSET, {"name": "23-P-101"})])
    links = {"asset_spaces": ("plant",), "ocr": {"faces": ("front",)}}
    with start(site={"links": links}) as world:
        world.cdf.client.data_modeling.spaces.apply(SpaceApply("plant"))
        world.cdf.client.data_modeling.instances.apply(asset)
        found = []
        for capture, extraction in (("by-job", "cdf"), ("here", "local")):
            how = world.site.e57.model_copy(update={"extraction": extraction})
            world.site = world.site.model_copy(update={"e57": how})
            drop = write_scans(world.landing, capture, {"a.e57": scan((1,), width=1536, plate="23-P-101")})
            assert ingest(world.ctx(), drop.key).validated.route == ("revision" if extraction == "cdf" else "faces")
            done = contextualize(world.ctx(), drop.key)
            found.append(plate_documents(world.ctx(), drop.key, done.fingerprint))
    for plates in found:
        (plate,) = plates
        assert (plate["text"], plate["asset"]["name"]) == ("23-P-101", "23-P-101")
        for view in plate["views"]:
            del view["image"]
    assert found[0] == found[1]


def test_own_extraction_stays_the_default(start: Start) -> None:
    with start(site={"e57": {}}) as world:
        drop = write_scans(world.landing, "walk")
        assert ingest(world.ctx(), drop.key).validated.route == "faces"
        assert jobs(world) == []


def test_fewer_images_than_promised_are_named(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdf_sandbox.services.three_d import optimizer

    real = optimizer.extracted_spheres
    monkeypatch.setattr(
        optimizer, "extracted_spheres", lambda *how: (each for number, each in enumerate(real(*how)) if number != 1)
    )
    with start() as world:
        drop = write_scans(world.landing, "walk")
        done = collect(world.ctx(), drop.key, steps(world, drop))
        assert (done.images, len(done.missing)) == (2, 1)
        assert f"CDF left out {done.missing[0]}." in world.said


def test_a_job_that_failed_is_started_again_under_its_id(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdf_sandbox.services.three_d import optimizer

    def refuse(*_: object) -> Iterator[Any]:
        raise WorkError("no memory")
        yield

    with start() as world:
        drop = write_scans(world.landing, "walk")
        with monkeypatch.context() as broken:
            broken.setattr(optimizer, "extracted_spheres", refuse)
            with pytest.raises(CdfError, match=r"could not extract 3D job .*CDF gives no reason.*starts a new 3D job"):
                steps(world, drop)
        (failed,) = jobs(world)
        done = collect(world.ctx(), drop.key, steps(world, drop))
        (job,) = jobs(world)
        assert done.images == 3
        assert (job["externalId"], job["status"]) == (failed["externalId"], "Succeeded")


@pytest.mark.parametrize(("path", "effect"), [("*/3d/jobs", "commit-then-reset"), ("*/3d/models", "commit-then-reset")])
def test_a_lost_answer_makes_nothing_twice(start: Start, path: str, effect: Any) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        world.running.sandbox.faults.order(FaultOrder(effect=effect, method="POST", path=path))
        done = collect(world.ctx(), drop.key, steps(world, drop))
        assert not world.running.sandbox.faults.pending()
        assert (done.images, len(jobs(world)), len(world.nodes(CORE_IMAGE, ""))) == (3, 1, 3)


def test_a_deadline_ends_the_waiting(start: Start) -> None:
    with start(site={"e57": BY_CDF | {"deadline": timedelta(0)}}, revision_queue=600) as world:
        drop = write_scans(world.landing, "walk")
        with pytest.raises(CdfError, match=r"has not ended 3D job c360_e57_.*_job_\w+ .Queued.*e57.deadline"):
            steps(world, drop)


def test_a_model_of_the_classic_api_is_refused(start: Start) -> None:
    with start(site={"e57": BY_CDF | {"model_id": 7}}) as world:
        drop = write_scans(world.landing, "walk")
        with pytest.raises(ConfigError, match=r"e57\.model_id is 7, but in data modeling projects"):
            steps(world, drop)


def test_a_dry_run_lists_files_and_jobs_and_writes_nothing(start: Start) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk", {"a.e57": scan((1,)), "b.e57": scan((2,))})
        before = world.running.mutating()
        planned = plan(world.ctx(), drop.key)
        assert (len(planned.files), planned.revisions, planned.space) == (2, ("a.e57", "b.e57"), space_id(drop.key))
        assert world.running.mutating() == before
        ingest(world.ctx(), drop.key)
        assert plan(world.ctx(), drop.key).revisions == ()
        assert {len(image.faces) for image in images_of(world.ctx(), drop.key, fingerprint_in(world, drop.key))} == {6}
        positions = sorted(image["translationX"] for image in world.nodes(CORE_IMAGE, "").values())
        np.testing.assert_allclose(positions, sorted(station_pose(number).position[0] for number in (1, 2)), atol=1e-9)


def test_the_point_cloud_joins_the_scene_if_the_site_says_so(start: Start) -> None:
    with start(site={"scene": {"external_id": "hall", "point_clouds": True}}) as world:
        drop = write_scans(world.landing, "walk")
        done = ingest(world.ctx(), drop.key)
        assert done.collected is not None
        (cloud,) = done.collected.point_clouds
        view = ViewId("scene", "RevisionProperties", "v1")
        (edge,) = world.cdf.client.data_modeling.instances.list("edge", sources=view, limit=None)
        properties = edge.properties[view]
        assert (edge.start_node.external_id, edge.end_node.external_id) == ("hall", cloud.model)
        assert properties["revisionId"] == int(cloud.revision.removeprefix("cog_3d_revision_"))
        assert [properties[f"eulerRotation{axis}"] for axis in "XYZ"] == [90, 0, 0]
        again = place(world.ctx(), drop.key, done.validated.fingerprint)
        assert again is not None
        assert again.written == 0


def test_a_point_cloud_is_hidden_and_taken_out_with_its_capture(start: Start) -> None:
    view = ViewId("scene", "RevisionProperties", "v1")

    def clouds(world: World) -> list[object]:
        found = world.cdf.client.data_modeling.instances.list("edge", sources=view, limit=None)
        return [edge.properties[view]["defaultVisible"] for edge in found if view in edge.properties]

    with start(site={"scene": {"external_id": "hall", "point_clouds": True}}) as world:
        drop = write_scans(world.landing, "walk")
        ingest(world.ctx(), drop.key)
        assert clouds(world) == [True]
        published = world.records.newest_with(drop.key, "publish")
        assert published is not None
        newer = CaptureKey("hall-7", "newer")
        for step in ("validate", "capture", "publish"):
            record = world.records.get(drop.key, published, step)
            assert record is not None
            body = {**record.body, "supersedes": ["walk"], "key": str(newer)} if step == "capture" else record.body
            world.records.put(newer, published, step, {**body, "point_clouds": []}, run="test")
        place(world.ctx(), newer, published)
        assert clouds(world) == [False]
        remove_from_scene(world.ctx(), drop.key)
        assert clouds(world) == []


def test_an_image_of_its_model_that_nobody_recorded_is_named_in_a_shared_space_too(start: Start) -> None:
    with start(site={"e57": BY_CDF | {"space": "scans"}}) as world:
        mine, other = (write_scans(world.landing, each).key for each in ("walk", "other"))
        for key in (mine, other):
            ingest(world.ctx(), key)
            assert reconcile(world.ctx(), key) == []
        published = world.records.get(mine, world.records.fingerprints(mine)[0], "publish")
        assert published is not None
        properties = world.nodes(CORE_IMAGE, "")[next(iter(published.body["shown"].values()))]
        copied = {name: value for name, value in properties.items() if value is not None}
        stray = NodeApply("scans", "stray", sources=[NodeOrEdgeData(ViewId(*CORE_IMAGE), copied)])
        world.cdf.client.data_modeling.instances.apply(stray)
        assert [finding.rule for finding in reconcile(world.ctx(), mine)] == ["R04"]
        assert reconcile(world.ctx(), other) == []


def test_all_that_it_made_can_be_removed(start: Start) -> None:
    with start(site={"scene": {"external_id": "hall", "point_clouds": True}}) as world:
        drop = write_scans(world.landing, "walk")
        ingest(world.ctx(), drop.key)
        found = made_by(world.ctx(), drop.key)
        assert {kind: len(some) for kind, some in found.made.by_kind().items()} == {
            "images": 3, "collections": 1, "360° models": 0, "stations": 3, "face files": 18, "3D revisions": 1,
            "3D models": 2, "E57 files": 1, "spaces": 1,
        }  # fmt: skip
        assert (found.foreign_images, found.kept) == ([], ())
        found.made.remove_instances(world.ctx(), drop.key)
        images = mode_of(world.cdf).images(world.cdf, world.site)
        images.remove_faces(sorted(found.made.faces, key=lambda ref: ref.external_id))
        found.made.remove_scans(world.ctx())
        for view in (CORE_IMAGE, CORE_REVISION, CORE_MODEL, CORE_FILE):
            assert world.nodes(view, "") == {}
        assert jobs(world) == []
        assert world.cdf.client.data_modeling.spaces.retrieve(space_id(drop.key)) is None
        assert not made_by(world.ctx(), drop.key).made
