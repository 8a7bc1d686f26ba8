"""A run that waits for its turn in a shared space leaves the capture to others, but for its ingest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from capture360.errors import LeaseHeldError
from capture360.model import CaptureKey, Verdict
from capture360.records import Records
from capture360.steps import e57_extraction, ingest, lease
from capture360.steps.turn_note import end_waiting, refuse_waiting, wait_for_turn, waiting_run, waiting_since

KEY = CaptureKey("hall-7", "may")


def goes_on(run: str) -> bool:
    return False


def has_ended(run: str) -> bool:
    return True


def waits(records: Records) -> Any:
    lease.take(records, KEY, "run 1", is_finished=goes_on)
    ctx: Any = SimpleNamespace(records=records, run="run 1")
    wait_for_turn(records, KEY, "run 1")
    return ctx


def test_the_capture_is_free_for_all_but_another_ingest(records: Records) -> None:
    mine = waits(records)
    lease.take(records, KEY, "run 2", is_finished=goes_on)
    with pytest.raises(LeaseHeldError, match="run 1"):
        refuse_waiting(records, KEY, "run 2", goes_on)
    assert lease.holder(records, KEY) is None
    refuse_waiting(records, KEY, mine.run, goes_on)
    refuse_waiting(records, KEY, "run 2", has_ended)


def test_waiting_ends_with_the_run(records: Records) -> None:
    waits(records)
    end_waiting(records, KEY, "run 2")
    assert waiting_run(records, KEY, goes_on) == "run 1"
    end_waiting(records, KEY, "run 1")
    assert waiting_run(records, KEY, goes_on) is None


def test_the_note_of_a_run_that_ended_is_removed(records: Records) -> None:
    waits(records)
    assert waiting_run(records, KEY, has_ended) is None
    assert records.note(KEY, "waits_for_turn") is None


def test_a_run_that_still_waits_began_when_it_first_did(records: Records) -> None:
    mine = waits(records)
    began = waiting_since(records, KEY)
    wait_for_turn(records, KEY, mine.run)
    assert waiting_since(records, KEY) == began is not None


def test_take_over_concerns_the_capture_alone(monkeypatch: pytest.MonkeyPatch, records: Records) -> None:
    """The run that waits is taken over; the one that extracts meanwhile keeps its turn."""
    waits(records)
    validated = SimpleNamespace(verdict=Verdict.ACCEPTED, route="revision", fingerprint="f")
    monkeypatch.setattr(ingest, "examine", lambda *_: validated)
    for unused in ("before_writing", "report_failure", "extraction_space", "end_turn"):
        monkeypatch.setattr(ingest, unused, lambda *_: None)
    monkeypatch.setattr(e57_extraction, "upload_scans", lambda *_: None)

    def start(*_: object, is_finished: Any = lease.process_is_finished) -> None:
        assert not is_finished("run 2")
        raise LeaseHeldError("Space scans (e57.space)", "run 2")

    monkeypatch.setattr(e57_extraction, "start_revisions", start)
    ctx: Any = SimpleNamespace(records=records, run="run 3", site=None)
    with pytest.raises(LeaseHeldError, match="run 2"):
        ingest.ingest(ctx, KEY, is_finished=has_ended)
