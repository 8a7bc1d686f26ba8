"""Statuses of Optimizer jobs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from capture360.cdf.three_d.job_scans import work_of
from capture360.cdf.three_d.jobs import Job


@pytest.mark.parametrize(
    ("status", "expected"),
    [("Scheduled", "Queued"), ("Succeeded", "Done"), ("Cancelled", "Failed"), ("Archiving", "Processing")],
)
def test_a_status_that_is_not_known_is_waited_for(status: str, expected: str) -> None:
    """CDF may add one: the job is polled until it ends or the deadline is over."""
    assert work_of(Job("s", "j", status, datetime(2026, 5, 1, tzinfo=UTC))).status == expected
