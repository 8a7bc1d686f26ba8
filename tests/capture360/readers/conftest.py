"""A capture without pictures, since readers open none."""

from __future__ import annotations

from pathlib import Path

import pytest

from delivery import Delivery


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """Eight stations whose quaternions have a decimal point, as every quaternion table does."""
    return Delivery(tmp_path / "hall-7" / "2026-04-17")
