"""What the old project shows is a delivery that the checks of this project read, whole however often it was begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.checks.check import check_capture
from capture360.errors import BadInputError
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.model import PublishedImage, Verdict
from capture360.steps.detect import images_of
from capture360.steps.move_faces import COMPLETE, deliver_faces, whole_images
from capture360.steps.published import published_capture
from captures import Drop
from ingest_world import World
from writes import Killed, Writes, kill, watched


def shown(world: World, drop: Drop) -> dict[str, PublishedImage]:
    fingerprint = world.records.newest_with(drop.key, "publish")
    assert fingerprint is not None
    images = images_of(world.ctx(), drop.key, fingerprint)
    return {image.external_id.rpartition("_")[0].rpartition("_")[2]: image for image in images}


def test_the_delivery_is_what_was_published(world: World, tmp_path: Path) -> None:
    drop = world.drop("walk", stations=3, collections=("", "east"), revision=2)
    world.write(drop)
    capture = published_capture(world.records, drop.key)
    assert capture is not None
    folder = tmp_path / "work" / "hall-7" / "walk"
    deliver_faces(world.ctx(), capture, shown(world, drop), folder)
    validation = check_capture(CaptureFolder(str(folder)), site=world.site, key=drop.key)
    assert validation.verdict is Verdict.ACCEPTED
    again = validation.capture
    assert again is not None
    assert (again.key, again.label, again.site_name, again.revision) == (drop.key, "walk", "Hall 7", 2)
    for station, before in zip(again.stations, drop.capture.stations, strict=True):
        assert (station.id, station.name, station.taken_at) == (before.id, before.name, before.taken_at)
        assert station.collection == before.collection
        assert station.pose.position == pytest.approx(before.pose.position, abs=1e-6)
        assert [abs(part) for part in station.pose.rotation] == pytest.approx(
            [abs(part) for part in before.pose.rotation], abs=1e-6
        )
    for picture in drop.folder.rglob("*.jpg"):
        assert (folder / picture.relative_to(drop.folder)).read_bytes() == picture.read_bytes()


def test_a_download_that_was_killed_is_completed_with_the_same_fingerprint(world: World, tmp_path: Path) -> None:
    drop = world.drop("killed")
    world.write(drop)
    images, capture = shown(world, drop), published_capture(world.records, drop.key)
    assert capture is not None
    whole, half = tmp_path / "whole", tmp_path / "half"
    deliver_faces(world.ctx(), capture, images, whole)
    with watched(Writes(3, kill)), pytest.raises(Killed):
        deliver_faces(world.ctx(), capture, images, half)
    there = {path: path.stat().st_ino for path in half.rglob("*.jpg")}
    assert 0 < len(there) < 12
    assert not (half / COMPLETE).exists()
    (next(iter(there)).parent / ".x7rq0f3w.tmp").write_bytes(b"half a picture")  # a process that ends by SIGKILL
    deliver_faces(world.ctx(), capture, images, half)
    assert fingerprint(CaptureFolder(str(half))) == fingerprint(CaptureFolder(str(whole)))
    assert CaptureFolder(str(half)).left_out == ()
    assert {path: path.stat().st_ino for path in there} == there
    with watched(Writes()) as quiet:
        deliver_faces(world.ctx(), capture, images, half)
    assert quiet.log == []


def test_stations_without_six_faces_are_left_out(world: World, tmp_path: Path) -> None:
    drop = world.drop("five")
    world.write(drop)
    images, capture = shown(world, drop), published_capture(world.records, drop.key)
    assert capture is not None
    first = images["001"]
    faces = {face: ref for face, ref in first.faces.items() if face != "top"}
    images["001"] = PublishedImage(first.external_id, first.space, first.station, first.pose, faces)
    assert whole_images(capture, images) == ["002"]
    deliver_faces(world.ctx(), capture, images, tmp_path / "five")
    assert sorted(path.name for path in (tmp_path / "five" / "images").iterdir()) == ["002"]
    with pytest.raises(BadInputError, match="neither the landing zone nor the old project"):
        deliver_faces(world.ctx(), capture, {"001": images["001"]}, tmp_path / "none")
