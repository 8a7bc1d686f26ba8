"""What may be removed beside the records, and that nothing else is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from capture360.model import CaptureKey
from capture360.records import OCR_CACHE, Records
from capture360.steps.prune import plan_pruning, prune
from capture360.steps.review_due import note_review
from record_files import document_paths

KEY = CaptureKey("hall-7", "walk-1")
OTHER = CaptureKey("hall-8", "walk-1")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
BEFORE = NOW - timedelta(days=180)


def deliver(records: Records, key: CaptureKey, fingerprint: str, *, ago: timedelta) -> None:
    """Record a delivery with a report, all files of that age."""
    records.put(
        key,
        fingerprint,
        "sense",
        {"path": "x", "files": 1, "bytes": 1, "announced": "2025-01-01T00:00:00+00:00"},
        run="test",
    )
    records.put_report(key, fingerprint, "validation.html", "<p>")
    age(records, f"{key}/{fingerprint}", ago)


def age(records: Records, folder: str, ago: timedelta) -> None:
    """Set when the files of a folder were written."""
    at = (NOW - ago).timestamp()
    for path in Path(records.url, folder).iterdir():
        os.utime(path, (at, at))


def left_of(records: Records, planned: Sequence[str]) -> list[str]:
    return [path for path in document_paths(records.store) if path not in set(planned)]


def test_old_reports_of_replaced_deliveries_and_old_texts_are_removed_alone(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    for fingerprint, days in (("f1", 400), ("f2", 300), ("f3", 10), ("f4", 5)):
        deliver(records, KEY, fingerprint, ago=timedelta(days=days))
    deliver(records, OTHER, "f1", ago=timedelta(days=400))
    note_review(records, KEY, "f2", "matches", "run")  # an open review needs its pictures
    for folder, days in (("aa", 400), ("bb", 5)):
        records.store.put(f"{OCR_CACHE}/{folder}/{folder}-engine.json", b"{}")
        age(records, f"{OCR_CACHE}/{folder}", timedelta(days=days))
    planned = plan_pruning(records, ["hall-7", "hall-8"], BEFORE, texts=True)
    assert planned.reports == ["hall-7/walk-1/f1/validation.html"]
    assert planned.texts == ["ocr-cache/aa/aa-engine.json"]
    assert not planned.damaged
    assert plan_pruning(records, ["hall-7"], BEFORE, texts=False).texts == []
    expected = left_of(records, [*planned.reports, *planned.texts])
    prune(records, planned)
    assert document_paths(records.store) == expected
    prune(records, planned)  # another process may have removed them
    assert plan_pruning(records, ["hall-7", "hall-8"], BEFORE, texts=True).reports == []


def test_reports_of_what_cdf_shows_are_kept_when_a_newer_delivery_was_rejected(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    deliver(records, KEY, "f1", ago=timedelta(days=400))
    records.put(KEY, "f1", "publish", {"images": []}, run="test")
    deliver(records, KEY, "f2", ago=timedelta(days=1))
    assert plan_pruning(records, ["hall-7"], BEFORE, texts=True).reports == []


def test_a_capture_with_damaged_records_is_left_alone_and_stops_no_other(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    for key in (KEY, OTHER):
        deliver(records, key, "f1", ago=timedelta(days=400))
        deliver(records, key, "f2", ago=timedelta(days=1))
    (tmp_path / str(KEY) / "f2/sense.json").write_text("{")
    planned = plan_pruning(records, ["hall-7", "hall-8"], BEFORE, texts=True)
    assert planned.reports == ["hall-8/walk-1/f1/validation.html"]
    assert len(planned.damaged) == 1
    assert planned.damaged[0].startswith("hall-7/walk-1 is left alone. ")
    assert "sense.json is broken" in planned.damaged[0]


def test_a_site_without_records_has_nothing_to_remove(tmp_path: Path) -> None:
    planned = plan_pruning(Records(str(tmp_path)), ["hall-7"], BEFORE, texts=True)
    assert (planned.reports, planned.texts, planned.damaged) == ([], [], [])
