"""Tasks of captures_ingest: XComs stay small, and a run that waits for its turn does not hold the capture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_capture360.tasks import ingest
from capture360.cdf.ports import Collection
from capture360.errors import LeaseHeldError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import collect, e57_extraction, lease, publish, scene
from capture360.steps.turn_note import waiting_run

MANY = tuple(f"{number:0127d}" for number in range(20_000))
COLLECTIONS = tuple(Collection("captures360", name) for name in MANY)
RESULTS: dict[str, tuple[Any, Any]] = {
    "publish": (
        publish,
        publish.Published(
            COLLECTIONS, 20_000, 1, 0, removed_images=MANY, held_back=MANY, link="http://cdf", thumbnail=""
        ),
    ),
    "start_revisions": (e57_extraction, e57_extraction.Started(1, tuple(range(20_000)), "space")),
    "collect": (collect, collect.Collected(1, COLLECTIONS, MANY, 0, "http://cdf")),
    "place": (scene, scene.Placed("space", "scene", 1, MANY, 1)),
}


@pytest.mark.parametrize("task", RESULTS)
def test_an_xcom_holds_counts_and_the_first_names(monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    module, result = RESULTS[task]
    pushed: list[object] = []

    @contextmanager
    def context(capture: str) -> Iterator[tuple[Any, CaptureKey]]:
        site = SimpleNamespace(connection="cdf", landing=SimpleNamespace(url="/landing"))
        cdf = SimpleNamespace(connection=SimpleNamespace(identity=("cluster", "project")))
        records = SimpleNamespace(note=lambda *_: None)
        yield SimpleNamespace(records=records, run="run 1", site=site, cdf=cdf), CaptureKey.parse(capture)

    monkeypatch.setattr(module, task, lambda *_, **__: result)
    monkeypatch.setattr(ingest, "capture_context", context)
    instance = SimpleNamespace(xcom_push=lambda key, value: pushed.append(value))
    monkeypatch.setattr(ingest, "get_current_context", lambda: {"ti": instance})
    returned = getattr(ingest, task)("hall-7/2026-04-17", "f")
    assert len(json.dumps([returned, *pushed])) < 10_000
    assert returned


@pytest.mark.parametrize("task", ["start_revisions", "collect"])
def test_a_run_that_waits_for_its_turn_does_not_hold_the_capture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, task: str
) -> None:
    records, key = Records(str(tmp_path)), CaptureKey("hall-7", "may")
    lease.take(records, key, "run 1", is_finished=bool)

    @contextmanager
    def context(capture: str) -> Iterator[tuple[Any, CaptureKey]]:
        yield SimpleNamespace(records=records, run="run 1"), CaptureKey.parse(capture)

    def held(*_: object, **__: object) -> None:
        raise LeaseHeldError("Space scans (e57.space)", "run 2")

    monkeypatch.setattr(RESULTS[task][0], task, held)
    monkeypatch.setattr(ingest, "capture_context", context)
    with pytest.raises(LeaseHeldError, match="run 2"):
        getattr(ingest, task)(str(key), "f")
    assert lease.holder(records, key) is None
    assert waiting_run(records, key, lambda run: False) == "run 1"
