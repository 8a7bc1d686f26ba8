"""What is due on a capture date, by what changed, and how the end of a run is seen in the records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from cognite.client.data_classes import AssetWrite

from capture360.errors import RequestError
from capture360.landing.fingerprint import fingerprint
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.site import Site
from capture360.steps import lease
from capture360.steps.backfill import (
    Due,
    What,
    captures_on,
    due_captures,
    lacks_end,
    mark,
    outcome,
    parse_date,
)
from capture360.steps.context import StepContext
from capture360.steps.folder_snapshot import FolderSnapshot
from capture360.steps.inputs import NOT_FOR_INGEST, ingest_inputs
from captures import TAKEN, small_site
from ingest_world import World
from suggested_links import Hall, hall_in, world_of

if TYPE_CHECKING:
    from capture360.cdf.client import CdfProject

DAY = TAKEN.date()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield world_of(stack, "asset_centric", tmp_path)


@pytest.fixture
def hall(world: World) -> Hall:
    """A capture that is contextualized."""
    return hall_in(world)


def due(world: World, key: CaptureKey, what: What = What.BOTH) -> Due:
    (found,) = due_captures(world.ctx(), [key], what)
    return found


def test_a_contextualized_capture_has_nothing_due(hall: Hall) -> None:
    assert due(hall.world, hall.key) == Due(hall.key)
    assert lacks_end(hall.world.records, hall.key, What.BOTH) is None
    assert hall.key in captures_on(hall.world.records, DAY)


def test_what_changed_is_named(hall: Hall) -> None:
    world = hall.world
    world.cdf.client.assets.create([AssetWrite(name="99-XX-1", external_id="99-XX-1")])
    assert due(world, hall.key).contextualize == ("new asset list",)
    world.site = small_site(world.landing, links={"matching": {"min_chars": 5}})
    assert due(world, hall.key).contextualize == ("new asset list", "new matching settings")
    assert due(world, hall.key, What.INGEST) == Due(hall.key)
    hall.read()
    assert due(world, hall.key) == Due(hall.key)
    critical = world.root / f"{hall.key.capture}.csv"
    world.site = small_site(world.landing, links={"matching": {"min_chars": 5}, "critical_assets": str(critical)})
    critical.write_text("tag\n99-XX-1\n")
    assert due(world, hall.key).contextualize == ("new list of critical assets",)


def test_new_check_settings_are_due_for_ingest_which_hands_on(hall: Hall) -> None:
    world = hall.world
    world.site = small_site(world.landing, checks={"min_face_resolution": 17, "min_file_bytes": 100})
    assert due(world, hall.key) == Due(hall.key, ("new check settings",), ("it is ingested again",))
    assert due(world, hall.key, What.CONTEXTUALIZE) == Due(hall.key)


def test_each_setting_of_a_site_counts_for_an_ingest_or_does_not(tmp_path: Path) -> None:
    """A new setting is to be listed here, or in NOT_FOR_INGEST."""
    for_ingest = {
        "id", "name", "space", "create_space", "frame", "time_zone", "files", "data_modeling", "e57", "scene",
    }  # fmt: skip
    assert sorted(Site.model_fields) == sorted([*for_ingest, *NOT_FOR_INGEST])
    site = small_site(tmp_path)
    assert ingest_inputs(small_site(tmp_path, digest="daily")) == ingest_inputs(site)
    assert ingest_inputs(small_site(tmp_path, frame="plant")) != ingest_inputs(site)


def test_matches_that_were_not_linked_are_due(hall: Hall) -> None:
    record = hall.world.records.get(hall.key, hall.fingerprint, "annotate")
    assert record is not None
    hall.world.records.put(hall.key, hall.fingerprint, "annotate", {**record.body, "match": "older"}, run="r")
    assert due(hall.world, hall.key).contextualize == ("it is not contextualized",)
    assert lacks_end(hall.world.records, hall.key, What.BOTH) == f"{hall.key} is not contextualized."
    assert lacks_end(hall.world.records, hall.key, What.INGEST) is None


def test_a_rejected_capture_is_lacking_until_its_files_change(world: World) -> None:
    drop = world.drop("broken", stations=1)
    table = drop.folder / "stations.csv"
    sound = table.read_text()
    table.write_text(sound.replace("station_id", "stations_name_x"))
    world.ingest(drop)
    lacking = due(world, drop.key).lacking
    assert lacking is not None
    assert "rejected" in lacking
    assert "drop it again" in lacking
    table.write_text(sound)
    (drop.folder / "_READY").unlink()
    unseen = due(world, drop.key)
    assert unseen.ingest == ()
    assert "captures_sense has not looked at its files since they changed" in (unseen.lacking or "")
    seen = fingerprint(world.ctx().folder(drop.key), world.site.landing.ready_markers)
    world.records.put_note(drop.key, "look", FolderSnapshot(seen, datetime.now(UTC)).document())
    arriving = due(world, drop.key)
    assert arriving.ingest == ()
    assert "it waits for quiet: no _READY" in (arriving.lacking or "")
    (drop.folder / "_READY").touch()
    assert due(world, drop.key).ingest == ("its files have changed",)


def test_without_its_files_a_published_capture_is_left_and_another_is_lacking(hall: Hall) -> None:
    for path in sorted((hall.world.landing / hall.key.capture).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert due(hall.world, hall.key) == Due(hall.key)
    other = CaptureKey("hall-7", "vanished")
    assert "no longer at" in (due(hall.world, other).lacking or "")
    assert "is not published" in (due(hall.world, other, What.CONTEXTUALIZE).lacking or "")


def test_a_capture_belongs_to_the_date_of_its_newest_delivery(hall: Hall) -> None:
    hall.world.records.by_date.put(hall.key, date(2020, 1, 1))
    assert captures_on(hall.world.records, date(2020, 1, 1)) == []
    assert captures_on(hall.world.records, DAY, "hall-7") == [hall.key]
    assert captures_on(hall.world.records, DAY, "hall-8") == []


def test_a_capture_whose_records_are_damaged_is_lacking_and_stops_no_other(tmp_path: Path) -> None:
    damaged, other = CaptureKey("hall-7", "damaged"), CaptureKey("hall-7", "other")
    records = Records(str(tmp_path / "records"))
    for key in (damaged, other):
        records.by_date.put(key, DAY)
        records.put(key, "f", "validate", {"verdict": "accepted", "captured_on": DAY.isoformat()}, run="r")
    before = mark(records, damaged, What.INGEST)
    for step in ("validate", "verify"):
        records.store.put(f"{damaged}/f/{step}.json", b"{")
    nobody_asks = cast(
        "CdfProject", SimpleNamespace(connection=SimpleNamespace(identity=("cluster", "project"), mode="hybrid"))
    )
    ctx = StepContext(small_site(tmp_path / "landing"), records, nobody_asks, "r", print)
    keys = captures_on(records, DAY)
    assert keys == [damaged, other]
    first, second = due_captures(ctx, keys, What.CONTEXTUALIZE)
    assert "verify.json is broken" in (first.lacking or "")
    assert second.lacking == f"{other} is not published."
    assert "verify.json is broken" in (lacks_end(records, damaged, What.BOTH) or "")
    assert "verify.json is broken" in (outcome(records, damaged, What.INGEST, before, lambda _: True) or "")


def test_the_end_of_a_run_is_seen_and_its_failure_too(hall: Hall) -> None:
    records, key = hall.world.records, hall.key
    before = mark(records, key, What.CONTEXTUALIZE)
    assert outcome(records, key, What.CONTEXTUALIZE, before, lambda _: True) is None  # no run has come
    lease.take(records, key, "run 7", is_finished=lambda _: True)
    assert outcome(records, key, What.CONTEXTUALIZE, before, lambda _: False) is None  # it goes on
    lease.release(records, key, "run 7")
    said = outcome(records, key, What.CONTEXTUALIZE, before, lambda run: run == "run 7")
    assert said == f"{key}: run 7 ended without having contextualized it. Fix the cause of its failure."
    hall.read()
    assert outcome(records, key, What.CONTEXTUALIZE, before, lambda _: True) == ""


@pytest.mark.parametrize("text", ["2026-5-32", "yesterday", "", "2026-05-01T00:00", None])
def test_a_date_that_is_none_is_refused_in_words(text: object) -> None:
    with pytest.raises(RequestError, match="YYYY-MM-DD"):
        parse_date(text)


def test_an_unknown_what_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="ingest, contextualize, both"):
        What.parse("everything")
