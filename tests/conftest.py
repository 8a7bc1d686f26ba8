"""What all tests share: the folder of reference files, a line that says how many tests used it, and random input.

A change is judged by the same random input every time, however slow the machine. `--hypothesis-profile=search` looks
for new failures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from local_cdf import RunningSandbox, fast_options, run_sandbox

SHARED_VARIABLE = "CAPTURE360_SHARED"

hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference facts and real files; the test is skipped where it is not at hand."""
    folder = os.environ.get(SHARED_VARIABLE)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"{SHARED_VARIABLE} does not name the folder of reference files")
    return Path(folder).resolve()


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    """Options of the module's sandbox that differ from the fast ones; a module overrides this."""
    return {}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, sandbox_options: dict[str, Any]) -> Iterator[RunningSandbox]:
    """One fast sandbox per test module."""
    with run_sandbox(fast_options(tmp_path_factory.mktemp("sandbox"), **sandbox_options)) as sandbox:
        yield sandbox


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker("shared")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    def count(outcome: str) -> int:
        reports = terminalreporter.stats.get(outcome, [])
        return sum("shared" in getattr(report, "keywords", {}) for report in reports)

    ran = count("passed") + count("failed")
    terminalreporter.write_line(f"reference files ({SHARED_VARIABLE}): {ran} tests ran, {count('skipped')} skipped")
