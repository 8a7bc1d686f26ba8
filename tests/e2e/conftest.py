"""Stacks of real processes: Airflow's own scheduler, and the sandbox. Nearly all tests share one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_runs import AirflowRuns
from capture360 import dag_names
from capture360.model import CaptureKey
from capture360_local.demo.deliveries import Order
from capture360_local.stack import Stack
from running_stack import RunningStack

REGISTER = """
records: $CAPTURE360_HOME/records
defaults: {connection: cognite_cdf_default, space: captures360}
sites:
  hall-7: {landing: {url: $CAPTURE360_HOME/landing/hall-7}}
  read-by-vision: {landing: {url: $CAPTURE360_HOME/landing/read-by-vision}, links: {detector: vision}}
  read-by-job: {landing: {url: $CAPTURE360_HOME/landing/read-by-job}, links: {detector: cdf_3d_job}}
  out-of-sight: {connection: cdf_out_of_sight, landing: {url: $CAPTURE360_HOME/landing/out-of-sight}}
  impatient: {landing: {url: $CAPTURE360_HOME/landing/impatient}, retrigger_after: PT0S}
  dated:
    landing: {url: $CAPTURE360_HOME/landing/dated}
    links: {detector: vision, asset_subtrees: [dated-hall]}
  scans:
    landing: {url: $CAPTURE360_HOME/landing/scans}
    checks: {min_file_bytes: 100, min_panorama_width: 64, min_face_resolution: 16}
"""
UNSEEN = Order("unseen", "cubemap", 1, "its connection does not show at first", site="out-of-sight")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running(Stack(tmp_path_factory.mktemp("stack"))) as started:
        started.drop(UNSEEN)
        yield started


@pytest.fixture
def unseen(stack: RunningStack) -> CaptureKey:
    """A capture dropped before all others: two minutes of retries pass while the other tests run."""
    return UNSEEN.key


@pytest.fixture(scope="module")
def core_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose project knows data modeling alone."""
    with running(Stack(tmp_path_factory.mktemp("core"), "data_modeling")) as started:
        yield started


@contextmanager
def running(local: Stack) -> Iterator[RunningStack]:
    local.home.prepare()
    local.home.register.write_text(REGISTER)
    told: list[str] = []
    with local.running(told.append), AirflowRuns(local) as api:
        assert told
        started = RunningStack(local, api)
        for dag in {dag["dag_id"] for dag in api.dags()} - {dag_names.SENSE, dag_names.INGEST}:
            api.pause(dag, True)  # each takes captures for itself
        with started.sandbox:
            yield started
