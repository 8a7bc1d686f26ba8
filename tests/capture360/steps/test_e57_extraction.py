"""E57 captures by revision: one file, one model, one revision, whatever is lost on the way; found by query at last."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, ViewId

from capture360.cdf import no_retry
from capture360.cdf.client import CdfProject
from capture360.errors import (
    BadInputError,
    CdfError,
    CdfUnavailableError,
    ConfigError,
    LeaseHeldError,
    MissingStepError,
)
from capture360.landing import folder
from capture360.model import CaptureKey
from capture360.names import scene_edge_id, space_id
from capture360.steps import collect as collecting
from capture360.steps import e57_extraction, lease, replaced_scans
from capture360.steps.collect import Collected, collect
from capture360.steps.detect import images_of
from capture360.steps.ingest import ingest
from capture360.steps.made import made_by
from capture360.steps.plan import plan
from capture360.steps.reconcile import reconcile
from capture360.steps.shared_space import take_turn
from capture360.steps.validate import validate
from capture360.steps.verify import verify
from capture360_cli.one_capture import is_finished, lease_remedy
from captures import reject_again, small_site, station_pose
from cdf_sandbox.core.background import WorkError
from cdf_sandbox.core.options import ProjectMode
from ingest_world import IMAGE_VIEW, World
from local_cdf import PLAIN, RunningSandbox, fast_options, run_sandbox
from record_files import document_paths
from scans import ScanDrop, scan, write_scans, zipped

Start = Callable[..., AbstractContextManager[World]]


@pytest.fixture(autouse=True)
def nobody_elses_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfinished uploads of this test only, and no long waiting for what will not come."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(collecting, "LATE_S", 0.3)
    monkeypatch.setattr(no_retry, "LOST_ANSWER_S", 1.0)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    @contextmanager
    def started(mode: str = "asset_centric", site: dict[str, Any] | None = None, **options: Any) -> Iterator[World]:
        given = {"revision_queue": 0, "revision_processing": 0, **options}
        with run_sandbox(fast_options(tmp_path / "cdf", **given)) as running:
            yield World(running, tmp_path, mode, **(site or {}))

    return started


def fault(running: RunningSandbox, **order: Any) -> None:
    """Order a fault."""
    PLAIN.post(f"{running.base_url}/sandbox/faults", json=order).raise_for_status()


def project(world: World) -> dict[str, Any]:
    """What is to be there once and once only."""
    client = world.cdf.client
    models = client.three_d.models.list(limit=None)
    url = f"/api/v1/projects/{client.config.project}/3d/models"
    found = [each for model in models for each in client.get(f"{url}/{model.id}/revisions").json()["items"]]
    scans = [file for file in client.files.list(limit=None) if (file.name or "").endswith(".e57")]
    return {
        "models": len(models),
        "revisions": len(found),
        "scans": [(file.external_id, file.uploaded) for file in scans],
        "images": len(world.nodes(IMAGE_VIEW, "")),
    }


ONCE = {"models": 1, "revisions": 1, "images": 3}


def steps(world: World, drop: ScanDrop, run: str = "run 1") -> Collected:
    """What the tasks do after the validation."""
    ctx = world.ctx(run)
    fingerprint = validate(ctx, drop.key).fingerprint
    e57_extraction.upload_scans(ctx, drop.key, fingerprint)
    e57_extraction.start_revisions(ctx, drop.key, fingerprint)
    e57_extraction.wait(ctx, drop.key, fingerprint)
    return collect(ctx, drop.key, fingerprint)


@pytest.mark.parametrize("names", ["tidy", "no_stations"])
def test_images_that_are_gone_are_told_and_extracted_again(start: Start, names: str) -> None:
    with start(extraction_names=names) as world:
        drop = write_scans(world.landing, "walk")
        ingest(world.ctx(), drop.key)
        assert reconcile(world.ctx(), drop.key) == []
        published = world.records.newest_with(drop.key, "publish")
        assert published is not None
        client = world.cdf.client
        gone = images_of(world.ctx(), drop.key, published)[:2]
        client.data_modeling.instances.delete(nodes=[(image.space, image.external_id) for image in gone])
        (finding,) = reconcile(world.ctx(), drop.key)
        assert finding.message.startswith("Images that CDF does not show: ")
        (model,) = client.three_d.models.list(limit=None)
        (made,) = client.three_d.revisions.list(model.id, limit=None)
        assert f"delete revision {made.id} of 3D model {model.id} in CDF and run captures_ingest" in finding.message
        with pytest.raises(CdfError, match="2 of its stations that CDF had extracted are missing: Stop"):
            ingest(world.ctx("run 2"), drop.key)
        client.three_d.revisions.delete(model.id, made.id)
        again = ingest(world.ctx("run 3"), drop.key)
        assert again.collected is not None
        assert again.collected.missing == ()
        (double,) = reconcile(world.ctx(), drop.key)
        assert double.rule == "R05", "the image that was not gone is shown beside the one extracted again"


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        ("asset_centric", "tidy"),
        ("asset_centric", "no_stations"),
        ("hybrid", "random_ids"),
        ("hybrid", "two_collections"),
    ],
)
def test_what_cdf_made_is_found_in_each_form(start: Start, mode: str, names: str) -> None:
    with start(mode, extraction_names=names) as world:
        drop = write_scans(world.landing, "walk")
        done = ingest(world.ctx(), drop.key)
        assert done.collected is not None
        assert done.published is None
        assert done.verified is not None
        assert (done.verified.images, done.verified.compared_faces) == (3, 12)
        assert (done.collected.images, done.collected.missing, done.collected.others) == (3, (), 0)
        assert len(done.collected.collections) == (2 if names == "two_collections" else 1)
        assert {each.space for each in done.collected.collections} == {space_id(drop.key)}
        state = world.records.load(drop.key)
        assert state is not None
        assert state.stage == "published"
        images = images_of(world.ctx(), drop.key, state.fingerprint)
        places = sorted(image.pose.position for image in images)
        assert places == sorted(station_pose(number).position for number in (1, 2, 3))
        assert project(world) | {"scans": 1} == ONCE | {"scans": 1}
        before = world.running.mutating()
        again = ingest(world.ctx("run 2"), drop.key)
        assert again.collected == done.collected
        assert world.running.mutating() == before


def leave_out_the_second_sphere(monkeypatch: pytest.MonkeyPatch) -> None:
    from cdf_sandbox.services.three_d import extraction

    real = extraction.extracted_spheres
    monkeypatch.setattr(
        extraction, "extracted_spheres", lambda *how: (each for number, each in enumerate(real(*how)) if number != 1)
    )


def test_stations_that_cdf_left_out_are_named(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        leave_out_the_second_sphere(monkeypatch)
        done = steps(world, drop)
        assert done.images == 2
        assert len(done.missing) == 1
        assert f"CDF left out {done.missing[0]}." in world.said
        record = world.records.get(drop.key, validate(world.ctx(), drop.key).fingerprint, "publish")
        assert record is not None
        assert record.body["missing"] == list(done.missing)


@pytest.mark.parametrize("before", [{"indexing_options": {"faceSize": 1024}}, {"extraction": "local"}])
def test_what_another_extraction_leaves_out_is_not_taken_for_gone(
    start: Start, monkeypatch: pytest.MonkeyPatch, before: dict[str, Any]
) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        own, world.site = world.site, small_site(world.landing, e57=before)
        ingest(world.ctx(), drop.key)
        world.site = own
        leave_out_the_second_sphere(monkeypatch)
        done = steps(world, drop)
        assert (done.images, len(done.missing)) == (2, 1)


def test_an_extraction_that_made_nothing_is_a_failure_that_says_so(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cdf_sandbox.services.three_d import extraction

    monkeypatch.setattr(extraction, "extracted_spheres", lambda *how: iter(()))
    with start() as world:
        drop = write_scans(world.landing, "walk")
        with pytest.raises(CdfError, match=r"holds no 360° image of it; 3 were expected"):
            steps(world, drop)
        state = world.records.load(drop.key)
        assert state is not None
        assert state.body("publish") is None


def test_images_whose_faces_are_not_there_are_refused(start: Start) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        ctx = world.ctx()
        fingerprint = validate(ctx, drop.key).fingerprint
        e57_extraction.upload_scans(ctx, drop.key, fingerprint)
        e57_extraction.start_revisions(ctx, drop.key, fingerprint)
        e57_extraction.wait(ctx, drop.key, fingerprint)
        image = next(iter(world.nodes(IMAGE_VIEW, "").values()))
        world.cdf.client.files.delete(external_id=image["cubeMapTop"])
        with pytest.raises(CdfError, match="faces are not all there"):
            collect(ctx, drop.key, fingerprint)


def test_faces_that_are_no_pictures_are_found(start: Start) -> None:
    with start(site={"verify": "all"}) as world:
        drop = write_scans(world.landing, "walk")
        assert ingest(world.ctx(), drop.key).verified.compared_faces == 18
        image = next(iter(world.nodes(IMAGE_VIEW, "").values()))
        world.cdf.client.files.upload_bytes(
            b"no picture", name="top.jpg", external_id=image["cubeMapTop"], overwrite=True
        )
        state = world.records.load(drop.key)
        assert state is not None
        with pytest.raises(CdfError, match=r"e57\.extraction to local"):
            verify(world.ctx(), drop.key, state.fingerprint)


def test_captures_that_share_a_space_do_not_take_each_others_images(start: Start) -> None:
    """At the very same places, as scans in a frame of their own often are."""
    with start(site={"e57": {"space": "scans"}}) as world:
        first = steps(world, write_scans(world.landing, "april"))
        second = steps(world, write_scans(world.landing, "may", {"scan.e57": scan(shade=90)}))
        again = steps(world, ScanDrop(CaptureKey("hall-7", "april"), world.landing / "april"))
        assert first.images == second.images == 3
        assert again == first
        assert set(first.collections).isdisjoint(second.collections)
        assert {each.space for each in first.collections} == {"scans"}


def begun(world: World, capture: str, run: str, shade: int) -> tuple[CaptureKey, str]:
    """An extraction that runs."""
    drop = write_scans(world.landing, capture, {"scan.e57": scan(shade=shade)})
    fingerprint = validate(world.ctx(run), drop.key).fingerprint
    e57_extraction.upload_scans(world.ctx(run), drop.key, fingerprint)
    e57_extraction.start_revisions(world.ctx(run), drop.key, fingerprint, is_finished=lambda run: run == "lost")
    return drop.key, fingerprint


def test_one_extraction_at_a_time_runs_into_a_space_that_captures_share(start: Start) -> None:
    """Of images at one place, made at one time, nobody could tell whose they are."""
    with start(site={"e57": {"space": "scans"}}) as world:
        first = begun(world, "april", "run 1", 10)
        with pytest.raises(LeaseHeldError, match=r"Space scans \(e57.space\) is being written by run 1"):
            begun(world, "may", "run 2", 90)
        e57_extraction.wait(world.ctx("run 1"), *first)
        april = collect(world.ctx("run 1"), *first)
        second = begun(world, "may", "run 2", 90)
        e57_extraction.wait(world.ctx("run 2"), *second)
        may = collect(world.ctx("run 2"), *second)
        assert set(april.collections).isdisjoint(may.collections)


@pytest.mark.parametrize("setting_stays", [True, False], ids=["setting stays", "setting removed"])
def test_images_that_may_be_another_captures_are_not_taken(start: Start, *, setting_stays: bool) -> None:
    """As of a run that was lost while CDF went on with its scan: it is extracted after this capture's begins."""
    with start(site={"e57": {"space": "scans"}}) as world:
        other = begun(world, "may", "run 2", 90)
        for each in (other, begun(world, "april", "run 2", 10)):
            e57_extraction.wait(world.ctx("run 2"), *each)
        if not setting_stays:
            world.site = small_site(world.landing)
        with pytest.raises(CdfError, match="more images than its scans give were made at their places in space scans"):
            collect(world.ctx("run 2"), *other)
        assert world.records.get(*other, "publish") is None


