"""The task that sends digests: once for each site and period, by the route of alerts."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.tasks import digest
from alert_receiver import Receiver


def register(landing: Path, **sites: str) -> None:
    lines = [
        f"  {site}: {{space: captures, digest: {kind}, landing: {{url: {landing}}}}}" for site, kind in sites.items()
    ]
    records = landing.parents[1] / "records"
    (landing.parents[1] / "sites.yaml").write_text("\n".join([f"records: {records}", "sites:", *lines]))


def test_each_site_gets_one_message_a_period(landing: Path, receiver: Receiver) -> None:
    register(landing, a="daily", b="'off'", c="weekly", broken="hourly")
    assert digest.send_digests() == 2
    with pytest.raises(AirflowSkipException):
        digest.send_digests()
    first, second = sorted(receiver.texts)
    assert first.startswith("a: captures of 20")
    assert "No capture came in, and none was published." in first
    assert "/capture360/digest/a?days=1&last=" in first
    assert second.startswith("c: captures of 20")
    assert " to " in second.splitlines()[0]


def test_what_cannot_be_sent_is_kept_and_sent_later(landing: Path, receiver: Receiver) -> None:
    register(landing, a="daily")
    receiver.status = 503
    assert digest.send_digests() == 1
    receiver.status = 200
    with pytest.raises(AirflowSkipException):
        digest.send_digests()
    from airflow_capture360.alerts import settle_and_send

    receiver.received.clear()
    assert settle_and_send() == 1
    assert "a: captures of 20" in receiver.texts[0]
