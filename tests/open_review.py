"""A review that waits for people in Airflow's database, as if captures_review had asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from capture360 import dag_names
from capture360.matching.answers import CHOICES, LEAVE
from capture360.steps.review_dag import APPLY, ASKS


def asking(run_id: str) -> None:
    """A run of captures_review that waits for an answer."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType
    from sqlalchemy import insert

    run = {"dag_id": dag_names.REVIEW, "run_id": run_id, "run_type": DagRunType.MANUAL, "run_after": datetime.now(UTC)}
    with create_session() as session:
        session.add(DagRun(**run, state="running"))
        session.flush()
        for task in (*ASKS, APPLY):
            more = {"pool": "default_pool", "pool_slots": 1, "try_number": 0, "max_tries": 3}
            named = {"id": uuid4(), "dag_id": dag_names.REVIEW, "run_id": run_id, "task_id": task, "map_index": -1}
            session.execute(insert(TaskInstance).values(**named, **more, span_status="not_started"))
    ask_in(run_id, ASKS[0])


def ask_in(run_id: str, task_id: str, **fields: str) -> None:
    """A task of the run that waits for an answer."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    becomes(run_id, task_id, "awaiting_input")
    with create_session() as session:
        detail = HITLDetail(
            ti_id=session.scalars(
                select(TaskInstance.id).where(TaskInstance.run_id == run_id, TaskInstance.task_id == task_id)
            ).one(),
            options=list(CHOICES),
            subject="Suggested links",
            defaults=[LEAVE],
            params={name: {"value": text} for name, text in fields.items()},
        )
        session.add(detail)


def becomes(run_id: str, task_id: str, state: str) -> None:
    """A task of the run gets this state."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(
            update(TaskInstance)
            .where(TaskInstance.run_id == run_id, TaskInstance.task_id == task_id)
            .values(state=state)
        )


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