def test_a_space_stays_shared_that_the_register_does_not_name_any_more(start: Start) -> None:
    with start(site={"e57": {"space": "scans"}}) as world:
        first = begun(world, "april", "run 1", 10)
        e57_extraction.wait(world.ctx("run 1"), *first)
        world.site = small_site(world.landing)
        april = collect(world.ctx("run 1"), *first)
        world.site = small_site(world.landing, e57={"space": "scans"})
        second = begun(world, "may", "run 2", 90)
        e57_extraction.wait(world.ctx("run 2"), *second)
        world.site = small_site(world.landing)
        may = collect(world.ctx("run 2"), *second)
        assert (april.images, may.images, april.others, may.others) == (3, 3, 0, 0)
        for key in (first[0], second[0]):
            verify(world.ctx(), key, world.records.fingerprints(key)[0])
            assert reconcile(world.ctx(), key) == []


def test_the_same_space_in_another_project_is_another(start: Start) -> None:
    with start(site={"e57": {"space": "scans"}}) as world:
        key = CaptureKey("hall-7", "april")
        take_turn(world.ctx("run 1"), key, "scans", bool)
        other = CdfProject(replace(world.connection, project="another"))
        take_turn(replace(world.ctx("run 2"), cdf=other), key, "scans", lambda run: False)
        with pytest.raises(LeaseHeldError):
            take_turn(world.ctx("run 3"), key, "scans", lambda run: False)


