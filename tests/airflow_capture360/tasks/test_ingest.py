"""Tasks of captures_ingest: XComs stay small, and a run that waits for its turn does not hold the capture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_capture360 import context, metrics
from airflow_capture360.tasks import ingest
from capture360.cdf.ports import Collection
from capture360.errors import CaptureRejected, LeaseHeldError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import collect, e57_extraction, faces, lease, publish, scene
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


@pytest.mark.parametrize(("is_new", "counted"), [(True, [("hall-7", "rejected")]), (False, [])])
def test_a_rejection_is_counted_where_it_is_recorded_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_new: bool, counted: list[tuple[str, str]]
) -> None:
    """Also by an upload that meets other pictures (C07); each batch that ends by it names the report."""
    sent: list[tuple[str, str]] = []

    def rejected(*_: object) -> None:
        raise CaptureRejected("other pictures", report="hall-7/may/f/validation.html", is_new=is_new)

    monkeypatch.setattr(context, "site_context", lambda site: SimpleNamespace(records=None, run="run 1"))
    monkeypatch.setattr(lease, "take", lambda *_, **__: None)
    monkeypatch.setattr(faces, "faces", rejected)
    monkeypatch.setattr(ingest, "set_label", lambda label: None)
    monkeypatch.setattr(metrics.Metric, "add", lambda self, *_, site, state: sent.append((site, state)))
    with pytest.raises(CaptureRejected):
        ingest.upload_faces("hall-7/may", {"label": "batch 1 of 1", "fingerprint": "f", "batch": 0})
    assert sent == counted
    assert [each for each in caplog.messages if each.endswith("/reports/hall-7/may/f/validation.html")]
