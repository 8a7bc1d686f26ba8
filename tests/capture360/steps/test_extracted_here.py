"""Scans whose manifest states what CDF's own extraction cannot apply are extracted here, and stand where it says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from capture360.cdf.registry import mode_of
from capture360.checks.check import check_capture
from capture360.geometry.rotation import angle_between, axis_rotation, matrix_from_quaternion
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey, Pose, PublishedImage, Verdict
from capture360.steps.ingest import ingest
from capture360.steps.plan import plan
from captures import TAKEN
from ingest_world import IMAGE_VIEW, World
from local_cdf import fast_options, run_sandbox
from scans import ScanDrop, write_scans


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An asset-centric project, where CDF extracts scans."""
    home = tmp_path_factory.mktemp("extracted-here")
    options = fast_options(home / "cdf", revision_queue=0, revision_processing=0)
    with run_sandbox(options) as running:
        yield World(running, home)


def drop(world: World, capture: str, **stated: Any) -> ScanDrop:
    document = {"schema": "capture/1", "site_id": "hall-7", "capture_id": capture, "kind": "e57", **stated}
    return write_scans(world.landing, capture, revision=1, manifest=yaml.safe_dump(document))


def published(world: World, key: CaptureKey) -> dict[str, PublishedImage]:
    model = mode_of(world.cdf).images(world.cdf, world.site)
    return {image.station.rsplit("_", 1)[-1]: image for image in model.images(key)}


def plain(world: World, delivered: ScanDrop) -> dict[str, Pose]:
    """The poses that the scans alone give, by the station's id."""
    (delivered.folder / "capture.yaml").rename(delivered.folder / "capture.txt")
    validation = check_capture(CaptureFolder(str(delivered.folder)), key=delivered.key)
    (delivered.folder / "capture.txt").rename(delivered.folder / "capture.yaml")
    assert validation.capture is not None
    return {station.id: station.pose for station in validation.capture.stations}


def test_a_transform_and_a_yaw_reach_cdf(world: World) -> None:
    delivered = drop(
        world,
        "moved",
        frame={"transform": {"origin_offset": [1, 0, 0], "yaw_deg": 90}},
        rotation={"image_yaw_offset_deg": 30},
    )
    assert plan(world.ctx(), delivered.key).revisions == ()
    done = ingest(world.ctx(), delivered.key)
    assert (done.validated.route, done.validated.verdict, done.collected) == ("faces", Verdict.ACCEPTED, None)
    assert "The scans are extracted here, which applies frame.transform, rotation.image_yaw_offset_deg." in world.said
    quarter = axis_rotation("Z", np.pi / 2)
    before, images = plain(world, delivered), sorted(published(world, delivered.key).values(), key=lambda i: i.label)
    assert len(images) == len(before) == 3
    for image, (_, pose) in zip(images, sorted(before.items()), strict=True):
        assert image.pose.position == pytest.approx(tuple(quarter @ (np.array(pose.position) - [1, 0, 0])))
        wanted = quarter @ matrix_from_quaternion(pose.rotation) @ axis_rotation("Z", np.pi / 6)
        assert angle_between(matrix_from_quaternion(image.pose.rotation), wanted) < 1e-6
    before_again = world.running.mutating()
    ingest(world.ctx("run 2"), delivered.key)
    assert world.running.mutating() == before_again


def test_a_clock_offset_reaches_cdf(world: World) -> None:
    delivered = drop(world, "clock-late", time={"clock_offset_s": 3600.0})
    assert ingest(world.ctx(), delivered.key).validated.route == "faces"
    taken = sorted(image["timeTaken"] for image in world.nodes(IMAGE_VIEW, "clock-late").values())
    moments = [datetime.fromisoformat(time) for time in taken]
    assert moments == [TAKEN + timedelta(hours=1, minutes=number) for number in (1, 2, 3)]


def test_scans_that_share_a_history_are_extracted_here(world: World) -> None:
    assert ingest(world.ctx(), drop(world, "history", history=True).key).validated.route == "faces"


def test_scans_that_state_nothing_more_are_left_to_cdf(world: World) -> None:
    stated = {
        "frame": {"name": "site", "up": "z", "unit": "m", "handedness": "right", "transform": {"yaw_deg": 0}},
        "rotation": {"kind": "quaternion", "direction": "camera_to_world", "image_yaw_offset_deg": 0},
        "time": {"base": "utc", "clock_offset_s": 0},
    }
    assert ingest(world.ctx(), drop(world, "as-it-is", **stated).key).validated.route == "revision"


@pytest.mark.parametrize(
    "stated", [{"frame": {"unit": "ft"}}, {"frame": {"up": "y"}}, {"time": {"base": "gps_s"}}, {"columns": {"x": "e"}}]
)
def test_what_scans_cannot_use_is_refused_and_nothing_is_sent(world: World, stated: dict[str, Any]) -> None:
    before = world.running.mutating()
    done = ingest(world.ctx(), drop(world, "refused", **stated).key)
    assert done.validated.verdict is Verdict.REJECTED
    assert "cannot be used with E57 scans" in done.validated.headline
    assert world.running.mutating() == before


@pytest.mark.parametrize("name", ["e14c-yaw-offset", "e14e-transform"])
def test_delivered_scans_with_conventions_stand_where_the_checks_saw_them(
    world: World, shared: Path, name: str
) -> None:
    shutil.copytree(shared / "data/field-cases" / name, world.landing / name)
    key = CaptureKey("hall-7", name)
    validation = check_capture(CaptureFolder(str(world.landing / name)), key=key)
    done = ingest(world.ctx(), key)
    assert done.validated.route == "faces"
    assert validation.capture is not None
    checked = sorted(station.pose.position for station in validation.capture.stations)
    shown = sorted(image.pose.position for image in published(world, key).values())
    assert np.array(shown) == pytest.approx(np.array(checked))
    if name == "e14e-transform":
        assert any(place == pytest.approx((-2, -1, 1.5)) for place in shown)


def test_a_delivered_clock_offset_corrects_the_times(world: World, shared: Path) -> None:
    """Unix seconds written as GPS time: what rule T04 advises works."""
    shutil.copytree(shared / "data/field-cases/e14b-unix-offset", world.landing / "e14b-unix-offset")
    done = ingest(world.ctx(), CaptureKey("hall-7", "e14b-unix-offset"))
    assert (done.validated.route, done.validated.verdict) == ("faces", Verdict.ACCEPTED)
