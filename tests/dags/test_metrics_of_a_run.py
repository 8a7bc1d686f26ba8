"""What a StatsD server receives of a run of captures_ingest, by Airflow's own task runner without a scheduler."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow.sdk._shared.observability.metrics.statsd_logger import SafeStatsdLogger
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

from airflow_capture360.context import register_and_records
from airflow_capture360.metrics import METRICS, REACHED
from capture360.model import CaptureKey
from captures import write_cubemap
from local_cdf import RunningSandbox
from statsd_receiver import StatsdReceiver, receiving_statsd

KEY = CaptureKey("hall-7", "walk-1")
STATIONS = 2


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: RunningSandbox) -> Path:
    """The landing zone of a register with one site, whose connection leads to the sandbox."""
    landing = tmp_path / "landing"
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path / 'records'}\n"
        f"sites: {{hall-7: {{space: captures, landing: {{url: {landing}}}, links: {{enabled: false}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    values = running.connection
    connection = {
        "conn_type": "cognite_cdf",
        "host": values["base_url"],
        "login": values["client_id"],
        "password": values["client_secret"],
        "extra": {"project": values["project"], "token_url": values["token_url"]},
    }
    monkeypatch.setenv("AIRFLOW_CONN_COGNITE_CDF_DEFAULT", json.dumps(connection))
    return landing


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsdReceiver]:
    """A server that Airflow is configured to send to, as a worker is."""
    made: list[SafeStatsdLogger] = []

    def configured() -> SafeStatsdLogger:
        made.append(get_stats_factory()())
        return made[-1]

    with receiving_statsd() as server:
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(server.port))
        stats.initialize(factory=configured, export_legacy_names=True)
        yield server
        stats.initialize(factory=NoStatsLogger, export_legacy_names=True)
        for backend in made:
            backend.statsd.close()


def test_a_run_sends_what_it_did(bag: DagBag, landing: Path, statsd: StatsdReceiver) -> None:
    write_cubemap(landing, KEY, stations=STATIONS)
    ended = bag.dags["captures_ingest"].test(
        logical_date=datetime(2026, 1, 1, tzinfo=UTC), run_conf={"capture": str(KEY)}
    )
    tasks = {each.task_id: str(each.state) for each in ended.get_task_instances()}
    assert str(ended.state) == "success", tasks
    assert (tasks["announce"], tasks["release"]) == ("skipped", "success"), "links are not enabled"
    totals = {
        "capture360.reached.hall-7.accepted": 1,
        "capture360.reached.hall-7.published": 1,
        "capture360.stations.hall-7.accepted": STATIONS,
        "capture360.stations.hall-7.held_back": 0,
        "capture360.faces.hall-7.uploaded": 6 * STATIONS,
        "capture360.faces.hall-7.found": 0,
    }
    assert {name: statsd.total(name) for name in totals} == totals
    stored = sum(path.stat().st_size for path in landing.rglob("*.jpg"))
    assert statsd.total("capture360.bytes.hall-7.faces") == stored
    assert statsd.total("capture360.cdf_requests.hall-7.2xx") > 6 * STATIONS
    steps = {line.split(":")[0] for line in statsd.ours if line.endswith("|ms")}
    of_dag = "airflow.capture360.step_duration.hall-7.captures_ingest"
    assert {f"{of_dag}.{step}" for step in ("lease", "validate", "faces", "publish", "verify")} <= steps
    known = "|".join(re.escape(metric.name) for metric in METRICS)
    assert all(re.match(rf"airflow\.(?:{known})[.:]", line) for line in statsd.ours)


def test_a_look_of_the_watch_sets_what_is_there_now(bag: DagBag, landing: Path, statsd: StatsdReceiver) -> None:
    records = register_and_records()[1]
    for name, verdict in (("bad", "rejected"), ("on-its-way", "accepted")):
        key = CaptureKey("hall-7", name)
        records.put(key, "f1", "validate", {"verdict": verdict, "captured_on": None}, run="a run")
        state = records.load(key)
        assert state is not None
        if verdict == "rejected":
            records.mark_done(state)
    looked = bag.dags["captures_watch"].test(logical_date=datetime(2026, 1, 1, tzinfo=UTC))
    assert {each.task_id: str(each.state) for each in looked.get_task_instances()}["look"] == "success"
    prefix = "airflow.capture360.captures.hall-7"
    gauges = [line for line in statsd.ours if line.startswith(prefix)]
    expected = {"waiting": 1, "rejected": 1, "published": 0, "contextualized": 0, "retracted": 0}
    assert gauges == [f"{prefix}.{state}:{count}|g" for state, count in expected.items()]
    assert any(re.fullmatch(r"airflow\.capture360\.findings:[1-9]\d*\|g", line) for line in statsd.ours)


def test_tags_are_sent_where_the_server_knows_them(statsd: StatsdReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", "True")
    REACHED.add(site="hall-7", state="published")
    assert statsd.ours == ["airflow.capture360.reached,site=hall-7,state=published:1|c"]


@pytest.mark.parametrize("outside", ["hall 7", "a" * 101, "x:9|c\nairflow.y", "ü", ""])
def test_a_text_from_outside_becomes_no_name(statsd: StatsdReceiver, outside: str) -> None:
    REACHED.add(site=outside, state="published")
    REACHED.add(site="hall.7", state="published")
    assert statsd.ours == [
        "airflow.capture360.reached.other.published:1|c",
        "airflow.capture360.reached.hall__7.published:1|c",
    ]


def test_a_backend_that_breaks_fails_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    monkeypatch.setattr(stats, "incr", broken)
    REACHED.add(site="hall-7", state="published")
    assert caplog.messages == ["The metric capture360.reached was not sent (RuntimeError)."]