def test_a_killed_command_that_holds_a_space_is_named_with_its_capture(start: Start) -> None:
    """`--take-over` helps for that capture alone."""
    with start(site={"e57": {"space": "scans"}}) as world:
        killed = "command line on elsewhere, process 1, 2026-05-01T00:00:00Z"
        take_turn(world.ctx(killed), CaptureKey("hall-7", "april"), "scans", bool)
        with pytest.raises(LeaseHeldError) as held, lease_remedy():
            take_turn(world.ctx("run 2"), CaptureKey("hall-7", "may"), "scans", lambda run: False)
        assert "run it again for hall-7/april with --take-over" in held.value.remedy


def test_a_run_of_airflow_that_holds_a_space_is_ended_in_airflow_or_by_the_ingest_of_its_capture(start: Start) -> None:
    """`--take-over` of another capture would not free the space."""
    with start(site={"e57": {"space": "scans"}}) as world:
        april, may = CaptureKey("hall-7", "april"), CaptureKey("hall-7", "may")
        lost = "Airflow run captures_ingest 1"
        lease.take(world.records, april, lost, is_finished=bool)
        take_turn(world.ctx(lost), april, "scans", bool)
        with pytest.raises(LeaseHeldError) as held, lease_remedy():
            take_turn(world.ctx("run 2"), may, "scans", lambda run: False)
        assert "mark it as failed in Airflow, and captures_sense frees the space." in held.value.remedy
        assert "run `capture360 ingest` for hall-7/april with --take-over" in held.value.remedy
        lease.take(world.records, april, "run 3", is_finished=is_finished(take_over=True))
        take_turn(world.ctx("run 2"), may, "scans", lambda run: False)


