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
from cdf_sandbox.options import Options
from ingest_world import World
from local_cdf import RunningSandbox, run_sandbox


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = Options(
        data=tmp_path_factory.mktemp("sandbox"), list_lag=0, uploaded_lag=0, syncer_delay=0, rate_limits=False
    )
    with run_sandbox(options) as sandbox:
        yield sandbox


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
