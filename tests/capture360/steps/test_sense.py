"""Sensing announces what is complete, again if nothing came of it, and never lets one error hide the rest."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from capture360.capture_state import CaptureState, Stage
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.matching.documents import match_document
from capture360.model import CaptureKey, Detection, Match
from capture360.records import Records
from capture360.reports.captures import State
from capture360.settings.register import Register
from capture360.steps import lease
from capture360.steps.announcements import next_wait
from capture360.steps.captures import detail
from capture360.steps.listing_state import ENDED_AT_ONCE
from capture360.steps.review_due import asking_run, match_digest, note_end, note_review, replaced_runs, shown_state
from capture360.steps.sense import Sensed, remember, sense
from capture360.steps.sense_findings import MOST_LISTED, sentences
from capture360.steps.turn_note import end_waiting, wait_for_turn
from capture360.steps.waits import waits

START = datetime(2026, 5, 1, 8, tzinfo=UTC)
KEY = CaptureKey("hall-7", "may")


class World:
    """Two sites with a landing zone each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records = Records(str(root / "records"))
        self.config = root / "sites.yaml"
        self.write_config()

    def write_config(self, more: str = "") -> None:
        sites = "".join(
            f"  {site}:\n    landing: {{url: {self.root}/{site}, quiet_period: PT10M}}\n    space: captures\n"
            for site in ("hall-7", "yard")
        )
        self.config.write_text(f"records: {self.root}/records\nsites:\n{sites}{more}")
        for site in ("hall-7", "yard"):
            (self.root / site).mkdir(exist_ok=True)

    def drop(self, key: CaptureKey, *, marker: bool = True, content: str = "a") -> Path:
        folder = self.root / str(key)
        folder.mkdir(exist_ok=True)
        (folder / "stations.csv").write_text(content)
        if marker:
            (folder / "_READY").touch()
        return folder

    def sense(self, hours: float = 0, *, queued: str = "") -> Sensed:
        """A look whose events went out, while runs of the DAG `queued` wait to begin."""
        now = START + timedelta(hours=hours)
        sensed = sense(Register(str(self.config)), self.records, now=now, queued={queued})
        remember(self.records, sensed)
        return sensed


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_complete_capture_is_announced_once(world: World) -> None:
    world.drop(KEY)
    assert world.sense().ready == (KEY,)
    second = world.sense(0.5)
    assert second.ready == ()
    assert second.waiting == ((KEY, "its run: announced at 2026-05-01T08:00:00+00:00"),)


def test_it_is_announced_again_if_nothing_came_of_it(world: World) -> None:
    world.drop(KEY)
    world.sense()
    assert world.sense(1).ready == (KEY,)
    assert world.sense(1.5).ready == ()
    assert world.sense(2).ready == (KEY,)


def test_not_while_its_run_may_wait_in_the_queue_but_once_a_day(world: World) -> None:
    """Another announcement makes one more run, although the first one still waits."""
    world.drop(KEY)
    world.sense(queued="captures_ingest")
    sensed = world.sense(2, queued="captures_ingest")
    assert sensed.ready == ()
    assert sensed.waiting == (
        (KEY, "its run: announced at 2026-05-01T08:00:00+00:00, and runs of captures_ingest wait in Airflow's queue"),
    )
    other = CaptureKey("hall-7", "june")
    world.drop(other)
    assert world.sense(3, queued="captures_ingest").ready == (other,)
    assert world.sense(3.5, queued="captures_contextualize").ready == (KEY,)
    assert world.sense(27.4, queued="captures_ingest").ready == (other,)
    assert world.sense(27.5, queued="captures_ingest").ready == (KEY,)


def test_the_wait_doubles_once_its_runs_fail_after_the_checks(world: World) -> None:
    world.drop(KEY)
    world.sense()
    assert world.sense(1).ready == (KEY,)
    state = world.records.load(KEY)
    assert state is not None
    world.records.put(KEY, state.fingerprint, "validate", {"verdict": "accepted"}, run="run 1")
    announced = [hour for hour in range(2, 30) if world.sense(hour).ready]
    assert announced == [2, 4, 8, 16]
    world.drop(KEY, content="another delivery")
    assert world.sense(30.5).ready == (KEY,)
    assert world.sense(31.5).ready == (KEY,)


def test_not_what_was_retracted_since_although_the_retraction_broke_off(world: World) -> None:
    world.drop(KEY)
    world.sense()
    world.records.put_note(KEY, "retracted", {"revision": 1})
    sensed = world.sense(2)
    assert sensed.ready == ()
    assert "it was retracted as revision 1" in sensed.waiting[0][1]