@pytest.mark.parametrize("revision", [None, 2], ids=["the same delivery", "a higher revision"])
def test_images_in_the_space_of_before_are_named(start: Start, revision: int | None) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        ingest(world.ctx(), drop.key)
        world.site = small_site(world.landing, e57={"space": "scans"})
        if revision is not None:
            write_scans(world.landing, "walk", {"scan.e57": scan(shade=90)}, revision=revision)
        again = ingest(world.ctx(), drop.key)
        assert (again.collected.images, again.collected.missing) == (3, ())
        body = world.records.get(drop.key, again.validated.fingerprint, "publish").body
        made = set(made_by(world.ctx(), drop.key).made.images)
        assert len(body["left"]) == 3
        assert made == {
            *((space_id(drop.key), each) for each in body["left"]),
            *(("scans", each) for each in body["shown"].values()),
        }
        (finding,) = reconcile(world.ctx(), drop.key)
        assert finding.rule == "R05"


def test_extractions_into_spaces_of_their_own_wait_for_none(start: Start) -> None:
    with start() as world:
        for each in (begun(world, "april", "run 1", 10), begun(world, "may", "run 2", 90)):
            e57_extraction.wait(world.ctx("run 3"), *each)
            assert collect(world.ctx("run 3"), *each).images == 3
        world.records.put_note(each[0], "retracted", {"revision": 1})
        for step in (e57_extraction.start_revisions, collect):
            with pytest.raises(BadInputError, match="retracted as revision 1"):
                step(world.ctx("run 3"), *each)


def test_the_logs_say_why_it_failed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdf_sandbox.services.three_d import extraction

    def broken(*how: object) -> Iterator[object]:
        raise WorkError("No scanner positions")
        yield

    monkeypatch.setattr(extraction, "extracted_spheres", broken)
    with start() as world:
        drop = write_scans(world.landing, "walk")
        with pytest.raises(CdfError, match=r"could not extract revision.*CONVERTER/FAILED: No scanner positions"):
            steps(world, drop)


