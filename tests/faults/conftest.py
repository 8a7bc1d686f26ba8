"""Sandboxes and worlds for the fault tests, and undisturbed runs whose writes are the kill points."""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture(scope="module", autouse=True)
def checked_once() -> Iterator[None]:
    """Check the same files once a module: the checks write nothing, and hundreds of runs deliver the same."""
    validations: dict[tuple[str, str], Validation] = {}
    reports: dict[tuple[str, str], str] = {}

    def check(folder: CaptureFolder, **how: Any) -> Validation:
        files = folder.url, fingerprint(folder)
        if files not in validations:
            validations[files] = check_capture(folder, **how)
        return validations[files]

    def report(validation: Validation, folder: CaptureFolder) -> str:
        files = folder.url, fingerprint(folder)
        if files not in reports:
            reports[files] = render(validation, folder)
        return reports[files]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate, "check_capture", check)
        patch.setattr(validate, "render", report)
        yield


@pytest.fixture(scope="module")
def module_world(running: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One world a module, so that the tests of its kill points share one undisturbed run."""
    return World(running, tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(module_world: World) -> Iterator[World]:
    yield module_world
    module_world.wipe()
