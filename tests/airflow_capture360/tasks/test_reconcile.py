"""The task that compares records and CDF: what it raises, and what it leaves for the digest."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_capture360.context import register_and_records
from airflow_capture360.tasks import reconcile
from capture360.errors import DriftError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.rules.finding import Finding
from capture360.rules.reconciliation import R06
from capture360.steps.digest import last_drift
from capture360.steps.reconcile import Reconciled


@pytest.fixture
def records(landing: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    records = register_and_records()[1]
    monkeypatch.setattr(reconcile, "site_context", lambda site: SimpleNamespace(records=records))
    monkeypatch.setattr(reconcile, "set_label", lambda text: None)
    return records


def compared(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    def reconciled(ctx: Any, *, is_finished: Any) -> Reconciled:
        return Reconciled(findings, 7, [CaptureKey("hall-7", "busy")])

    monkeypatch.setattr("capture360.steps.reconcile.reconcile_site", reconciled)


def test_differences_fail_the_task_and_are_left_for_the_digest(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared(monkeypatch, R06.finding(where="hall-7/may", sentence="Images that CDF does not show: one."))
    with pytest.raises(DriftError, match=r"hall-7/may: .*Images that CDF does not show: one\."):
        reconcile.compare("hall-7")
    drift = last_drift(records, "hall-7")
    assert drift is not None
    assert (drift.compared, drift.differences) == (7, 1)
    assert drift.sentences[0].startswith("hall-7/may: ")


def test_agreement_is_left_for_the_digest_too(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    compared(monkeypatch)
    assert reconcile.compare("hall-7") == 7
    drift = last_drift(records, "hall-7")
    assert drift is not None
    assert (drift.compared, drift.differences, drift.sentences) == (7, 0, ())
