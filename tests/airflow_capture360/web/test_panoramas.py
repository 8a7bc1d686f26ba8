"""Captures that are offered beside another: how much of the records is read for them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_capture360.web import panoramas
from capture360.capture_state import Stage
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import review_due


def test_a_site_of_rejected_captures_costs_a_bounded_number_of_reads(
    landing: Path, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = (CaptureKey("hall-7", f"walk-{number}") for number in range(6))
    for key in (first, *others):
        records.put(key, "f1", "publish", {}, run="test")
        records.put(key, "f1", "verify", {}, run="test")
        state = records.load(key)
        assert state is not None
        if key != first:
            records.mark_done(replace(state, stage=Stage.REJECTED))
    monkeypatch.setattr(panoramas, "MOST_REJECTED", 3)
    looked: list[CaptureKey] = []
    monkeypatch.setattr(review_due, "shown_state", lambda _, key: looked.append(key))
    assert [each["name"] for each in json.loads(bytes(panoramas.captures("hall-7").body))] == [str(first)]
    assert looked == others[:-4:-1]