@pytest.mark.parametrize("marker", [True, False])
def test_a_retracted_capture_whose_files_change_is_done_with_until_its_revision_does(
    world: World, marker: bool
) -> None:
    folder, state = delivered_up_to(world, "verify")
    world.records.put(KEY, state.fingerprint, "retract", {"by": "Ada"}, run="run 2")
    world.records.put_note(KEY, "retracted", {"revision": 1})
    world.sense(1)
    ended = {KEY: Stage.RETRACTED}
    assert world.records.ends("hall-7") == ended
    (folder / "_READY").unlink()
    world.drop(KEY, content="without a higher revision", marker=marker)
    (out,) = world.sense(2).waiting
    assert "it was retracted as revision 1" in out[1]
    assert len(world.sense(3).waiting) == (0 if marker else 1)
    assert world.sense(4).waiting == ()
    assert world.records.ends("hall-7") == ended
    shown = detail(world.records, KEY)
    assert shown is not None and shown.state is State.RETRACTED
    (folder / "capture.yaml").write_text("revision: 2")
    assert world.sense(5).ready == ()
    assert world.sense(6).ready == (KEY,)
    assert world.records.ends("hall-7") == {KEY: None}


def test_not_while_a_run_holds_its_lease(world: World) -> None:
    world.drop(KEY)
    world.sense()
    mine = lease.name_of_this_process()
    lease.take(world.records, KEY, mine, is_finished=lambda run: False)
    assert world.sense(2).waiting == ((KEY, f"its turn: it is being written by {mine}"),)
    lease.release(world.records, KEY, mine)
    world.records.put_note(KEY, "waits_for_turn", {"run": mine})
    assert world.sense(2).waiting == ((KEY, f"its turn: {mine} waits until another capture is extracted"),)
    world.records.remove_note(KEY, "waits_for_turn")
    assert world.sense(2).ready == (KEY,)


@pytest.mark.parametrize(
    ("step", "body"),
    [("verify", {}), ("validate", {"verdict": "rejected"}), ("annotate", {})],
)
def test_a_capture_that_came_to_an_end_is_silent_until_its_files_change(
    world: World, step: str, body: dict[str, str]
) -> None:
    world.drop(KEY)
    world.sense()
    state = world.records.load(KEY)
    assert state is not None
    world.records.put(KEY, state.fingerprint, step, body, run="run 1")
    assert world.sense(5) == Sensed((), (), (), at=START)
    world.drop(KEY, content="mended")
    assert world.sense(6).ready == (KEY,)


def test_a_folder_that_changed_is_listed_before_its_turn(world: World) -> None:
    """Its own time says so; a file that was overwritten in place waits for the turn of its capture."""
    keys = [CaptureKey("hall-7", f"capture-{number:03}") for number in range(3 * ENDED_AT_ONCE)]
    for key in keys:
        world.drop(key)
    now = datetime.now(UTC)
    hours = (now + timedelta(hours=3) - START) / timedelta(hours=1)
    world.sense(hours)
    for key in keys:
        state = world.records.load(key)
        assert state is not None
        world.records.put(key, state.fingerprint, "annotate", {}, run="run 1")
    assert world.sense(hours).ready == ()
    changed = time.time() + 3 * 3600
    with pytest.MonkeyPatch.context() as patch:
        ls = LocalFileSystem.ls

        def later(self: LocalFileSystem, path: str, detail: bool = False, **more: Any) -> list[Any]:
            found = ls(self, path, detail=detail, **more)
            is_it = keys[-1].capture
            return [each | {"created": changed} if detail and each["name"].endswith(is_it) else each for each in found]

        patch.setattr(LocalFileSystem, "ls", later)
        for key in keys[-2:]:
            world.drop(key, content="another")
        assert world.sense(hours + 0.1).ready == (keys[-1],)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"{}",
        b'{"at": "2026-05-01T08:00:00", "next": ""}',
        b'{"at": "0001-01-01T00:00:00Z", "next": ""}',
        b"\xff",
    ],
)
def test_damaged_turns_count_as_none(world: World, damage: bytes) -> None:
    keys = [CaptureKey("hall-7", f"capture-{number:03}") for number in range(ENDED_AT_ONCE + 5)]
    for key in keys:
        world.drop(key)
    world.sense()
    world.records.store.put("sensing/turns/hall-7.json", damage)
    assert world.sense(5).ready == tuple(keys)


def test_without_marker_two_looks_are_compared(world: World) -> None:
    world.drop(KEY, marker=False)
    first = world.sense()
    assert first.ready == ()
    assert first.waiting[0][0] == KEY
    assert world.sense(0.2).ready == (KEY,)


