"""The run of captures_review behind a review: its state, and answering its Required Action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from fastapi import HTTPException
from sqlalchemy import select

from airflow_capture360.run_state import is_run_of, run_id_of, value_of
from capture360 import dag_names
from capture360.matching.answers import LEAVE
from capture360.steps.review_dag import APPLY, ASKS

_FINISHED = "This review is finished. captures_review writes it to CDF."
_ANSWERED = (
    "Somebody has answered this review as a whole. It is written to CDF, or asked again in some seconds if the answer "
    "was not understood: load the page again."
)
_CONFLICT = 409
_ENDED = {"success", "failed", "skipped", "upstream_failed", "removed"}


@dataclass(frozen=True, slots=True)
class ReviewRun:
    """State of a review's run. `asking` is the task whose Required Action waits for an answer, empty if none does.

    `address` is that of the run's page within Airflow; `closed` is the reason why the review takes no answers. `kept`
    are the valid numbers of an answer that was not understood as a whole, such as "approve 1, 3b".
    """

    run_id: str
    address: str
    asking: str = ""
    closed: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Task:
    """A task of the run: its state, empty before it begins, and for one that asks its Required Action.

    Whether that is there, and answered, and the fields of its form.
    """

    state: str
    asked: bool
    answered: bool
    fields: Mapping[str, Any]


def may_decide(user: GetUserDep) -> bool:
    """Return whether a person may answer the review's Required Action."""
    return get_auth_manager().is_authorized_dag(
        method="PUT", access_entity=DagAccessEntity.HITL_DETAIL, details=DagDetails(id=dag_names.REVIEW), user=user
    )


def run_state(session: SessionDep, run: str) -> ReviewRun:
    """Return the state of a run in Airflow, by its name in records."""
    run_id = run_id_of(run) if is_run_of(run, dag_names.REVIEW) else ""
    state = session.scalar(select(DagRun.state).where(DagRun.dag_id == dag_names.REVIEW, DagRun.run_id == run_id))
    address = f"dags/{dag_names.REVIEW}/runs/{quote(run_id, safe='')}" if state is not None else ""
    if state is None or value_of(state) in {"success", "failed"}:
        return ReviewRun(run_id, address, closed="This review has ended. What was left open stays as it is.")
    rows = session.execute(
        select(TaskInstance.task_id, TaskInstance.state, HITLDetail.ti_id, HITLDetail.responded_at, HITLDetail.params)
        .outerjoin(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(
            TaskInstance.dag_id == dag_names.REVIEW,
            TaskInstance.run_id == run_id,
            TaskInstance.task_id.in_((*ASKS, APPLY)),
        )
    )
    tasks = {
        task: _Task("" if state is None else value_of(state), asked is not None, answered is not None, fields or {})
        for task, state, asked, answered, fields in rows
    }
    in_order = [(task, tasks[task]) for task in ASKS if task in tasks]
    waiting = next((task for task, ask in in_order if ask.asked and not ask.answered and ask.state not in _ENDED), "")
    if not waiting and any(ask.answered or ask.state in _ENDED for _, ask in in_order):
        applies = APPLY in tasks and tasks[APPLY].state
        finished = applies or all(ask.state in _ENDED for _, ask in in_order)
        return ReviewRun(run_id, address, closed=_FINISHED if finished else _ANSWERED)
    kept = {name: str(field.get("value") or "") for name, field in tasks[waiting].fields.items()} if waiting else {}
    return ReviewRun(
        run_id, address, waiting, kept=tuple(f"{name} {numbers}" for name, numbers in kept.items() if numbers)
    )


def finish_run(session: SessionDep, user: GetUserDep, run: ReviewRun) -> None:
    """Answer the Required Action by Airflow's own route; 409 if somebody has answered it at the same moment."""
    payload = UpdateHITLDetailPayload(chosen_options=[LEAVE])  # fields that hold valid numbers stay as they are
    try:
        update_hitl_detail(dag_names.REVIEW, run.run_id, run.asking, payload, user, session)
    except HTTPException as error:
        raise HTTPException(error.status_code, _ANSWERED if error.status_code == _CONFLICT else error.detail) from None
