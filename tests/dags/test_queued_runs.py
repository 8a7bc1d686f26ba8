"""Which runs have not begun, by what Airflow's own API answers about runs in its database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.api_fastapi.execution_api.routes.dag_runs import get_dr_count
from airflow.api_fastapi.execution_api.routes.task_instances import get_task_instance_count
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, DagBag, sync_bag_to_db
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.sdk.execution_time.comms import DRCount, GetDRCount, TICount
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import delete

from airflow_capture360 import run_state


class Supervisor:
    """Answers a task from Airflow's database, through the functions of Airflow's API."""

    def send(self, msg: Any) -> object:
        asked = msg.model_dump(exclude={"type"})
        with create_session() as session:
            if isinstance(msg, GetDRCount):
                return DRCount(count=get_dr_count(session=session, **asked))
            return TICount(count=get_task_instance_count(session=session, dag_bag=None, **asked))


@pytest.fixture(scope="module")
def known(bag: DagBag) -> None:
    """The DAGs in Airflow's database."""
    (bundle,) = DagBundlesManager().get_all_dag_bundles()
    sync_bag_to_db(
        BundleDagBag(dag_folder=str(bundle.path), bundle_path=bundle.path, bundle_name=bundle.name), bundle.name, None
    )


@pytest.mark.parametrize("dag", ["captures_ingest", "captures_contextualize"])
@pytest.mark.parametrize(
    ("state", "first_task", "queued"),
    [
        (DagRunState.QUEUED, None, True),
        (DagRunState.RUNNING, TaskInstanceState.SCHEDULED, True),
        (DagRunState.RUNNING, TaskInstanceState.QUEUED, True),
        (DagRunState.RUNNING, TaskInstanceState.RUNNING, False),
        (DagRunState.RUNNING, TaskInstanceState.SUCCESS, False),
        (DagRunState.FAILED, None, False),
    ],
)
def test_a_run_has_not_begun_until_its_first_task_has_a_worker(
    known: None,
    monkeypatch: pytest.MonkeyPatch,
    dag: str,
    state: DagRunState,
    first_task: TaskInstanceState | None,
    queued: bool,
) -> None:
    monkeypatch.setattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", Supervisor(), raising=False)
    monkeypatch.setattr(run_state, "get_current_context", lambda: {"ti": RuntimeTaskInstance})
    assert not run_state.are_queued(dag)
    with create_session() as session:
        serialized = DBDagBag().get_latest_version_of_dag(dag, session=session)
        assert serialized is not None
        run = serialized.create_dagrun(
            run_id="announced",
            run_after=datetime.now(UTC),
            run_type=DagRunType.ASSET_TRIGGERED,
            triggered_by=DagRunTriggeredByType.ASSET,
            state=state,
            session=session,
        )
        lease = run.get_task_instance("lease", session=session)
        assert lease is not None
        lease.state = first_task
    try:
        assert run_state.are_queued(dag) is queued
    finally:
        with create_session() as session:
            session.execute(delete(DagRun).where(DagRun.run_id == "announced"))