def test_an_error_in_one_site_never_hides_the_others(world: World) -> None:
    world.drop(CaptureKey("yard", "may"))
    world.write_config("  broken:\n    landing: {url: /nowhere, quiet_period: soon}\n    space: s\n")
    (world.root / "hall-7").rmdir()
    sensed = world.sense()
    assert sensed.ready == (CaptureKey("yard", "may"),)
    messages = {finding.where: finding.message for finding in sensed.findings}
    assert "Create the landing folder of site hall-7" in messages["hall-7"]
    assert "sites.broken.landing.quiet_period" in messages["broken"]


def test_a_folder_that_cannot_be_a_capture_is_named(world: World) -> None:
    (world.root / "yard" / "May 1st").mkdir()
    (world.root / "yard" / "_archive").mkdir()
    (world.root / "yard" / "note.txt").touch()
    sensed = world.sense()
    assert [finding.message for finding in sensed.findings] == [
        'The folder "May 1st" is no capture: use letters, digits, dot, underscore and minus in its name.'
    ]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"7", b"{}", b'{"at": "2026-05-01", "run": "r"}', b'{"at": 7, "run": "r"}'], ids=ascii
)
def test_a_broken_record_of_one_capture_never_hides_the_others(world: World, damage: bytes) -> None:
    world.drop(KEY)
    world.drop(CaptureKey("hall-7", "june"))
    world.sense()
    state = world.records.load(KEY)
    assert state is not None
    world.records.store.put(f"{KEY}/{state.fingerprint}/sense.json", damage)
    sensed = world.sense(1)
    assert sensed.ready == (CaptureKey("hall-7", "june"),)
    (line,) = sentences(sensed.findings)
    assert line.startswith("hall-7/may: ")
    assert "sense.json is broken (" in line
    assert line.endswith("Restore it from a backup.")


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{}", b'{"fingerprint": "x", "since": "2026-05-01T08:00:00"}'], ids=ascii
)
def test_a_damaged_note_of_the_last_look_counts_as_none(world: World, damage: bytes) -> None:
    world.drop(KEY, marker=False)
    world.sense()
    world.records.store.put(f"{KEY}/notes/look.json", damage)
    assert world.sense(0.2).ready == ()
    assert world.sense(0.4).ready == (KEY,)


def test_sensing_changes_nothing_in_the_landing_zone(world: World) -> None:
    folder = world.drop(KEY)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    world.sense()
    assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) == before


def published(world: World, hours: float) -> tuple[CaptureKey, ...]:
    return world.sense(hours).published


def test_a_published_capture_is_handed_on_again_until_it_is_contextualized(world: World) -> None:
    world.drop(KEY)
    world.sense()
    state = world.records.load(KEY)
    assert state is not None
    world.records.put(KEY, state.fingerprint, "verify", {}, run="run 1")
    verified = world.records.load(KEY)
    assert verified is not None
    hours = (verified.records[-1].at - START).total_seconds() / 3600
    assert published(world, hours + 0.5) == ()
    assert published(world, hours + 1) == (KEY,)
    assert published(world, hours + 2.5) == ()
    assert published(world, hours + 3) == (KEY,)
    world.records.put(KEY, state.fingerprint, "annotate", {}, run="run 2")
    assert published(world, hours + 100) == ()


def delivered_up_to(world: World, step: str) -> tuple[Path, CaptureState]:
    """Deliver the capture, and record that this step of it has ended; return its folder and state."""
    folder = world.drop(KEY)
    world.sense()
    state = world.records.load(KEY)
    assert state is not None
    world.records.put(KEY, state.fingerprint, step, {}, run="run 1")
    return folder, state


def test_a_published_capture_is_not_handed_on_while_its_run_may_wait_in_the_queue(world: World) -> None:
    world.drop(KEY)
    world.sense()
    state = world.records.load(KEY)
    assert state is not None
    world.records.put(KEY, state.fingerprint, "verify", {}, run="run 1")
    years = 24 * 365 * 10
    assert world.sense(years, queued="captures_ingest").published == (KEY,)
    assert world.sense(years + 3, queued="captures_contextualize").published == ()
    assert world.sense(years + 4).published == (KEY,)
    assert world.sense(years + 24, queued="captures_contextualize").published == ()
    assert world.sense(years + 29, queued="captures_contextualize").published == (KEY,)


