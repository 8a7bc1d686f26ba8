"""Killed after any write of a confirmed delivery that leaves a station out, then run again: the same end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from capture360 import names
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import mode_of
from capture360.model import CaptureKey
from capture360.steps.annotate import link_writer
from capture360.steps.published import published_stations
from capture360.steps.reconcile import reconcile
from captures import Drop
from confirmed_deliveries import MODES, delivered, face_files, link, linked_images, shown, station_nodes
from ingest_world import World
from kill_points import points
from record_files import document_paths
from suggested_links import TAGS, world_of
from writes import Killed, Writes, kill, watched

KEY = CaptureKey("hall-7", "killed")
STATIONS = ("001", "002")


@pytest.fixture(params=MODES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    mode: ModeName = request.param
    with ExitStack() as stack:
        yield world_of(stack, mode, tmp_path)


def drop_of(world: World, stations: int, revision: int) -> Drop:
    """The same files with the same times every time, so that they are one delivery."""
    drop = delivered(world, "killed", stations, revision=revision)
    for path in drop.folder.rglob("*"):
        os.utime(path, (revision, revision))
    return drop


def published(world: World) -> None:
    """Two stations with a link each, and nothing else of the capture."""
    model = mode_of(world.cdf).images(world.cdf, world.site)
    link_writer(world.ctx(), KEY).remove(list(model.images(KEY)), [], dry_run=False)
    model.remove(KEY, dry_run=False)
    for path in document_paths(world.records.store):
        world.records.store.remove(path)
    first = drop_of(world, 2, 1)
    world.ingest(first)
    link(world, first, dict(zip(TAGS, STATIONS, strict=False)))
    assert linked_images(world, first) == set(STATIONS)


def end(world: World, fingerprint: str) -> dict[str, Any]:
    record = world.records.get(KEY, fingerprint, "publish")
    planned = world.records.get(KEY, fingerprint, "supersede")
    drop = drop_of(world, 2, 1)
    return {
        "images": shown(world, KEY),
        "nodes": station_nodes(world, "killed"),
        "files": {station: sorted(face_files(world, KEY, station)) for station in STATIONS},
        "links": linked_images(world, drop),
        "books": published_stations(world.records, KEY),
        "publish": record and record.body,
        "planned": planned and planned.body,
        "drift": [finding.rule for finding in reconcile(world.ctx(), KEY)],
    }


def test_a_confirmed_removal(world: World) -> None:
    published(world)
    second = drop_of(world, 1, 2)
    with watched(Writes()) as writes:
        fingerprint = world.ingest(second).validated.fingerprint
    undisturbed = end(world, fingerprint)
    assert (undisturbed["images"], undisturbed["links"]) == (["001"], {"001"})
    assert undisturbed["drift"] == []
    planned = next(number for number, line in enumerate(writes.log) if "supersede" in line)
    assert sum("delete" in line for line in writes.log) >= 3, writes.log
    for number in points(len(writes.log), planned):
        published(world)
        second = drop_of(world, 1, 2)
        with watched(Writes(number, kill)), pytest.raises(Killed):
            world.ingest(second)
        at = f"killed after write {number}: {writes.log[number]}"
        assert set(shown(world, KEY)) <= set(published_stations(world.records, KEY)), at
        world.ingest(drop_of(world, 1, 2))
        assert end(world, fingerprint) == undisturbed, at


def test_a_removal_that_was_begun_and_is_withdrawn(world: World) -> None:
    """The first delivery comes again before the second one ended: nothing of what it shows is missing."""
    published(world)
    with watched(Writes()) as writes:
        world.ingest(drop_of(world, 1, 2))
    removals = [number for number, line in enumerate(writes.log) if "delete" in line]
    for number in removals:
        published(world)
        with watched(Writes(number, kill)), pytest.raises(Killed):
            world.ingest(drop_of(world, 1, 2))
        world.ingest(drop_of(world, 2, 1))
        assert shown(world, KEY) == list(STATIONS)
        assert station_nodes(world, "killed") == {names.station_id(KEY, station) for station in STATIONS}
        assert [len(face_files(world, KEY, station)) for station in STATIONS] == [6, 6]
        assert [finding.rule for finding in reconcile(world.ctx(), KEY) if finding.rule not in ("R08",)] == []
