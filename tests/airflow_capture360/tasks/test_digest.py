"""The task that sends digests: once for each site and period, by the route of alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import alerts
from airflow_capture360.tasks import digest
from alert_receiver import Receiver
from capture360.errors import StoreUnavailableError, UnavailableError
from capture360.steps import digest as steps


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


def test_an_outage_of_the_store_delays_a_digest_and_stops_no_other_site(
    landing: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(landing, a="daily", b="daily")
    real = steps.digest

    def throttled(site: Any, *rest: Any) -> Any:
        if site.id == "a":
            raise StoreUnavailableError("s3://b cannot be read (SlowDown).")
        return real(site, *rest)

    monkeypatch.setattr(steps, "digest", throttled)
    with pytest.raises(StoreUnavailableError):
        digest.send_digests()
    monkeypatch.setattr(steps, "digest", real)
    assert digest.send_digests() == 1
    assert [text.partition(":")[0] for text in receiver.texts] == ["b", "a"]


def test_a_digest_that_cannot_be_kept_is_not_taken_for_sent(
    landing: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(landing, a="daily")
    monkeypatch.setattr(alerts, "MOST", 0)
    with pytest.raises(UnavailableError, match="The digest of a is not sent"):
        digest.send_digests()
    monkeypatch.setattr(alerts, "MOST", 500)
    assert digest.send_digests() == 1