def test_a_capture_whose_files_were_archived_is_handed_on_and_then_done_with(world: World) -> None:
    folder, state = delivered_up_to(world, "verify")
    shutil.rmtree(folder)
    hours = (datetime.now(UTC) - START).total_seconds() / 3600
    assert published(world, hours + 1) == (KEY,)
    world.records.put(KEY, state.fingerprint, "annotate", {"plates": {"asked": 2}, "match": "m"}, run="run 2")
    assert world.sense(hours + 4).suggested == (KEY,)
    note_review(world.records, KEY, state.fingerprint, "m", "a review")
    assert world.sense(hours + 8).suggested == ()
    assert set(world.records.done("hall-7")) == {("may", state.fingerprint)}
    assert world.sense(hours + 9).findings == ()


def test_a_review_that_waits_for_nothing_any_more_is_announced_to_be_ended(world: World) -> None:
    _, state = delivered_up_to(world, "verify")
    note_review(world.records, KEY, state.fingerprint, "m", "a review")
    world.records.put(KEY, state.fingerprint, "annotate", {"plates": {"asked": 0}, "match": "later"}, run="run 2")
    hours = (datetime.now(UTC) - START).total_seconds() / 3600
    assert world.sense(hours + 4).suggested == (KEY,)
    note_review(world.records, KEY, state.fingerprint, "later", "one that asks nothing")
    note_end(world.records, KEY, "one that asks nothing")
    assert world.sense(hours + 8).suggested == ()
    assert set(world.records.done("hall-7")) == {("may", state.fingerprint)}


def waits_of(world: World) -> list[str]:
    state = world.records.load(KEY)
    return [each.sentence for each in waits(world.records, KEY, state and state.stage)]


@pytest.mark.parametrize("came_before", [False, True])
def test_a_folder_that_was_taken_away_while_it_was_incomplete_waits_no_more(world: World, came_before: bool) -> None:
    """It was renamed, for example. What was published of the capture before stays as it is."""
    if came_before:
        _, state = delivered_up_to(world, "annotate")
        (world.root / str(KEY) / "_READY").unlink()
    folder = world.drop(KEY, marker=False, content="more")
    world.sense(2)
    assert len(waits_of(world)) == 1
    shutil.rmtree(folder)
    world.sense(3)
    assert waits_of(world) == []
    if came_before:
        assert set(world.records.done("hall-7")) == {("may", state.fingerprint)}
    world.drop(KEY, marker=False, content="more")
    world.sense(3.1)
    assert len(waits_of(world)) == 1


def test_a_folder_that_went_back_to_its_published_delivery_waits_no_more(world: World) -> None:
    folder, _ = delivered_up_to(world, "annotate")
    (folder / "stations.csv.part").write_text("a copy")
    world.sense(2)
    assert len(waits_of(world)) == 1
    (folder / "stations.csv.part").unlink()
    world.sense(3)
    assert waits_of(world) == []


def test_archived_captures_take_turns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were never published stay among them for good, and take no place of another's."""
    monkeypatch.setattr("capture360.steps.sense.MOST_ANNOUNCED", 2)
    for name in ("a", "b", "c"):
        key = CaptureKey("hall-7", name)
        world.records.put(key, "f", "validate", {"verdict": "accepted"}, run="run 1")
    world.records.put(CaptureKey("hall-7", "c"), "f", "verify", {}, run="run 1")
    hours = (datetime.now(UTC) - START).total_seconds() / 3600 + 1
    assert [published(world, hours + number) for number in range(2)] == [(), (CaptureKey("hall-7", "c"),)]


def test_what_is_ingested_by_hand_takes_the_mark_of_a_delivery_that_was_kept_out(world: World) -> None:
    _, state = delivered_up_to(world, "verify")
    world.records.put(KEY, state.fingerprint, "retract", {"by": "Ada"}, run="run 2")
    world.records.put_note(KEY, "retracted", {"revision": 1})
    world.drop(KEY, content="without a higher revision")
    world.sense(1)
    assert world.records.ends("hall-7") == {KEY: Stage.RETRACTED}
    world.records.put(KEY, "f", "validate", {"verdict": "accepted"}, run="run 3")
    assert world.records.ends("hall-7") == {KEY: None}


def retracted_under_review(world: World) -> float:
    """Retract the published capture in a shell while a review of it waits; return the hours until its end is due."""
    _, state = delivered_up_to(world, "publish")
    for step in ("verify", "annotate"):
        world.records.put(KEY, state.fingerprint, step, {"plates": {"asked": 1}, "match": "m"}, run="run 1")
    note_review(world.records, KEY, state.fingerprint, "m", "run 2")
    world.records.put(KEY, state.fingerprint, "retract", {"by": "Ada"}, run="a command")
    world.records.put_note(KEY, "retracted", {"revision": 1})
    retracted = world.records.load(KEY)
    assert retracted is not None
    world.records.mark_done(retracted)
    return (datetime.now(UTC) - START).total_seconds() / 3600 + 1


