"""What services that page people are sent: one incident for each cause, closed when it is over."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apprise.manager_plugins import NotificationManager
from apprise.plugins import jira, opsgenie, pagerduty, splunk

from airflow_capture360 import alerts
from airflow_capture360.paging import KEYS, pages
from airflow_capture360.targets import send
from alert_receiver import Receiver
from capture360.records import Records
from capture360.reports.alerts import Message
from capture360.reports.digest import message
from capture360.settings.site import Site
from capture360.steps.digest import Period, digest
from capture360.steps.incidents import finding, observe, settle

NOW = datetime(2026, 5, 20, 8, tzinfo=UTC)
WAITS = "a delivery is not complete"
KEY = "a" * 32
ADDRESSES = {
    "pagerduty": f"pagerduty://{KEY}@{KEY}",
    "opsgenie": f"opsgenie://{KEY}",
    "jira": f"jira://{KEY}",
    "splunk": f"victorops://database@{KEY}",
    "goalert": "goalert://127.0.0.1:{port}/0a1b2c3d-0000-4000-8000-000000000000",
}
Sent = tuple[str, Any]
READ: dict[str, Callable[[Sent], tuple[str, str]]] = {
    "pagerduty": lambda sent: (sent[1]["event_action"], sent[1]["dedup_key"]),
    "opsgenie": lambda sent: _by_alias(sent),
    "jira": lambda sent: _by_alias(sent),
    "splunk": lambda sent: (sent[1]["message_type"], sent[1]["entity_id"]),
    "goalert": lambda sent: (sent[1].get("action", "trigger"), sent[1]["dedup"]),
}
CLOSES = {"pagerduty": "resolve", "opsgenie": "close", "jira": "close", "splunk": "RECOVERY", "goalert": "close"}


def _by_alias(sent: Sent) -> tuple[str, str]:
    path, document = sent
    if "alias" in document:
        return "new", document["alias"]
    assert path.endswith("/close?identifierType=alias")
    return "close", path.split("/")[-2]


@pytest.fixture
def connected(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets alerts go to services whose addresses lead to the receiver."""
    here = f"http://127.0.0.1:{receiver.server_port}"
    for each in (pagerduty.PAGERDUTY_API_LOOKUP, opsgenie.OPSGENIE_API_LOOKUP, jira.JIRA_API_LOOKUP):
        monkeypatch.setitem(each, "us", here)
    monkeypatch.setattr(splunk.NotifySplunk, "notify_url", f"{here}/{{apikey}}/{{routing_key}}")

    def connect(*services: str) -> None:
        password = "\n".join(ADDRESSES[each].format(port=receiver.server_port) for each in services)
        stored = json.dumps({"conn_type": "generic", "password": password})
        monkeypatch.setenv("AIRFLOW_CONN_CAPTURE360_ALERTS", stored)

    return connect


@pytest.mark.parametrize("service", ADDRESSES)
def test_each_cause_is_one_incident_that_closes_when_it_is_over(
    service: str, receiver: Receiver, connected: Callable[..., None], records: Records
) -> None:
    connected(service)

    def look(at: datetime, *subjects: str) -> None:
        observe(records, [finding(WAITS, each, "3 files are missing.", "Deliver them.", at) for each in subjects])
        settle(records, _send, now=at)

    look(NOW, "hall-7/a", "rig-2/a")
    look(NOW + timedelta(days=2), "hall-7/a", "hall-7/b", "rig-2/a")
    look(NOW + timedelta(days=3), "rig-2/a")
    actions, keys = zip(*map(READ[service], receiver.received), strict=True)
    assert [each == CLOSES[service] for each in actions] == [False, False, False, True]
    first, of_other, joined, closed = keys
    assert first == joined == closed != of_other


def _send(message: Message) -> bool:
    send(message)
    return True


def test_every_service_that_closes_incidents_is_given_their_names() -> None:
    plugins = NotificationManager()
    plugins.load_modules()
    paging = [each for each in plugins.plugins() if pages(each)]
    assert {"NotifyPagerDuty", "NotifyOpsgenie", "NotifySplunk"} <= {each.__name__ for each in paging}
    assert not [each.__name__ for each in paging if not set(KEYS) & set(inspect.signature(each).parameters)]


def test_a_digest_pages_nobody(receiver: Receiver, connected: Callable[..., None], tmp_path: Path) -> None:
    connected("pagerduty")
    site = Site.model_validate({"id": "hall-7", "name": "Hall 7", "space": "s", "landing": {"url": str(tmp_path)}})
    send(message(digest(site, Records(str(tmp_path / "records")), Period(NOW.date(), NOW.date())), {}))
    assert receiver.received == []


def test_a_test_alert_pages(receiver: Receiver, connected: Callable[..., None]) -> None:
    connected("pagerduty")
    alerts.send_test()
    ((_, document),) = receiver.received
    assert document["event_action"] == "trigger"


def test_a_long_message_is_taken_and_its_links_are_kept(receiver: Receiver, connected: Callable[..., None]) -> None:
    """PagerDuty takes 1,024 characters."""
    connected("pagerduty")
    send(Message("t", ("x" * 1500,), {"Run": "https://airflow.example.com/run"}, cause="c"))
    ((_, document),) = receiver.received
    assert len(document["payload"]["summary"]) <= 1024
    assert document["payload"]["custom_details"] == {"Run": "https://airflow.example.com/run"}
