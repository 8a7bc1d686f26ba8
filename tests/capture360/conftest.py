"""A sound capture for tests to spoil, and faults of the module's sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from delivery import Delivery
from local_cdf import PLAIN, RunningSandbox


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """A sound cube map capture of eight stations, not written yet."""
    sound = Delivery(tmp_path / "hall-7" / "2026-04-17")
    sound.put_pictures()
    return sound


@pytest.fixture
def order(running: RunningSandbox) -> Iterator[Callable[..., None]]:
    """Order a fault of the module's sandbox; none is left after the test."""
    url = f"{running.base_url}/sandbox/faults"
    yield lambda **fault: PLAIN.post(url, json=fault).raise_for_status()
    PLAIN.delete(url).raise_for_status()
