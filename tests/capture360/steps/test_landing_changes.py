"""What wakes sensing: changes in a real folder from one poll to the next, and in captures that have ended."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.landing.listing import capture_folder
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import CONFIG_VARIABLE, Register
from capture360.settings.site import Site
from capture360.steps import landing_changes
from capture360.steps.landing_changes import LandingChanges
from capture360.steps.listing_state import ENDED_AT_ONCE
from capture360.steps.sense import remember, sense


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The landing folder of site hall-7, named by a register that CAPTURE360_CONFIG points at."""
    folder = tmp_path / "hall-7"
    folder.mkdir()
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\n"
        f"sites: {{hall-7: {{space: captures, landing: {{url: {folder}, quiet_period: PT0.2S}}}}}}\n"
    )
    monkeypatch.setenv(CONFIG_VARIABLE, str(register))
    return folder


@pytest.fixture
def records(landing: Path) -> Records:
    return Records(str(landing.parent / "records"))


def drop(landing: Path, name: str, content: str = "a") -> Path:
    folder = landing / name
    folder.mkdir(exist_ok=True)
    (folder / "stations.csv").write_text(content)
    (folder / "_READY").touch()
    return folder


def end(landing: Path, records: Records, name: str) -> None:
    """Drop a capture that sensing is done with."""
    key = CaptureKey("hall-7", name)
    seen = fingerprint(CaptureFolder(str(drop(landing, name))), ("_READY",))
    records.put(key, seen, "verify", {}, run="a run")
    state = records.load(key, seen)
    assert state is not None
    records.mark_done(state)


def marked(records: Records) -> set[str]:
    return {capture for capture, _ in records.done("hall-7")}


def polls(changes: LandingChanges, number: int) -> list[bool]:
    return [changes.poll()[0] for _ in range(number)]


def test_the_first_poll_and_every_change_count(landing: Path) -> None:
    changes = LandingChanges()
    assert polls(changes, 2) == [True, False]
    folder = drop(landing, "walk-1")
    assert polls(changes, 2) == [True, False]
    (folder / "faces").mkdir()
    (folder / "faces" / "s1_front.jpg").write_bytes(b"a face")
    assert polls(changes, 2) == [True, False]
    (folder / "faces" / "s1_front.jpg").write_bytes(b"another face")
    assert polls(changes, 2) == [True, False]
    (folder / "_READY").unlink()
    assert polls(changes, 2) == [True, False]


def test_the_longest_quiet_period_is_returned(landing: Path) -> None:
    assert LandingChanges().poll()[1] == timedelta(seconds=0.2)


def test_the_end_of_a_capture_is_no_change(landing: Path, records: Records) -> None:
    drop(landing, "walk-1")
    changes = LandingChanges()
    changes.poll()
    end(landing, records, "walk-1")
    polls(changes, 1)
    for mark in records.done("hall-7"):
        records.unmark_done(CaptureKey("hall-7", mark[0]), mark[1])
    assert polls(changes, 2) == [False, False]


def test_a_changed_capture_that_has_ended_is_found_in_its_turn_by_any_watcher(landing: Path, records: Records) -> None:
    names = {f"walk-{number}" for number in range(2 * ENDED_AT_ONCE + 3)}
    for name in names:
        end(landing, records, name)
    changes = LandingChanges()
    polls(changes, 4)
    assert marked(records) == names
    (landing / "walk-7" / "stations.csv").write_text("another delivery")  # which changes nothing of the folder
    found = polls(changes, 4)
    assert found.count(True) == 1, "it wakes once, and not again while nothing changes"
    assert marked(records) == names - {"walk-7"}
    (landing / "walk-8" / "stations.csv").write_text("changed while no watcher ran")
    polls(LandingChanges(), 3)
    assert marked(records) == names - {"walk-7", "walk-8"}


def test_a_folder_that_cannot_be_listed_hides_no_other(
    landing: Path, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(landing, records, "walk-1")
    drop(landing, "walk-2")

    def refused(site: Site, key: CaptureKey) -> CaptureFolder:
        if key.capture in {"walk-1", "walk-2"}:
            raise PermissionError(13, "Permission denied")
        return capture_folder(site, key)

    monkeypatch.setattr(landing_changes, "capture_folder", refused)
    changes = LandingChanges()
    assert polls(changes, 2) == [True, False]
    drop(landing, "walk-3")
    assert polls(changes, 2) == [True, False]
    assert marked(records) == {"walk-1"}, "what cannot be read is not called changed"


@pytest.mark.parametrize(
    "site",
    ["{space: x}", "{space: x, landing: {url: 'nope://x'}}", "{space: x, landing: {url: 7}}", "7", "{space: x, id: o}"],
)
def test_a_site_in_error_does_not_hide_the_others(landing: Path, site: str) -> None:
    register = landing.parent / "sites.yaml"
    register.write_text(register.read_text().replace("sites: {", f"sites: {{a-bad: {site}, "))
    changes = LandingChanges()
    assert polls(changes, 2) == [True, False]
    drop(landing, "walk-1")
    assert polls(changes, 2) == [True, False]


def test_a_landing_zone_that_goes_and_comes_counts(landing: Path) -> None:
    drop(landing, "walk-1")
    changes = LandingChanges()
    changes.poll()
    landing.rename(landing.parent / "away")
    assert polls(changes, 2) == [True, False]
    (landing.parent / "away").rename(landing)
    assert polls(changes, 2) == [True, False]


def test_a_landing_zone_that_this_host_alone_cannot_list_is_trouble(landing: Path, records: Records) -> None:
    """What captures_sense finds as well is its to tell."""
    changes = LandingChanges()
    changes.poll()
    assert changes.trouble == {}
    landing.rename(landing.parent / "away")
    polls(changes, 2)
    assert list(changes.trouble) == ["hall-7"]
    assert str(landing) in changes.trouble["hall-7"]
    remember(records, sense(Register(), records, now=datetime.now(UTC)))
    changes.poll()
    assert changes.trouble == {}


@pytest.mark.parametrize("name", [b"B\xfcro", b"two\nlines", b"\xed\xa0\x80", b"walk-2"], ids=ascii)
def test_a_folder_of_any_name_counts(landing: Path, name: bytes) -> None:
    changes = LandingChanges()
    changes.poll()
    Path(os.fsdecode(os.fsencode(landing) + b"/" + name)).mkdir()
    assert polls(changes, 2) == [True, False]