def test_the_review_of_what_was_retracted_in_a_shell_is_ended(world: World) -> None:
    """A command starts no DAG: a later scan announces the capture to captures_review, which ends it."""
    hours = retracted_under_review(world)
    assert world.sense(hours).suggested == (KEY,)
    note_end(world.records, KEY, "run 2")
    assert world.sense(hours + 100) == Sensed((), (), (), at=START)
    assert world.records.ends("hall-7") == {KEY: Stage.RETRACTED}


@pytest.mark.parametrize("folder", ["kept out", "incomplete", "taken away", "rejected", "announced"])
def test_it_is_ended_whatever_lies_in_the_folder_meanwhile(world: World, folder: str) -> None:
    hours = retracted_under_review(world)
    if folder == "taken away":
        shutil.rmtree(world.root / str(KEY))
    else:
        path = world.drop(KEY, content="a later one")
        if folder != "kept out":
            (path / "capture.yaml").write_text("revision: 2")
        delivery = fingerprint(CaptureFolder(str(path)), ("_READY",))
        if folder == "incomplete":
            (path / "_READY").unlink()
        elif folder == "rejected":
            world.records.put(KEY, delivery, "validate", {"verdict": "rejected"}, run="run 3")
        elif folder == "announced":
            world.records.put(KEY, delivery, "sense", {"announced": datetime.now(UTC).isoformat()}, run="a scan")
    assert world.sense(hours).suggested == (KEY,)
    assert world.sense(hours + 0.5).suggested == ()
    assert world.sense(hours + 3).suggested == (KEY,)
    note_end(world.records, KEY, "run 2")
    assert world.sense(hours + 100).suggested == ()


def test_the_review_of_a_capture_that_came_back_is_left_to_its_runs(world: World) -> None:
    hours = retracted_under_review(world)
    for step, body in (("validate", {"verdict": "accepted"}), ("publish", {})):
        world.records.put(KEY, "f", step, body, run="run 3")
    assert world.sense(hours).suggested == ()


def published_and_then_rejected(world: World) -> tuple[CaptureState, CaptureState, float]:
    """The delivery that is shown, the one that was rejected, and the hours until what is shown is due."""
    world.drop(KEY)
    world.sense()
    shown = world.records.load(KEY)
    assert shown is not None
    for step in ("publish", "verify"):
        world.records.put(KEY, shown.fingerprint, step, {}, run="run 1")
    world.drop(KEY, content="worse")
    world.sense(1)
    rejected = world.records.load(KEY)
    assert rejected is not None and rejected.fingerprint != shown.fingerprint
    world.records.put(KEY, rejected.fingerprint, "validate", {"verdict": "rejected"}, run="run 2")
    return shown, rejected, (datetime.now(UTC) - START).total_seconds() / 3600 + 1


def test_links_that_are_wanted_later_are_made_although_a_later_delivery_was_rejected(world: World) -> None:
    _, _, hours = published_and_then_rejected(world)
    world.write_config("defaults: {links: {enabled: false}}\n")
    assert world.sense(hours) == Sensed((), (), (), at=START)
    world.write_config()
    assert published(world, hours + 1) == (KEY,)


def test_what_is_shown_is_handed_on_although_a_later_delivery_was_rejected(world: World) -> None:
    shown, rejected, hours = published_and_then_rejected(world)
    assert published(world, hours) == (KEY,)
    body = {"match": "m", "plates": {"asked": 2}}
    world.records.put(KEY, shown.fingerprint, "annotate", body, run="run 3")
    assert world.sense(hours + 1).suggested == (KEY,)
    note_review(world.records, KEY, shown.fingerprint, "m", "run 3")
    assert world.sense(hours + 100) == Sensed((), (), (), at=START)
    assert (KEY.capture, rejected.fingerprint) in world.records.done(KEY.site)
    world.records.put(KEY, shown.fingerprint, "annotate", {**body, "match": "later"}, run="run 4")
    assert world.sense(hours + 200).suggested == (KEY,)
    found = shown_state(world.records, KEY)
    assert found is not None and found.fingerprint == shown.fingerprint
    world.records.put(KEY, rejected.fingerprint, "validate", {"verdict": "accepted"}, run="run 4")
    found = shown_state(world.records, KEY)
    assert found is not None and found.fingerprint == rejected.fingerprint


