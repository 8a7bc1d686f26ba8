"""A run that waits for its turn in a shared space leaves the capture to others, but for its ingest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from capture360.errors import LeaseHeldError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import lease
from capture360.steps.shared_space import end_waiting, refuse_waiting, wait_for_turn, waiting_run

KEY = CaptureKey("hall-7", "may")


def goes_on(run: str) -> bool:
    return False


def has_ended(run: str) -> bool:
    return True


def waits(records: Records) -> Any:
    lease.take(records, KEY, "run 1", is_finished=goes_on)
    ctx: Any = SimpleNamespace(records=records, run="run 1")
    wait_for_turn(ctx, KEY)
    return ctx


def test_the_capture_is_free_for_all_but_another_ingest(records: Records) -> None:
    mine = waits(records)
    other: Any = SimpleNamespace(records=records, run="run 2")
    lease.take(records, KEY, "run 2", is_finished=goes_on)
    with pytest.raises(LeaseHeldError, match="run 1"):
        refuse_waiting(other, KEY, goes_on)
    assert lease.holder(records, KEY) is None
    refuse_waiting(mine, KEY, goes_on)
    refuse_waiting(other, KEY, has_ended)


def test_waiting_ends_with_the_run(records: Records) -> None:
    waits(records)
    end_waiting(records, KEY, "run 2")
    assert waiting_run(records, KEY, goes_on) == "run 1"
    assert waiting_run(records, KEY, has_ended) is None
    end_waiting(records, KEY, "run 1")
    assert waiting_run(records, KEY, goes_on) is None
