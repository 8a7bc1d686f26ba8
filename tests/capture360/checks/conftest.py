"""The sound capture that the tests of this folder spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from capture360.checks.validation import Validation
from delivery import Delivery


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """A sound cube map capture of eight stations, not written yet."""
    sound = Delivery(tmp_path / "hall-7" / "2026-04-17")
    sound.put_pictures()
    return sound


@pytest.fixture
def said() -> Callable[[Validation, str], list[str]]:
    """The messages of one rule."""

    def messages(validation: Validation, rule: str) -> list[str]:
        found = (*validation.findings, *validation.bad_rows)
        return [finding.message for finding in found if finding.rule == rule]

    return messages