def test_what_is_shown_is_handed_on_although_it_would_be_rejected_today(world: World) -> None:
    """Its own later verdict, such as one of narrower checks, changes nothing of what CDF shows."""
    world.drop(KEY)
    world.sense(0)
    shown = world.records.load(KEY)
    assert shown is not None
    for step, body in (("validate", {"verdict": "accepted"}), ("publish", {}), ("verify", {})):
        world.records.put(KEY, shown.fingerprint, step, body, run="run 1")
    world.records.put(KEY, shown.fingerprint, "validate", {"verdict": "rejected"}, run="run 2")
    hours = (datetime.now(UTC) - START).total_seconds() / 3600 + 1
    assert published(world, hours) == (KEY,)
    found = shown_state(world.records, KEY)
    assert found is not None and found.stage is Stage.PUBLISHED
    world.records.put(KEY, shown.fingerprint, "annotate", {"match": "m", "plates": {"asked": 2}}, run="run 3")
    world.records.put(KEY, shown.fingerprint, "validate", {"verdict": "rejected"}, run="run 4")
    assert world.sense(hours + 1).suggested == (KEY,)
    note_review(world.records, KEY, shown.fingerprint, "m", "run 3")
    assert world.sense(hours + 100) == Sensed((), (), (), at=START)
    assert world.records.done(KEY.site) == {(KEY.capture, shown.fingerprint): Stage.REJECTED}


def test_what_is_shown_is_handed_on_while_a_later_delivery_waits_for_its_turn(world: World) -> None:
    """Reviews of it are laid out and answered meanwhile: what waits has written nothing."""
    shown, later, hours = published_and_then_rejected(world)
    world.records.put(KEY, later.fingerprint, "validate", {"verdict": "partial"}, run="run 2")
    wait_for_turn(world.records, KEY, "run 2")
    found = shown_state(world.records, KEY)
    assert found is not None and found.fingerprint == shown.fingerprint
    assert published(world, hours) == (KEY,)
    body = {"match": "m", "plates": {"asked": 2}}
    world.records.put(KEY, shown.fingerprint, "annotate", body, run="run 3")
    assert world.sense(hours + 1).suggested == (KEY,)
    end_waiting(world.records, KEY, "run 2")
    found = shown_state(world.records, KEY)
    assert found is not None and found.fingerprint == later.fingerprint


def test_the_same_look_done_again_announces_the_same(world: World) -> None:
    world.drop(KEY)
    register = Register(str(world.config))
    first = sense(register, world.records, now=START, run="look 1")
    remember(world.records, first, "look 1")
    again = sense(register, world.records, now=START, run="look 1")
    assert first.ready == again.ready == (KEY,)
    assert sense(register, world.records, now=START, run="look 2").ready == ()


def test_a_finding_is_news_once(world: World) -> None:
    (world.root / "hall-7" / "no capture").mkdir()
    assert len(world.sense().news) == 1
    assert world.sense(1).news == ()
    assert len(world.sense(1).findings) == 1


BAD_NAMES = (b"B\xfcro", b"two\nlines", b"bell\x07", b"\xed\xa0\x80", "x" * 250, "\u202egnp.exe")


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_folder_of_any_name_stops_no_other(world: World, name: bytes | str) -> None:
    world.drop(KEY)
    (Path(os.fsdecode(os.fsencode(world.root / "hall-7") + b"/" + os.fsencode(name)))).mkdir()
    sensed = world.sense()
    assert sensed.ready == (KEY,)
    (line,) = sentences(sensed.news)
    assert line.isprintable()
    assert "is no capture" in line
    assert world.sense(0.1).news == ()


@pytest.mark.parametrize("name", BAD_NAMES[:4], ids=ascii)
def test_a_file_of_any_name_is_part_of_the_delivery_that_it_lies_in(world: World, name: bytes) -> None:
    folder = world.drop(KEY)
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("x")
    world.drop(CaptureKey("hall-7", "june"))
    assert world.sense().ready == (CaptureKey("hall-7", "june"), KEY)


@pytest.mark.parametrize(
    ("site", "says"),
    [
        ("{landing: {url: 'nope://x'}, space: s}", "its URL scheme is not supported"),
        ("{landing: {url: ROOT/hall-7/may/stations.csv}, space: s}", "is a file"),
        ("{landing: {url: ROOT/nowhere}, space: s}", "is not there"),
        ("{landing: {url: ROOT}}", "space is missing"),
        ("7", "must hold settings"),
    ],
)
def test_a_site_in_error_stops_no_other(world: World, site: str, says: str) -> None:
    world.drop(KEY)
    world.write_config(f"  a-bad: {site}\n".replace("ROOT", str(world.root)))
    sensed = world.sense()
    assert sensed.ready == (KEY,)
    (line,) = sentences(sensed.news)
    assert line.startswith("a-bad: ")
    assert says in line


