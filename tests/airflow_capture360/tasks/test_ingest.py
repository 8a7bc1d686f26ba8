"""XComs of captures_ingest stay small, however many collections, scans or stations a capture has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_capture360.tasks import ingest
from capture360.cdf.ports import Collection
from capture360.model import CaptureKey
from capture360.steps import collect, e57_extraction, publish, scene

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
    def context(capture: str) -> Iterator[tuple[None, CaptureKey]]:
        yield None, CaptureKey.parse(capture)

    monkeypatch.setattr(module, task, lambda *_, **__: result)
    monkeypatch.setattr(ingest, "capture_context", context)
    instance = SimpleNamespace(xcom_push=lambda key, value: pushed.append(value))
    monkeypatch.setattr(ingest, "get_current_context", lambda: {"ti": instance})
    returned = getattr(ingest, task)("hall-7/2026-04-17", "f")
    assert len(json.dumps([returned, *pushed])) < 10_000
    assert returned
