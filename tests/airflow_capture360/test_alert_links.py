"""Each page of ours that an alert leads to can be opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from airflow_capture360.notifications import occurrence_of
from airflow_capture360.tasks.watch import with_links
from airflow_server import login
from alert_receiver import context
from capture360.errors import CaptureRejected, CdfUnavailableError, RecordsError, RequestError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import lease, watch
from capture360.steps.incidents import finding

KEY = CaptureKey("hall-7", "may")
SEEN = {"fingerprint": "f2", "since": "2026-05-05T08:00:00+00:00", "waiting": "files: 3 of the 17 are there"}
VALIDATED = {"verdict": "rejected", "headline": "", "accepted": 0, "quarantined": {}, "findings": []}


def rejected(records: Records) -> None:
    records.put(KEY, "f1", "validate", VALIDATED, run="test")
    records.put_report(KEY, "f1", "validation.html", "<p>rejected</p>")


def held(records: Records) -> None:
    lease.take(records, KEY, "a run", is_finished=lambda _: False)


def found(kind: str) -> Mapping[str, str]:
    return with_links(finding(kind, str(KEY), "it is so", "fix it", datetime.now(UTC))).links


def failed(error: Exception, **where: Any) -> Mapping[str, str]:
    return occurrence_of(context(error, str(KEY), **where)).links


CASES: dict[str, tuple[Callable[[Records], object], Callable[[], Mapping[str, str]], set[str]]] = {
    "a delivery that is not complete": (
        lambda records: records.put_note(KEY, "look", SEEN),
        lambda: found("a delivery is not complete"),
        {"Capture"},
    ),
    "a lease alone": (held, lambda: found("a lease is held long"), {"Capture"}),
    "damaged records": (
        lambda records: records.store.put(f"{KEY}/f1/verify.json", b"{"),
        lambda: found(watch.DAMAGED),
        set(),
    ),
    "a task that met damaged records": (
        lambda records: records.store.put(f"{KEY}/f1/verify.json", b"{"),
        lambda: failed(RecordsError("verify.json is damaged")),
        set(),
    ),
    "a task that failed before it wrote anything": (
        held,
        lambda: failed(CdfUnavailableError("503")),
        {"Capture"},
    ),
    "a rejected capture": (
        rejected,
        lambda: failed(CaptureRejected("no column y", report=f"{KEY}/f1/validation.html")),
        {"Capture", "Report"},
    ),
    "a capture that was mistyped": (lambda records: None, lambda: failed(RequestError("no such capture")), set()),
}


@pytest.mark.parametrize("case", CASES)
def test_the_links_of_an_alert_open(client: TestClient, records: Records, case: str) -> None:
    produce, links_of, names = CASES[case]
    produce(records)
    ours = {name: urlsplit(address).path for name, address in links_of().items() if "/capture360/" in address}
    assert set(ours) == names
    for path in ours.values():
        assert client.get(path, headers=login(client)).status_code == 200