def test_a_site_whose_own_file_is_broken_stops_no_other(world: World) -> None:
    world.drop(KEY)
    (world.root / "yard.yaml").write_text("landing: [")
    sensed = world.sense()
    assert sensed.ready == (KEY,)
    assert "yard.yaml line 2 is not valid YAML" in sentences(sensed.news)[0]


def test_a_store_that_raises_what_it_likes_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = LocalFileSystem.ls

    def ls(self: LocalFileSystem, path: str, detail: bool = False, **options: object) -> object:
        if path.endswith("yard"):
            raise PermissionError(13, "Permission denied", path)
        return real(self, path, detail=detail, **options)

    monkeypatch.setattr(LocalFileSystem, "ls", ls)
    world.drop(KEY)
    sensed = world.sense()
    assert sensed.ready == (KEY,)
    assert "yard cannot be listed (Permission denied). Let the reader" in sentences(sensed.news)[0]


def test_a_linked_capture_folder_is_named(world: World) -> None:
    world.drop(KEY)
    (world.root / "yard" / "june").symlink_to(world.root / "hall-7" / "may")
    (world.root / "yard" / "readme").symlink_to(world.root / "nowhere")
    sensed = world.sense()
    assert sensed.ready == (KEY,)
    (line,) = sentences(sensed.findings)
    assert 'The folder "june" is a link to a folder' in line


@pytest.mark.parametrize("content", [b"", b"{", b"7", b"[1, null]", b"\xff", b"[" * 60_000], ids=lambda each: each[:9])
def test_damaged_findings_of_the_last_look_count_as_none(world: World, content: bytes) -> None:
    world.drop(KEY)
    (world.root / "hall-7" / "no capture").mkdir()
    world.records.store.put("sensing/findings.json", content)
    sensed = world.sense()
    assert sensed.ready == (KEY,)
    assert len(sensed.news) == 1
    assert world.sense(0.1).news == ()


def test_news_of_a_scan_that_was_killed_before_its_alert_are_news_of_its_next_try(world: World) -> None:
    (world.root / "hall-7" / "no capture").mkdir()
    register = Register(str(world.config))
    for run in ("run 1", "run 1"):
        sensed = sense(register, world.records, now=START, run=run)
        assert len(sensed.news) == 1
        remember(world.records, sensed, run)
    assert sense(register, world.records, now=START, run="run 2").news == ()


def test_a_folder_that_goes_back_to_an_earlier_delivery_is_announced(world: World) -> None:
    """Its verdict is old, and CDF shows another one: validation says what it thinks of that."""
    first = world.drop(KEY, content="first")
    times = (first / "stations.csv").stat()
    for content in ("first", "second"):
        if content == "second":
            world.drop(KEY, content=content)
        assert world.sense().ready == (KEY,)
        state = world.records.load(KEY)
        assert state is not None
        world.records.put(KEY, state.fingerprint, "annotate", {}, run=content)
        assert world.sense(0.1).ready == ()
    world.drop(KEY, marker=False, content="first")
    os.utime(first / "stations.csv", ns=(times.st_atime_ns, times.st_mtime_ns))
    (first / "_READY").touch()
    assert world.sense(2).ready == (KEY,)
    assert world.sense(2.1).waiting == ((KEY, "its run: announced at 2026-05-01T10:00:00+00:00"),)


@pytest.mark.parametrize(
    ("hours", "times", "waited"),
    [
        (1, 0, 1), (1, 1, 2), (1, 3, 8), (1, 4, 16), (1, 5, 24), (1, 10_000, 24), (22.5, 0, 22.5), (22.5, 1, 24),
        (1 / 3600, 10, 1024 / 3600), (1 / 3600, 17, 24), (24, 0, 24), (24, 30, 24), (3_650 * 24, 0, 24), (0, 30, 0),
    ],
)  # fmt: skip
def test_the_wait_doubles_up_to_a_day(hours: float, times: int, waited: float) -> None:
    assert next_wait(timedelta(hours=hours), times) == timedelta(hours=waited)


def test_nothing_is_recorded_as_announced_before_the_event_is_out(world: World) -> None:
    world.drop(KEY)
    (world.root / "hall-7" / "no capture").mkdir()
    register = Register(str(world.config))
    for _ in range(2):
        lost = sense(register, world.records, now=START)
        assert (lost.ready, len(lost.news)) == ((KEY,), 1)
    assert world.sense(0.1).ready == (KEY,)
    assert world.sense(0.2).ready == ()


def test_an_announcement_of_a_clock_that_was_ahead_counts_as_now(world: World) -> None:
    world.drop(KEY)
    assert world.sense(1_000).ready == (KEY,)
    assert world.sense(0).ready == ()
    assert world.sense(0.9).ready == ()
    assert world.sense(1).ready == (KEY,)


