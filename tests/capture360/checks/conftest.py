"""What the checks report."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from capture360.checks.validation import Validation


@pytest.fixture
def said() -> Callable[[Validation, str], list[str]]:
    """The messages of one rule."""

    def messages(validation: Validation, rule: str) -> list[str]:
        found = (*validation.findings, *validation.bad_rows)
        return [finding.message for finding in found if finding.rule == rule]

    return messages
