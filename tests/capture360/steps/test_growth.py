"""Work of steps that are split into batches, at a number of stations and at twice that: counted, not timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from capture360.capture_state import VALIDATE
from capture360.cdf.images import classic, core
from capture360.cdf.project_mode import ModeName
from capture360.cdf.three_d.extraction import ExtractedImage
from capture360.landing import folder
from capture360.model import Capture, CaptureKey, Pose, PublishedImage, Station
from capture360.records import Records
from capture360.steps import detect as detecting
from capture360.steps import published
from capture360.steps.detect import detect, detection_batches
from capture360.steps.faces import faces
from capture360.steps.made import parted
from captures import TAKEN, Drop, record_as_validated
from ingest_world import World

SIZES = (4, 8)
BATCH = 2
Count = Callable[[], int]


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> Count:
    """The number of images read from CDF and converted since it was asked last."""
    calls: list[int] = []
    real = core.pose_of

    def counted(properties: Mapping[str, Any]) -> Pose:
        calls.append(1)
        return real(properties)

    for module in (core, classic):
        monkeypatch.setattr(module, "pose_of", counted)
    return lambda: _taken(calls)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Count:
    """The number of files of the landing zone that were listed since it was asked last."""
    calls: list[int] = []
    real = folder.local_tree

    def counted(root: str) -> Iterator[Any]:
        for entry in real(root):
            calls.append(1)
            yield entry

    monkeypatch.setattr(folder, "local_tree", counted)
    return lambda: _taken(calls)


@pytest.mark.parametrize("mode", ["asset_centric", "data_modeling"])
def test_batches_read_the_images_of_their_own_stations(
    mode: ModeName,
    worlds: dict[ModeName, World],
    converted: Count,
    listed: Count,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detecting, "batch_size", lambda images: BATCH)
    monkeypatch.setattr(detecting, "batch_count", lambda images: images // BATCH)
    read: list[str] = []
    monkeypatch.setattr(detecting, "detector_of", lambda *_: Noting(read))
    world = worlds[mode]
    for count in SIZES:
        drop = world.drop(f"grown-{mode.replace('_', '-')}-{count}", stations=count)
        world.write(drop)
        fingerprint = in_batches(world, drop)
        ctx = world.ctx()
        uploaded(world, drop, fingerprint)
        converted(), listed()
        assert uploaded(world, drop, fingerprint) == 0
        assert (converted(), listed()) == (count, 0)
        read.clear()
        for batch in range(detection_batches(ctx, drop.key, fingerprint)):
            detect(ctx, drop.key, fingerprint, batch)
        assert len(read) == len(set(read)) == count
        assert converted() == count


def in_batches(world: World, drop: Drop) -> str:
    """Record the capture as validated in batches of `BATCH` stations; the fingerprint."""
    fingerprint = record_as_validated(world.records, drop, world.site)
    verdict = world.records.get(drop.key, fingerprint, VALIDATE)
    assert verdict is not None
    body = {**verdict.body, "batches": len(drop.capture.stations) // BATCH}
    world.records.put(drop.key, fingerprint, VALIDATE, body, run="test")
    return fingerprint


def uploaded(world: World, drop: Drop, fingerprint: str) -> int:
    """Faces that all batches uploaded."""
    batches = len(drop.capture.stations) // BATCH
    return sum(faces(world.ctx(), drop.key, fingerprint, batch).uploaded for batch in range(batches))


class Noting:
    """A detector that notes the images it is given, and finds nothing."""

    engine = "noting"
    images_at_once = 50
    findings = ()

    def __init__(self, read: list[str]) -> None:
        self._read = read

    def detect(self, images: Any) -> Iterator[Any]:
        self._read += [image.external_id for image in images]
        return iter(())


def _taken(calls: list[int]) -> int:
    total = sum(calls)
    calls.clear()
    return total


def test_images_of_a_space_are_parted_without_comparing_them() -> None:
    compared: list[int] = []

    class Image(ExtractedImage):
        def __eq__(self, other: object) -> bool:
            compared.append(1)
            return self is other

        __hash__ = None  # as what it stands for holds a mapping

    pose = Pose((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
    images = [Image(PublishedImage(f"i-{number}", "s", "", pose, {}), None, TAKEN) for number in range(40)]
    mine, others = parted(images, {"i-0", "i-1", "i-2", "gone"})
    assert [each.image.external_id for each in mine] == ["i-0", "i-1", "i-2"]
    assert [each.image.external_id for each in others] == [f"i-{number}" for number in range(3, 40)]
    assert compared == []


def test_stations_that_are_held_back_are_looked_up(monkeypatch: pytest.MonkeyPatch, records: Records) -> None:
    compared: list[int] = []

    class Name(str):
        def __eq__(self, other: object) -> bool:
            compared.append(1)
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    pose = Pose((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
    before = [Station(Name(f"{number:03}"), "", pose, TAKEN) for number in range(60)]
    whole = Capture(CaptureKey("hall-7", "a"), "cubemap", "Hall 7", "a", tuple(before), {})
    again = replace(whole, stations=(), revision=2, held_back=tuple(Name(each.id) for each in reversed(before)))
    monkeypatch.setattr(published, "published_capture", lambda records, key: whole)
    assert published.published_with(records, again).held_back == tuple(each.id for each in before)
    assert len(compared) < 5 * len(before)