def test_a_look_of_a_clock_that_was_ahead_counts_as_now(world: World) -> None:
    world.drop(KEY, marker=False)
    assert world.sense(1_000).ready == ()
    assert world.sense(0).ready == ()
    assert world.sense(0.2).ready == (KEY,)


def test_a_publication_of_a_clock_that_was_ahead_counts_as_now(world: World) -> None:
    """Records are stamped with today's clock, which is ahead of the looks here."""
    world.drop(KEY)
    world.sense()
    state = world.records.load(KEY)
    assert state is not None
    world.records.put(KEY, state.fingerprint, "verify", {}, run="run 1")
    assert published(world, 0) == ()
    assert published(world, 1) == (KEY,)
    assert published(world, 2) == ()
    assert published(world, 3) == (KEY,)


def test_thousands_of_badly_named_folders_are_capped_and_counted(world: World) -> None:
    world.drop(KEY)
    for number in range(300):
        (world.root / "hall-7" / f"no capture {number:03}").mkdir()
    sensed = world.sense()
    assert sensed.ready == (KEY,)
    told = sentences(sensed.news)
    assert len(told) == MOST_LISTED + 1
    assert told[-1].startswith(f"There are {300 - MOST_LISTED} more findings")
    assert sentences(sensed.news[:MOST_LISTED]) == told[:-1]


def test_suggestions_are_handed_on_until_people_are_asked(world: World) -> None:
    world.drop(KEY)
    world.sense()
    state = world.records.load(KEY)
    assert state is not None
    fingerprint = state.fingerprint

    def linked(match: str, undecided: int) -> float:
        """Hours from the start to when links were written."""
        body = {"match": match, "plates": {"asked": undecided}}
        world.records.put(KEY, fingerprint, "annotate", body, run="run 1")
        record = world.records.get(KEY, fingerprint, "annotate")
        assert record is not None
        return (record.at - START).total_seconds() / 3600

    hours = linked("first", 2)
    assert world.sense(hours + 0.5).suggested == ()
    assert world.sense(hours + 1).suggested == (KEY,)
    assert world.sense(hours + 2.5).suggested == ()
    lease.take(world.records, KEY, "run 2", is_finished=lambda run: False)
    assert world.sense(hours + 3).suggested == ()
    lease.release(world.records, KEY, "run 2")
    assert world.sense(hours + 3).suggested == (KEY,)
    note_review(world.records, KEY, fingerprint, "first", "run 3")
    assert world.sense(hours + 200).suggested == ()
    note_end(world.records, KEY, "run 3")
    linked("second", 0)
    assert world.sense(hours + 300).suggested == ()
    linked("third", 1)
    assert world.sense(hours + 400).suggested == (KEY,)


def test_whoever_waits_for_an_answer_is_found_by_what_it_asks(world: World) -> None:
    def asking(run: str, *, finished: bool = False) -> str | None:
        return asking_run(world.records, KEY, "f1", run, lambda _: finished)

    corners = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2))
    a, b = (Match(Detection("image", "front", text, 0.5, corners), None, 0.5, "dropped", "x") for text in "ab")
    assert asking("run 2") is None
    world.records.put(KEY, "f1", "match", {"matches": [match_document(a)]}, run="run 0")
    note_review(world.records, KEY, "f1", match_digest(world.records, KEY, "f1"), "run 1")
    assert (asking("run 2"), asking("run 1"), asking("run 2", finished=True)) == ("run 1", None, None)
    world.records.put(KEY, "f1", "match", {"matches": [match_document(b)]}, run="run 0")
    assert asking("run 2") is None


def test_the_newest_review_replaces_those_that_wait(world: World) -> None:
    def asking(run: str, *finished: str) -> str | None:
        return asking_run(world.records, KEY, "f1", run, finished.__contains__, by_hand=True)

    def replaced(run: str, *finished: str) -> tuple[str, ...]:
        return replaced_runs(world.records, KEY, run, finished.__contains__)

    assert replaced("run 1") == ()
    for run in ("run 1", "run 1", "run 2"):
        note_review(world.records, KEY, "f1", "m", run)
    assert (replaced("run 2"), replaced("run 2", "run 1"), replaced("run 1")) == (("run 1",), (), ())
    assert (asking("run 1"), asking("run 1", "run 2"), asking("run 3")) == ("run 2", "run 2", None)
    note_review(world.records, KEY, "f1", "m", "run 3")
    assert (replaced("run 3"), replaced("run 3", "run 2"), asking("run 1")) == (("run 2", "run 1"), ("run 1",), "run 3")