def test_a_failed_extraction_can_be_asked_for_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdf_sandbox.services.three_d import extraction

    def broken(*how: object) -> Iterator[object]:
        raise WorkError("Out of memory")
        yield

    with start() as world:
        drop = write_scans(world.landing, "walk")
        with monkeypatch.context() as patch:
            patch.setattr(extraction, "extracted_spheres", broken)
            with pytest.raises(CdfError, match="clear the task that starts the extraction: it starts a new revision"):
                steps(world, drop)
        assert steps(world, drop).images == 3
        assert project(world)["revisions"] == 2
        assert steps(world, drop).images == 3
        assert project(world)["revisions"] == 2


def test_the_folder_is_listed_once_for_all_scans(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    listing = folder.local_tree

    def counted(root: str) -> Iterator[Any]:
        listed.append(root)
        return listing(root)

    with start() as world:
        drop = write_scans(world.landing, "walk", {f"{number}.e57": scan(shade=number) for number in range(3)})
        fingerprint = validate(world.ctx(), drop.key).fingerprint
        monkeypatch.setattr(folder, "local_tree", counted)
        e57_extraction.upload_scans(world.ctx(), drop.key, fingerprint)
        assert len(listed) == 1


def test_a_deadline_ends_the_waiting(start: Start) -> None:
    with start(revision_queue=9000) as world:
        drop = write_scans(world.landing, "walk")
        ctx = world.ctx()
        fingerprint = validate(ctx, drop.key).fingerprint
        e57_extraction.upload_scans(ctx, drop.key, fingerprint)
        started = e57_extraction.start_revisions(ctx, drop.key, fingerprint)
        assert e57_extraction.poll_revisions(ctx, drop.key, fingerprint) == e57_extraction.Waiting(0, 1, ("Queued",))
        world.site = small_site(world.landing, e57={"deadline": timedelta(0)})
        with pytest.raises(CdfError, match=f"has not ended revision {started.revisions[0]} .Queued.*e57.deadline"):
            e57_extraction.poll_revisions(world.ctx(), drop.key, fingerprint)


def test_records_of_other_scans_name_the_step_to_run(start: Start) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        ctx = world.ctx()
        fingerprint = validate(ctx, drop.key).fingerprint
        e57_extraction.upload_scans(ctx, drop.key, fingerprint)
        upload = ctx.records.get(drop.key, fingerprint, e57_extraction.UPLOAD)
        assert upload is not None
        (file,) = upload.body["files"].values()
        ctx.records.put(
            drop.key, fingerprint, e57_extraction.UPLOAD, {"files": {"b.e57": file}, "bytes": 1}, run=ctx.run
        )
        with pytest.raises(MissingStepError, match=r"Run upload_scans first"):
            e57_extraction.start_revisions(ctx, drop.key, fingerprint)
        body = {
            "model": 1,
            "revisions": {"b.e57": [1, "2026-05-01T00:00:00+00:00"]},
            "space": "s",
            "began": "2026-05-01T00:00:00+00:00",
        }
        ctx.records.put(drop.key, fingerprint, e57_extraction.REVISION, body, run=ctx.run)
        with pytest.raises(MissingStepError, match=r"has no revision in its record. Run start_revisions first"):
            collect(ctx, drop.key, fingerprint)


def test_waiting_tells_how_far_it_is(start: Start) -> None:
    with start(revision_queue=0.3, revision_processing=0.3) as world:
        done = ingest(world.ctx(), write_scans(world.landing, "walk").key)
        assert done.collected is not None
        assert "revisions done (Queued): 0 of 1" in world.said
        assert "revisions done: 1 of 1" in world.said


LOST = [
    *(
        ("commit-then-reset", path)
        for path in (
            "*/3d/models", "*/revisions", "*/initmultipartupload", "*/completemultipartupload", "*/models/spaces",
        )
    ),
    ("reset", "*/revisions"),
    ("reset", "*/initmultipartupload"),
]  # fmt: skip
"""A request that was reset made nothing, so that two of those suffice."""


@pytest.mark.parametrize(("effect", "path"), LOST)
def test_a_lost_answer_makes_nothing_twice(start: Start, effect: str, path: str) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        fault(world.running, effect=effect, method="POST", path=path)
        try:
            steps(world, drop)
        except CdfUnavailableError:
            steps(world, drop, "run 2")
        assert not world.running.sandbox.faults.pending()
        found = project(world)
        assert [uploaded for _, uploaded in found.pop("scans")] == [True]
        assert found == ONCE


@pytest.mark.parametrize("effect", ["commit-then-reset", "reset"])
def test_a_part_whose_answer_was_lost_is_stored_once(start: Start, effect: str) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        fault(world.running, effect=effect, method="PUT", path="/links/*")
        steps(world, drop)
        assert not world.running.sandbox.faults.pending()
        assert_stored_once(world, drop)


@pytest.mark.parametrize("effect", ["short-store", "wrong-bytes"])
def test_a_part_that_was_stored_damaged_is_told_with_the_file_to_replace(start: Start, effect: str) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        fault(world.running, effect=effect, method="PUT", path="/links/*")
        with pytest.raises(CdfError, match=r"could not extract revision .*: delete file [0-9]+ in CDF") as told:
            steps(world, drop)
        assert not world.running.sandbox.faults.pending()
        assert world.records.get(drop.key, validate(world.ctx(), drop.key).fingerprint, "publish") is None
        world.cdf.client.files.delete(id=int(str(told.value).partition("delete file ")[2].split()[0]))
        steps(world, drop, "run 2")
        assert_stored_once(world, drop, revisions=2)


def assert_stored_once(world: World, drop: ScanDrop, revisions: int = 1) -> None:
    """The scan is in CDF once, byte for byte, and its images are there once."""
    found = project(world)
    ((external_id, uploaded),) = found.pop("scans")
    assert uploaded
    assert world.cdf.client.files.download_bytes(external_id=external_id) == (drop.folder / "scan.e57").read_bytes()
    assert found == ONCE | {"revisions": revisions}


def test_other_settings_are_another_revision(start: Start) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        steps(world, drop)
        world.site = small_site(world.landing, e57={"indexing_options": {"faceSize": 1024}})
        done = steps(world, drop)
        assert (done.images, done.others) == (3, 0)
        assert project(world)["revisions"] == 2
        assert len(images_of(world.ctx(), drop.key, validate(world.ctx(), drop.key).fingerprint)) == 3


def test_the_settings_reach_the_request(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    settings = {
        "options": "boolean", "pipeline_version": "beta-2", "cdf_version": "beta",
        "indexing_options": {"faceSize": 1024},
    }  # fmt: skip
    with start(site={"e57": settings}) as world:
        real = httpx.Client.stream

        def stream(client: httpx.Client, method: str, url: str, **more: Any) -> AbstractContextManager[httpx.Response]:
            if url.endswith("/revisions"):
                sent.append({"body": more["json"], "headers": more["headers"]})
            return real(client, method, url, **more)

        monkeypatch.setattr(httpx.Client, "stream", stream)
        drop = write_scans(world.landing, "walk")
        steps(world, drop)
    (request,) = sent
    (item,) = request["body"]["items"]
    assert request["headers"]["cdf-version"] == "beta"
    assert item["pipelineConfiguration"] == {
        "version": "beta-2",
        "indexingOptions": {
            "extractPhotosphereImages": True, "dmsInstancesSpaceId": space_id(drop.key), "faceSize": 1024,
        },
    }  # fmt: skip
    assert not any(item["nonce"] in line for line in world.said)
    assert not any(
        item["nonce"].encode() in (world.records.store.read(p) or b"") for p in document_paths(world.records.store)
    )


def test_a_given_model_is_used_and_no_other_made(start: Start) -> None:
    with start() as world:
        model = world.cdf.client.three_d.models.create(name="Hall 7, all scans")
        world.site = small_site(world.landing, e57={"model_id": model.id})
        steps(world, write_scans(world.landing, "walk"))
        assert project(world)["models"] == 1


def test_a_changed_scan_needs_a_new_revision_of_the_capture(start: Start) -> None:
    with start() as world:
        steps(world, write_scans(world.landing, "walk"))
        reject_again(world.records, CaptureKey("hall-7", "walk"))
        changed = write_scans(world.landing, "walk", {"scan.e57": scan(shade=99)})
        before = world.running.mutating()
        with pytest.raises(BadInputError, match=r'scan "scan.e57" differs.*revision: 2'):
            steps(world, changed)
        assert world.running.mutating() == before
        done = steps(world, write_scans(world.landing, "walk", revision=2))
        assert (done.images, done.others, done.missing) == (3, 0, ())
        assert len(images_of(world.ctx(), changed.key, world.records.load(changed.key).fingerprint)) == 3


def test_a_scan_that_is_added_is_extracted_beside_the_first(start: Start) -> None:
    with start() as world:
        first = {"west.e57": scan((1, 2)), "south.e57": scan((5,))}
        steps(world, write_scans(world.landing, "walk", first))
        before = project(world)
        done = steps(world, write_scans(world.landing, "walk", {"north.e57": scan((3, 4))}))
        assert (done.images, done.missing) == (5, ())
        after = project(world)
        assert set(before["scans"]) < set(after["scans"])
        assert (after["models"], after["revisions"], after["images"]) == (1, 3, 5)


SCANS = {"west.e57": scan((1,)), "north.e57": scan((2,)), "east.e57": scan((3,))}


@pytest.mark.parametrize("shared_space", [False, True], ids=["own space", "shared space"])
def test_a_confirmed_delivery_removes_what_cdf_extracted_of_scans_that_it_leaves_out(
    start: Start, shared_space: bool
) -> None:
    """With its revision, so that the same scan can come back, and nothing of another capture's."""
    with start(site={"e57": {"space": "scans"}} if shared_space else None) as world:
        keys = [CaptureKey("hall-7", "walk")]
        if shared_space:
            keys.append(write_scans(world.landing, "other", {"other.e57": scan((3,), shade=7)}).key)
            assert ingest(world.ctx(), keys[-1]).collected is not None
        drop = write_scans(world.landing, "walk", SCANS)
        ingest(world.ctx(), drop.key)
        before = project(world)
        (drop.folder / "east.e57").unlink()
        refused = ingest(world.ctx(), drop.key).validated
        assert "1 missing" in refused.headline
        assert project(world) == before
        write_scans(world.landing, "walk", {"west.e57": scan((1,))}, revision=2)
        done = ingest(world.ctx(), drop.key)
        assert done.collected is not None
        assert done.collected.images == 2
        after = project(world)
        assert (after["images"], after["revisions"]) == (before["images"] - 1, before["revisions"] - 1)
        assert len(after["scans"]) == len(before["scans"]) - 1
        assert any(line.startswith("1 image removed that CDF extracted out of scans") for line in world.said)
        assert world.records.get(drop.key, done.validated.fingerprint, "publish").body["left"] == []
        for key in keys:
            assert reconcile(world.ctx(), key) == []
        write_scans(world.landing, "walk", SCANS, revision=3)
        back = ingest(world.ctx(), drop.key).collected
        assert back is not None
        assert (back.images, back.missing) == (3, ())


def test_what_an_earlier_extraction_left_is_named_until_it_is_deleted(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where 3D revisions may not be deleted, a scan that is left out stays shown."""
    monkeypatch.setattr(replaced_scans, "lacking", lambda granted, needs: list(needs))
    with start() as world:
        # Alone: an image that is made after the other scan's revision began may be that one's.
        drop = write_scans(world.landing, "walk", {"east.e57": SCANS["east.e57"]})
        ingest(world.ctx(), drop.key)
        (drop.folder / "east.e57").unlink()
        write_scans(world.landing, "walk", {"west.e57": scan((1,))}, revision=2)
        done = ingest(world.ctx(), drop.key)
        assert done.collected is not None
        assert done.collected.images == 1
        assert any("scans that are replaced stays: threedAcl" in line for line in world.said)
        assert any(line.startswith("Still shown: 1 image of earlier deliveries: ") for line in world.said)
        (finding,) = reconcile(world.ctx(), drop.key)
        assert finding.rule == "R05"
        (left,) = world.records.get(drop.key, done.validated.fingerprint, "publish").body["left"]
        assert left in finding.message
        client = world.cdf.client
        space = next(iter(done.collected.collections)).space
        client.data_modeling.instances.delete(nodes=[(space, left)])
        assert reconcile(world.ctx(), drop.key) == []


def test_an_image_in_a_space_of_the_captures_own_that_nobody_recorded_is_listed(start: Start) -> None:
    with start() as world:
        drop = write_scans(world.landing, "walk")
        ingest(world.ctx(), drop.key)
        name, properties = next(iter(world.nodes(IMAGE_VIEW, "").items()))
        copied = {key: value for key, value in properties.items() if value is not None}
        stray = NodeApply(space_id(drop.key), "stray", sources=[NodeOrEdgeData(ViewId(*IMAGE_VIEW), copied)])
        world.cdf.client.data_modeling.instances.apply(stray)
        assert name != "stray"
        for settings in ({}, {"e57": {"space": "scans"}}):
            world.site = small_site(world.landing, **settings)
            assert "stray" in {finding.rule: finding.message for finding in reconcile(world.ctx(), drop.key)}["R04"]


def test_a_scan_left_out_in_a_data_modeling_project_is_removed(tmp_path: Path) -> None:
    with run_sandbox(fast_options(tmp_path / "cdf", ProjectMode.DATA_MODELING)) as running:
        world = World(running, tmp_path, "data_modeling")
        drop = write_scans(
            world.landing, "walk", {"west.e57": scan((1,)), "north.e57": scan((2,)), "east.e57": scan((3,))}
        )
        ingest(world.ctx(), drop.key)
        (drop.folder / "east.e57").unlink()
        write_scans(world.landing, "walk", {"west.e57": scan((1,))}, revision=2)
        done = ingest(world.ctx(), drop.key)
        assert done.published is not None
        assert len(done.published.removed_images) == 1
        assert len(images_of(world.ctx(), drop.key, done.validated.fingerprint)) == 2
        assert reconcile(world.ctx(), drop.key) == []


def test_extraction_here_is_a_setting_in_every_mode(start: Start) -> None:
    for mode in ("asset_centric", "hybrid"):
        with start(mode, site={"e57": {"extraction": "local"}}) as world:
            done = ingest(world.ctx(), write_scans(world.landing, mode).key)
            assert done.collected is None
            assert done.published is not None
            assert done.published.images == 3
            assert project(world)["revisions"] == 0


def test_a_dry_run_lists_files_revision_and_scene_and_writes_nothing(start: Start) -> None:
    with start(site={"scene": {"external_id": "hall"}}) as world:
        drop = write_scans(world.landing, "walk")
        before = world.running.mutating()
        planned = plan(world.ctx(), drop.key)
        assert world.running.mutating() == before
        assert planned.space == space_id(drop.key)
        assert len(planned.files) == 1
        assert (planned.revisions, planned.instances) == (("scan.e57",), ("hall",))
        (collection,) = steps(world, drop).collections
        planned = plan(world.ctx(), drop.key)
        assert (planned.space, planned.files, planned.revisions) == (None, (), ())
        assert planned.instances == ("hall", scene_edge_id("hall", collection.space, collection.external_id))


def test_scans_out_of_a_zip_go_one_by_one(start: Start) -> None:
    with start() as world:
        members = {"a/west.e57": scan((1, 2)), "b/east.e57": scan((3,)), "readme.txt": b"hello"}
        done = steps(world, write_scans(world.landing, "walk", {"scans.zip": zipped(members)}))
        assert (done.images, done.missing) == (3, ())
        found = {file.name: file for file in world.cdf.client.files.list(limit=None) if file.mime_type == "model/e57"}
        assert set(found) == {"west.e57", "east.e57"}
        content = world.cdf.client.files.download_bytes(external_id=found["west.e57"].external_id)
        assert content == members["a/west.e57"]


def test_a_space_that_may_not_be_created_is_asked_for(start: Start) -> None:
    with start(site={"create_space": False, "space": "captures360"}) as world:
        from cognite.client.data_classes.data_modeling import SpaceApply

        world.cdf.client.data_modeling.spaces.apply(SpaceApply("captures360"))
        drop = write_scans(world.landing, "walk")
        with pytest.raises(ConfigError, match=space_id(drop.key)):
            steps(world, drop)


def test_data_modeling_projects_have_their_panoramas_extracted_here(tmp_path: Path) -> None:
    with run_sandbox(fast_options(tmp_path / "cdf", ProjectMode.DATA_MODELING)) as running:
        world = World(running, tmp_path, "data_modeling")
        drop = write_scans(world.landing, "walk")
        done = ingest(world.ctx(), drop.key)
        assert done.validated.route == "faces"
        state = world.records.load(drop.key)
        assert state is not None
        images = images_of(world.ctx(), drop.key, state.fingerprint)
        places = np.array(sorted(image.pose.position for image in images))
        np.testing.assert_allclose(places, sorted(station_pose(number).position for number in (1, 2, 3)), atol=1e-4)
