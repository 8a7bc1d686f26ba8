"""A run of captures_backfill from its first task to its last, by Airflow's own task runner without a scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from capture360.records import Records


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    """The records of a register with one site."""
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\n"
        f"sites: {{hall-7: {{space: captures, landing: {{url: {tmp_path}/landing}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    return Records(str(tmp_path / "records"))


def run(bag: DagBag, conf: Mapping[str, Any]) -> dict[str, str]:
    """The states of the tasks of a run that has ended, and of the run."""
    ended = bag.dags["captures_backfill"].test(logical_date=datetime.now(UTC), run_conf=dict(conf))
    return {"run": str(ended.state), **{each.task_id: str(each.state) for each in ended.get_task_instances()}}


def test_a_date_without_captures_is_green_and_announces_nothing(bag: DagBag, records: Records) -> None:
    states = run(bag, {"what": "both", "date": "2026-05-01"})
    announcing = {"ingest": "skipped", "contextualize": "skipped"}
    assert {name: states.pop(name) for name in announcing} == announcing
    assert set(states.values()) == {"success"}
    assert {"look", "wait_for_ingest", "wait_for_contextualize", "confirm", "run"} <= set(states)


def test_a_single_run_without_a_date_is_refused_in_words(
    bag: DagBag, records: Records, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    states = run(bag, {"what": "both", "date": None})
    assert (states["run"], states["look"], states["confirm"]) == ("failed", "failed", "upstream_failed")
    assert "This run names no capture date." in caplog.text + "".join(capfd.readouterr())
