"""A sandbox for the fault tests, and worlds in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture360.checks.check import check_capture
from capture360.checks.validation import Validation
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.reports.validation import render
from capture360.steps import validate
from ingest_world import World
from local_cdf import RunningSandbox


@pytest.fixture(autouse=True)
def checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks write nothing and say the same of the same files: one look each is enough for hundreds of runs."""
    validations: dict[str, Validation] = {}
    reports: dict[str, str] = {}

    def check(folder: CaptureFolder, **how: Any) -> Validation:
        seen = fingerprint(folder)
        if seen not in validations:
            validations[seen] = check_capture(folder, **how)
        return validations[seen]

    def report(validation: Validation, folder: CaptureFolder) -> str:
        seen = fingerprint(folder)
        if seen not in reports:
            reports[seen] = render(validation, folder)
        return reports[seen]

    monkeypatch.setattr(validate, "check_capture", check)
    monkeypatch.setattr(validate, "render", report)


@pytest.fixture
def world(running: RunningSandbox, tmp_path: Path) -> Iterator[World]:
    made = World(running, tmp_path)
    yield made
    made.wipe()
