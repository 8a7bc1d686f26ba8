"""The count of CDF's answers, and that no address of theirs reaches a log."""

from __future__ import annotations

import logging

import httpx2
import pytest

from capture360.cdf.answers import count_answers, take_counts
from capture360.cdf.client import CdfProject, Connection
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


def test_the_sdk_logs_no_link_of_a_file(running: RunningSandbox, caplog: pytest.LogCaptureFixture) -> None:
    """At whatever level Airflow logs."""
    caplog.set_level(logging.DEBUG)
    client = CdfProject(Connection.from_mapping(running.connection, "test")).client
    client.files.upload_bytes(b"face", name="face", external_id="logged", overwrite=True)
    assert client.files.download_bytes(external_id="logged") == b"face"
    assert not [
        each.getMessage() for each in caplog.records if "http" in each.getMessage() and "127.0.0.1" in each.getMessage()
    ]


def test_warnings_of_the_transports_pass(caplog: pytest.LogCaptureFixture) -> None:
    count_answers()
    logging.getLogger("httpx2").warning("slow")
    assert caplog.messages == ["slow"]
