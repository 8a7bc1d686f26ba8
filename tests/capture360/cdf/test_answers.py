"""The count of CDF's answers, and that no address of theirs reaches a log."""

from __future__ import annotations

import logging

import httpx2
import pytest

from capture360.cdf.answers import count_answers, take_counts
from local_cdf import RunningSandbox


def test_each_answer_counts_by_its_status_and_none_is_logged(
    running: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    count_answers()
    count_answers()
    take_counts()
    with httpx2.Client(trust_env=False) as client:
        for _ in range(3):
            client.get(f"{running.connection['base_url']}/api/v1/projects/nobody/files?sig=s3cret")
    (count,) = take_counts().values()
    assert count == 3
    assert take_counts() == {}
    assert "s3cret" not in caplog.text


def test_warnings_of_the_transports_pass(caplog: pytest.LogCaptureFixture) -> None:
    count_answers()
    logging.getLogger("httpx2").warning("slow")
    assert caplog.messages == ["slow"]
