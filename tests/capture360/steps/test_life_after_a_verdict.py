"""Deliveries that follow deliveries: mended, corrected, moved, taken again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from capture360 import names
from capture360.capture_state import Stage
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import mode_of
from capture360.errors import CaptureRejected, RecordsError
from capture360.model import Verdict
from capture360.records import Records
from capture360.steps.captures import detail
from capture360.steps.faces import faces
from capture360.steps.ingest import ingest
from capture360.steps.published import earlier_captures
from capture360.steps.review_due import shown_state
from capture360.steps.validate import checked, validate
from captures import TAKEN, Drop, small_site
from ingest_world import CORE_STATION, STATION_VIEW, World
from local_cdf import fast_options, run_sandbox

COMPARING = {"I05", "C02", "C03", "C05"}
CHECKS = {"min_face_resolution": 16, "min_file_bytes": 100}


def rules_told(world: World, drop: Drop, fingerprint: str) -> list[str]:
    record = world.records.get(drop.key, fingerprint, "validate")
    assert record is not None
    return [finding["rule"] for finding in record.body["findings"] if finding["rule"] in COMPARING]


def images_of(world: World, drop: Drop) -> dict[str, str]:
    """Station node by image, as CDF has them."""
    model = mode_of(world.cdf).images(world.cdf, world.site)
    return {image.external_id: image.station for image in model.images(drop.key)}


def test_mended_stations_go_in_on_the_next_drop(make_world: Callable[..., World]) -> None:
    world = make_world(checks={**CHECKS, "max_quarantine_fraction": 0.5})
    drop = world.drop("partial", stations=3)
    picture = drop.folder / "images/002/top.jpg"
    content = picture.read_bytes()
    picture.write_bytes(content[: len(content) // 2])
    assert world.ingest(drop).validated.verdict is Verdict.PARTIAL
    assert len(images_of(world, drop)) == 2
    picture.write_bytes(content)
    mended = world.ingest(drop, "run 2")
    assert mended.validated.verdict is Verdict.ACCEPTED
    assert mended.uploaded == 6
    assert len(images_of(world, drop)) == 3
    assert rules_told(world, drop, mended.validated.fingerprint) == []


def test_a_moved_station_wants_a_new_revision(world: World) -> None:
    drop = world.drop("moved", stations=2)
    world.ingest(drop)
    drop.rewrite("001,Pump 001,1.5,", "001,Pump 001,1.6,")
    refused = world.ingest(drop, "run 2").validated
    assert refused.verdict is Verdict.REJECTED
    assert "1 moved or turned (001)" in refused.headline
    assert "revision: 2" in refused.headline
    drop.rewrite("revision: 1", "revision: 2", "capture.yaml")
    assert world.ingest(drop, "run 3").validated.verdict is Verdict.ACCEPTED


def test_other_pictures_want_a_new_revision(world: World) -> None:
    drop = world.drop("repainted", stations=1)
    world.ingest(drop)
    world.drop("repainted", stations=1, shade=50)
    refused = world.ingest(drop, "run 2").validated
    assert refused.verdict is Verdict.REJECTED
    assert 'pictures of station "001" differ' in refused.headline
    assert "write revision: 2" in refused.headline
    world.drop("repainted", stations=1, shade=50, revision=2)
    assert world.ingest(drop, "run 3").uploaded == 6


def test_what_is_refused_while_it_is_written_has_the_verdict_of_a_rejected_delivery(world: World) -> None:
    """It is not ingested again, what CDF shows is handed on, and its other batches say why as well."""
    shown = world.ingest(world.drop("repainted-by-night", stations=2)).validated.fingerprint
    drop = world.drop("repainted-by-night", stations=2, shade=50)
    accepted = validate(world.ctx(), drop.key)
    for is_new in (True, False):
        with pytest.raises(CaptureRejected, match=r'pictures of station "001" differ.*write revision: 2') as refused:
            faces(world.ctx(), drop.key, accepted.fingerprint, 0)
        assert refused.value.is_new is is_new
    assert refused.value.report == f"{drop.key}/{accepted.fingerprint}/validation.html"
    state = world.records.load(drop.key)
    assert state is not None
    assert (state.fingerprint, state.stage) == (accepted.fingerprint, Stage.REJECTED)
    handed_on = shown_state(world.records, drop.key)
    assert handed_on is not None
    assert handed_on.fingerprint == shown
    newest = detail(world.records, drop.key)
    assert newest is not None
    assert newest.deliveries[0].headline == refused.value.message
    assert newest.deliveries[0].verdict == Verdict.REJECTED.value
    record = world.records.get(drop.key, accepted.fingerprint, "validate")
    assert record is not None
    assert record.body["findings"][0]["rule"] == "C07"
    for report in ("validation.html", "bad_rows.csv"):
        content = world.records.report(drop.key, accepted.fingerprint, report)
        assert content is not None
        assert b"differ from what is published" in content


def test_what_is_shown_keeps_its_date_although_it_would_be_rejected_today(world: World) -> None:
    """By its date the decisions of people on earlier captures of the place hold for it."""
    drop = world.drop("walk")
    fingerprint = world.ingest(drop).validated.fingerprint
    published = world.records.get(drop.key, fingerprint, "validate")
    world.site = small_site(world.landing, checks={**CHECKS, "min_file_bytes": 10**6})
    with pytest.raises(CaptureRejected):
        validate(world.ctx("run 2"), drop.key)
    rejected = world.records.get(drop.key, fingerprint, "validate")
    assert published is not None and rejected is not None
    assert rejected.body["verdict"] == "rejected"
    assert rejected.body["captured_on"] == published.body["captured_on"] == TAKEN.date().isoformat()


def test_the_same_again_from_another_path_is_recognised(world: World) -> None:
    drop = world.drop("carried", stations=2)
    world.ingest(drop)
    elsewhere = world.root / "elsewhere" / "carried"
    shutil.copytree(drop.folder, elsewhere, copy_function=shutil.copyfile)
    before = world.running.mutating()
    ctx = replace(world.ctx("run 2"), folder_url=str(elsewhere))
    again = ingest(ctx, drop.key, is_finished=bool)
    assert again.uploaded == 0
    assert world.running.mutating() == before
    assert rules_told(world, drop, again.validated.fingerprint) == ["C02"]


def test_a_delivery_that_runs_again_is_not_compared_with_itself(world: World) -> None:
    drop = world.drop("twice", stations=1)
    first = world.ingest(drop).validated
    again = world.ingest(drop, "run 2").validated
    assert again.fingerprint == first.fingerprint
    assert rules_told(world, drop, again.fingerprint) == []


def test_a_capture_is_compared_with_the_others_of_its_site(world: World) -> None:
    world.ingest(world.drop("march", stations=2))
    later = world.drop("april", stations=2)
    later.rewrite("002,Pump 002,3.0,", "002,Pump 002,13.0,")
    done = world.ingest(later)
    assert done.validated.verdict is Verdict.ACCEPTED
    assert rules_told(world, later, done.validated.fingerprint) == ["I05"]


def test_by_default_a_capture_taken_again_has_stations_of_its_own(world: World) -> None:
    first, again = world.drop("first", stations=1), world.drop("again", stations=1)
    world.ingest(first)
    world.ingest(again)
    assert list(images_of(world, again).values()) == [names.station_id(again.key, "001")]


@pytest.mark.parametrize(
    ("mode", "view"), [("asset_centric", STATION_VIEW), ("data_modeling", CORE_STATION)], ids=lambda part: part[0]
)
def test_with_history_a_station_that_stands_still_is_shared(
    tmp_path: Path, mode: ModeName, view: tuple[str, str, str]
) -> None:
    options = fast_options(tmp_path / "sandbox", mode)
    with run_sandbox(options) as running:
        share_stations(World(running, tmp_path, mode, checks={**CHECKS, "max_quarantine_fraction": 0.5}), view)


def share_stations(world: World, view: tuple[str, str, str]) -> None:
    first, again = world.drop("spring", stations=3), world.drop("summer", stations=4)
    world.ingest(first)
    again.rewrite("revision: 1", "revision: 1\nhistory: true", "capture.yaml")
    again.rewrite("001,Pump 001,1.5,", "001,Pump 001,1.505,")
    again.rewrite("002,Pump 002,3.0,", "002,Pump 002,3.05,")
    again.rewrite("003,Pump 003,", "003,Renamed since,")
    done = world.ingest(again)
    assert done.validated.verdict is Verdict.PARTIAL
    assert rules_told(world, again, done.validated.fingerprint) == ["C05"]
    assert images_of(world, again) == {
        names.image_id(again.key, "001"): names.station_id(first.key, "001"),
        names.image_id(again.key, "003"): names.station_id(first.key, "003"),
        names.image_id(again.key, "004"): names.station_id(again.key, "004"),
    }
    shared = world.nodes(view, "spring")[names.station_id(first.key, "003")]
    assert (shared.get("label") or shared.get("name")) == "Pump 003"
    before = world.running.mutating()
    world.ingest(first)
    world.ingest(again)
    assert world.running.mutating() == before
    images = mode_of(world.cdf).images(world.cdf, world.site)
    images.remove(again.key, dry_run=False)
    assert set(world.nodes(view, "spring")) == {names.station_id(first.key, name) for name in ("001", "002", "003")}
    assert images_of(world, first).keys() == {names.image_id(first.key, name) for name in ("001", "002", "003")}


@pytest.mark.parametrize("mode", ["asset_centric", "data_modeling"])
def test_a_station_that_a_later_capture_shares_is_not_moved_under_it(tmp_path: Path, mode: ModeName) -> None:
    """It moves once the later capture has a station of its own."""
    with run_sandbox(fast_options(tmp_path / "sandbox", mode)) as running:
        world = World(running, tmp_path, mode, checks={**CHECKS, "max_quarantine_fraction": 0.5})
        first, again = world.drop("spring", stations=3), world.drop("summer", stations=3)
        world.ingest(first)
        again.rewrite("revision: 1", "revision: 1\nhistory: true", "capture.yaml")
        world.ingest(again)
        placed = places_of(world, again)
        moved = world.drop("spring", stations=3, revision=2)
        moved.rewrite("002,Pump 002,3.0,", "002,Pump 002,3.05,")
        held_back = world.ingest(moved)
        assert held_back.validated.verdict is Verdict.PARTIAL
        assert rules_told(world, moved, held_back.validated.fingerprint) == ["C05"]
        assert set(places_of(world, first).values()) == set(placed.values())
        node = names.station_id(first.key, "002")
        assert len({place for (station, _), place in places_at(world, first, again).items() if station == node}) == 1

        apart = world.drop("summer", stations=3, revision=2)
        assert world.ingest(apart).validated.verdict is Verdict.ACCEPTED
        moved = world.drop("spring", stations=3, revision=3)
        moved.rewrite("002,Pump 002,3.0,", "002,Pump 002,3.05,")
        assert world.ingest(moved).validated.verdict is Verdict.ACCEPTED
        assert places_of(world, first)[names.image_id(first.key, "002")][0] == pytest.approx(3.05)
        assert places_of(world, again) == placed
        assert set(images_of(world, again).values()) == {names.station_id(again.key, f"00{n}") for n in (1, 2, 3)}


def places_of(world: World, drop: Drop) -> dict[str, tuple[float, ...]]:
    """Position by image, as CDF has them."""
    return {image: place for (_, image), place in places_at(world, drop).items()}


def places_at(world: World, *drops: Drop) -> dict[tuple[str, str], tuple[float, ...]]:
    """Position by station node and image, as CDF has them."""
    model = mode_of(world.cdf).images(world.cdf, world.site)
    images = [image for drop in drops for image in model.images(drop.key)]
    return {(image.station, image.external_id): image.pose.position for image in images}


def test_a_damaged_note_of_another_capture_stops_no_validation_that_can_do_without(world: World) -> None:
    drop = world.drop("beside", stations=1)
    path = "hall-7/{}/notes/published.json"
    world.records.store.put(path.format("damaged"), b"{")
    folder = world.ctx().folder(drop.key)
    assert checked(world.ctx(), drop.key, folder, "seen").verdict is Verdict.ACCEPTED
    assert any(line.startswith("It is not compared with hall-7/damaged: ") for line in world.said)
    with (drop.folder / "capture.yaml").open("a") as manifest:
        manifest.write("history: true\n")
    with pytest.raises(RecordsError, match=r"damaged/notes/published\.json is broken"):
        checked(world.ctx(), drop.key, world.ctx().folder(drop.key), "seen")
    world.records.store.put(path.format("beside"), b"{")
    with pytest.raises(RecordsError, match=r"beside/notes/published\.json is broken"):
        checked(world.ctx(), drop.key, folder, "seen")


def test_what_was_published_is_read_in_one_listing_and_one_read_a_capture(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.ingest(world.drop(f"one-of-{number}", stations=1))
    records = Records(str(world.root / "records"))
    reads: list[str] = []
    read = records.store.read
    monkeypatch.setattr(records.store, "read", lambda path: (reads.append(path), read(path))[1])
    found, _ = earlier_captures(records, "hall-7")
    assert [each.capture.key.capture for each in found] == ["one-of-0", "one-of-1", "one-of-2"]
    assert len(reads) == 3
