"""A review that waits for people in Airflow's database, as if captures_review had asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from capture360.matching.answers import CHOICES, LEAVE

DAG = "captures_review"


def asking(run_id: str) -> None:
    """A run of captures_review that waits for an answer."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType

    run = {"dag_id": DAG, "run_id": run_id, "run_type": DagRunType.MANUAL, "run_after": datetime.now(UTC)}
    with create_session() as session:
        session.add(DagRun(**run, state="running"))
    ask_in(run_id, "ask")


def ask_in(run_id: str, task_id: str, **fields: str) -> None:
    """A task of the run that waits for an answer."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import insert

    instance = uuid4()
    task = {"id": instance, "dag_id": DAG, "run_id": run_id, "task_id": task_id, "map_index": -1}
    more = {"state": "awaiting_input", "pool": "default_pool", "pool_slots": 1, "try_number": 1, "max_tries": 3}
    with create_session() as session:
        session.execute(insert(TaskInstance).values(**task, **more, span_status="not_started"))
        detail = HITLDetail(
            ti_id=instance,
            options=list(CHOICES),
            subject="Suggested links",
            defaults=[LEAVE],
            params={name: {"value": text} for name, text in fields.items()},
        )
        session.add(detail)


def response(run_id: str, task_id: str = "ask") -> tuple[Any, Any, Any]:
    """What was chosen, by whom, and the state of the task."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        chosen, by, state = session.execute(
            select(HITLDetail.chosen_options, HITLDetail.responded_by, TaskInstance.state)
            .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
            .where(TaskInstance.run_id == run_id, TaskInstance.task_id == task_id)
        ).one()
    return chosen, by and by["name"], state


def forget_runs() -> None:
    """No run is left in the database."""
    from airflow.models.dagrun import DagRun
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        for model in (HITLDetail, TaskInstance, DagRun):
            session.query(model).delete()
