"""Kept alerts: each address gets each of them, whatever another address or message does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from airflow_capture360 import alerts, targets
from airflow_capture360.alerts import keep, send_kept, settle_and_send
from alert_receiver import Receiver, receiving
from capture360.records import Records
from capture360.reports.alerts import Message
from capture360.steps.claims import claim, give_up
from capture360.steps.incidents import finding, observe


@pytest.fixture
def other(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The first of two addresses."""
    with receiving() as first:
        connect(monkeypatch, first, receiver)
        yield first


def connect(monkeypatch: pytest.MonkeyPatch, *receivers: Receiver) -> None:
    addresses = "\n".join(f"http://127.0.0.1:{each.server_port}/" for each in receivers)
    stored = json.dumps({"conn_type": "generic", "password": addresses})
    monkeypatch.setenv("AIRFLOW_CONN_CAPTURE360_ALERTS", stored)


def kept(records: Records, *titles: str) -> None:
    for title in titles:
        keep(records, Message(title))


def titles(receiver: Receiver) -> list[str]:
    return [text.partition("\n")[0].rpartition(") ")[2] for text in receiver.texts]


def test_an_address_that_fails_keeps_no_alert_from_another(
    receiver: Receiver, other: Receiver, records: Records
) -> None:
    other.status = 500
    kept(records, "one", "two", "three")
    assert send_kept(records) == 0
    assert titles(receiver) == ["one", "two", "three"]
    other.status = 200
    other.received.clear()
    assert send_kept(records) == 3
    assert titles(other) == ["one", "two", "three"]
    assert len(receiver.received) == 3


def test_an_alert_that_an_address_refuses_keeps_no_other_from_it(receiver: Receiver, records: Records) -> None:
    receiver.refuses = "two"
    kept(records, "one", "two", "three")
    assert send_kept(records) == 2
    assert titles(receiver) == ["one", "two", "three"]
    assert len(records.store.names("sensing/alerts")) == 1


def test_an_address_that_takes_long_to_fail_is_left_alone_until_later(
    receiver: Receiver, other: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "LONGEST_FAILING_S", 0.0)
    other.status = 500
    kept(records, "one", "two", "three")
    assert send_kept(records) == 0
    assert (titles(other), titles(receiver)) == (["one"], ["one", "two", "three"])


def test_what_was_never_tried_is_not_given_up(
    receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "LONGEST_FAILING_S", 0.0)
    monkeypatch.setattr(alerts, "LONGEST", timedelta(0))
    receiver.status = 500
    kept(records, "one", "two")
    assert send_kept(records) == 0
    receiver.status = 200
    assert send_kept(records) == 1
    assert titles(receiver) == ["one", "two"]


def test_what_is_said_of_a_cause_is_given_up_only_once_that_is_over(
    receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing would make its message again, however long its address does not answer."""
    monkeypatch.setattr(alerts, "LONGEST", timedelta(0))
    stands = finding("sensing has stopped", "captures_sense", "no scan", "look", datetime.now(UTC))
    ends = finding("a DAG is paused", "captures_review", "it is paused", "unpause it", datetime.now(UTC))
    observe(records, [stands, ends])
    kept(records, "a digest")
    receiver.status = 500
    settle_and_send()
    assert len(titles(receiver)) == 3
    observe(records, [stands])
    settle_and_send()
    receiver.status = 200
    receiver.received.clear()
    assert settle_and_send() == 1
    assert titles(receiver) == ["captures_sense: sensing has stopped"]


def test_an_alert_waits_for_its_address_wherever_that_stands(
    receiver: Receiver, other: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 500
    kept(records, "one")
    assert send_kept(records) == 0
    receiver.status = 200
    receiver.received.clear()
    connect(monkeypatch, receiver, other)
    assert send_kept(records) == 1
    assert (titles(receiver), titles(other)) == (["one"], ["one"])


def test_an_address_that_was_corrected_gets_what_waited(
    receiver: Receiver, other: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.status = 500
    kept(records, "one")
    assert send_kept(records) == 0
    with receiving() as right:
        connect(monkeypatch, right, receiver)
        assert send_kept(records) == 1
        assert (titles(right), titles(receiver)) == (["one"], ["one"])
    connect(monkeypatch, receiver)
    kept(records, "two")
    assert send_kept(records) == 1


def of_a_cause(records: Records, *titles: str) -> None:
    for title in titles:
        keep(records, Message(title, cause="c"))


def test_what_is_said_later_of_a_cause_waits_for_what_an_address_refused_before(
    receiver: Receiver, other: Receiver, records: Records
) -> None:
    """A service that pages people would close an incident that it opens afterwards."""
    other.refuses = "it began"
    of_a_cause(records, "it began", "it is over")
    kept(records, "another")
    assert send_kept(records) == 1
    assert titles(receiver) == ["it began", "it is over", "another"]
    assert titles(other) == ["it began", "another"]
    other.refuses = None
    other.received.clear()
    assert send_kept(records) == 2
    assert titles(other) == ["it began", "it is over"]
    assert len(receiver.received) == 3


def test_what_is_said_later_of_a_cause_waits_for_what_another_process_sends(
    receiver: Receiver, records: Records
) -> None:
    of_a_cause(records, "it began", "it is over")
    first, _ = records.store.names("sensing/alerts")
    assert claim(records, f"sensing/sending/{first}", datetime.now(UTC))
    assert send_kept(records) == 0
    assert receiver.received == []
    give_up(records, f"sensing/sending/{first}")
    assert send_kept(records) == 2
    assert titles(receiver) == ["it began", "it is over"]


def test_what_is_sent_at_once_waits_for_what_is_kept_of_its_cause(receiver: Receiver, records: Records) -> None:
    of_a_cause(records, "it began")
    assert alerts.send_or_keep(records, Message("it concerns more", cause="c"))
    assert alerts.send_or_keep(records, Message("another", cause="d"))
    assert titles(receiver) == ["another"]
    assert send_kept(records) == 2
    assert titles(receiver) == ["another", "it began", "it concerns more"]


def test_an_alert_that_was_kept_without_a_cause_is_sent(receiver: Receiver, records: Records) -> None:
    kept(records, "one")
    (name,) = records.store.names("sensing/alerts")
    values = records.store.document(f"sensing/alerts/{name}") or {}
    del values["message"]["cause"]
    records.store.put(f"sensing/alerts/{name}", json.dumps(values).encode())
    assert send_kept(records) == 1
    assert titles(receiver) == ["one"]
