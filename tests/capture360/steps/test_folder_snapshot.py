"""The note of how a scan last saw a folder: a damaged one is as none."""

from __future__ import annotations

from pathlib import Path

from capture360.model import CaptureKey
from capture360.records import LOOK, Records
from capture360.steps.folder_snapshot import last_snapshot
from capture360.steps.waits import waits

KEY = CaptureKey("hall-7", "walk-1")


def test_a_time_that_no_zone_can_show_is_damage(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    note = {"since": "9999-12-31T23:59:59-23:00", "fingerprint": "a", "waiting": "images"}
    records.put_note(KEY, LOOK, note)
    assert last_snapshot(records, KEY) is None
    assert list(waits(records, KEY, None)) == []
    records.put_note(KEY, LOOK, {**note, "since": "2026-05-20T08:00:00+02:00"})
    (wait,) = waits(records, KEY, None)
    assert wait.sentence == "waits for images, since 2026-05-20 06:00 UTC"
