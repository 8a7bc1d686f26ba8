"""What a monitor is answered: by the age and the findings of the last look, and by the last sensing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture360.records import Records
from capture360.settings.register import Register
from capture360.steps.health import Health, health
from capture360.steps.last_sensing import note_sensing
from capture360.steps.listing_state import ListingState, keep_listing_state
from capture360.steps.watch_life import Found, last_look, looked

NOW = datetime(2026, 5, 20, 8, tzinfo=UTC)
STUCK = Found("runs are stuck in the queue", "captures_ingest", "Runs wait.", "See the workers.", "platform team")
INCOMPLETE = Found("a delivery is not complete", "hall-7/may", "It waits.", "Ask the surveyor.", "surveyor")


def asked(records: Records, tmp_path: Path, now: datetime = NOW) -> Health:
    (tmp_path / "sites.yaml").write_text(
        f"records: {records.url}\nsites: {{hall-7: {{space: captures, landing: {{url: {tmp_path}/landing}}}}}}\n"
    )
    return health(Register(str(tmp_path / "sites.yaml")), records, now)


def kinds(found: Health) -> list[str]:
    return [each.kind for each in found.causes]


def test_all_is_well_after_a_look_and_a_scan(records: Records, tmp_path: Path) -> None:
    note_sensing(records, NOW)
    looked(records, NOW)
    found = asked(records, tmp_path, NOW + timedelta(minutes=5))
    assert found.document() == {
        "healthy": True,
        "causes": [],
        "waiting": [],
        "looked_at": NOW.isoformat(),
        "sensed_at": NOW.isoformat(),
    }


def test_what_the_last_look_found_is_a_cause_unless_it_waits_for_people(records: Records, tmp_path: Path) -> None:
    note_sensing(records, NOW)
    looked(records, NOW, found=[INCOMPLETE])
    assert asked(records, tmp_path).is_well
    looked(records, NOW, found=[INCOMPLETE, STUCK])
    found = asked(records, tmp_path)
    assert (found.causes, found.waiting) == ((STUCK,), (INCOMPLETE,))


def test_what_is_about_a_hidden_site_or_its_connection_is_not_shown(records: Records, tmp_path: Path) -> None:
    refused = replace(STUCK, subject="cognite_hall_8", what='No access to project "hall-8-prod".')
    space = replace(STUCK, subject="extractions/c.hall-8-prod.scans", what="extractions/c.hall-8-prod.scans is held.")
    unseen = replace(STUCK, subject="captures_sense", what="Cannot list them: hall-8: s3://captures/hall-8 is refused.")
    longer = replace(STUCK, subject="hall-80/walk-12", what="hall-80/walk-12 is stuck, and so is x-hall-8/walk-12.")
    looked(records, NOW, found=[STUCK, refused, space, unseen, longer])
    assert space in asked(records, tmp_path).without(set()).causes
    found = asked(records, tmp_path).without({"hall-8"}, {"cognite_hall_8"})
    assert {STUCK, longer} <= {*found.causes}
    found = replace(found, causes=tuple(each for each in found.causes if each != longer))
    assert "hall-8" not in json.dumps(found.document())
    assert "cognite_hall_8" not in json.dumps(found.document())


def test_a_look_that_is_old_is_a_cause_and_what_it_found_stays_one(records: Records, tmp_path: Path) -> None:
    note_sensing(records, NOW)
    looked(records, NOW, found=[STUCK])
    found = asked(records, tmp_path, NOW + timedelta(minutes=15))
    assert kinds(found) == ["nobody watches", STUCK.kind]
    assert "captures_watch looked last at 2026-05-20 08:00" in found.causes[0].what


def test_nothing_at_all_is_not_well(records: Records, tmp_path: Path) -> None:
    assert kinds(asked(records, tmp_path)) == ["nobody watches", "sensing has stopped"]


@pytest.mark.parametrize(("minutes", "says"), [(4, []), (60, ["sensing has stopped"])])
def test_a_scan_of_a_clock_that_was_ahead_says_nothing(
    records: Records, tmp_path: Path, minutes: int, says: list[str]
) -> None:
    for before in range(60, -1, -5):
        looked(records, NOW - timedelta(minutes=before))
    note_sensing(records, NOW + timedelta(minutes=minutes))
    assert kinds(asked(records, tmp_path)) == says


@pytest.mark.parametrize("minutes", [44, 46])
def test_sensing_has_a_deadline_from_its_last_scan(records: Records, tmp_path: Path, minutes: int) -> None:
    began = NOW - timedelta(minutes=minutes)
    note_sensing(records, began)
    for since in range(50, -1, -5):
        looked(records, NOW - timedelta(minutes=since))
    assert kinds(asked(records, tmp_path)) == (["sensing has stopped"] if minutes > 45 else [])


@pytest.mark.parametrize("minutes", [10, 46])
def test_scans_of_a_version_that_kept_no_time_of_the_end_count(records: Records, tmp_path: Path, minutes: int) -> None:
    keep_listing_state(records, "hall-7", ListingState(NOW - timedelta(minutes=minutes), ""))
    for since in range(50, -1, -5):
        looked(records, NOW - timedelta(minutes=since))
    assert kinds(asked(records, tmp_path)) == (["sensing has stopped"] if minutes > 45 else [])


def test_sensing_has_time_to_begin(records: Records, tmp_path: Path) -> None:
    looked(records, NOW)
    assert asked(records, tmp_path, NOW + timedelta(minutes=10)).is_well


def test_many_findings_are_counted(records: Records, tmp_path: Path) -> None:
    note_sensing(records, NOW)
    looked(records, NOW, found=[STUCK] * 60)
    found = asked(records, tmp_path)
    assert (len(found.causes), found.causes[-1].what) == (51, "10 more findings.")


def test_whatever_number_waits_for_people_is_well_and_hides_no_problem(records: Records, tmp_path: Path) -> None:
    note_sensing(records, NOW)
    looked(records, NOW, found=[INCOMPLETE] * 51)
    found = asked(records, tmp_path)
    assert (found.is_well, len(found.waiting), found.waiting[-1].what) == (True, 51, "1 more finding.")
    looked(records, NOW, found=[*[INCOMPLETE] * 51, STUCK])
    assert asked(records, tmp_path).causes == (STUCK,)


@pytest.mark.parametrize("content", [b"{", b"[]", b"7", b'{"at": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_look_counts_as_none(records: Records, tmp_path: Path, content: bytes) -> None:
    records.store.put("sensing/watched.json", content)
    assert last_look(records, NOW) is None
    assert kinds(asked(records, tmp_path))[0] == "nobody watches"
