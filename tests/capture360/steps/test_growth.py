"""Work of steps that are split into batches, at a number of stations and at twice that: counted, not timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from capture360.cdf.images import classic, core
from capture360.cdf.project_mode import ModeName
from capture360.landing import folder
from capture360.model import Pose
from capture360.steps import detect as detecting
from capture360.steps.detect import detect, detection_batches
from capture360.steps.faces import faces
from capture360.steps.validate import STEP as VALIDATED
from captures import Drop, record_as_validated
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
    verdict = world.records.get(drop.key, fingerprint, VALIDATED)
    assert verdict is not None
    body = {**verdict.body, "batches": len(drop.capture.stations) // BATCH}
    world.records.put(drop.key, fingerprint, VALIDATED, body, run="test")
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
