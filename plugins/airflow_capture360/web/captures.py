"""The pages of captures in Airflow.

    captures                     all captures: `state`, `site`, `like` and `page` say which are shown
    captures/<site>/<capture>    one capture

Airflow's runs headed by a capture's key, the register and listings of the records are the index; records are read
for the captures that are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from sqlalchemy import func, select

from airflow_capture360.web.panoramas import CaptureId, SiteId
from airflow_capture360.web.responses import html_page
from capture360.model import SITE_LENGTH, CaptureKey
from capture360.steps.review_dag import DAG_ID

if TYPE_CHECKING:
    from capture360.reports.captures import LastRun

router = APIRouter()

_DAGS = ("captures_ingest", "captures_contextualize", DAG_ID)
"""DAGs whose runs have the key of a capture as partition key."""
_RUNS_SHOWN = 20
_MOST_PAGES = 1_000_000

StateName = Literal["", "running", "failed", "waiting", "rejected", "published", "contextualized", "retracted"]


@router.get("/captures")
def captures(
    session: SessionDep,
    user: GetUserDep,
    state: StateName = "",
    site: Annotated[str, Query(max_length=SITE_LENGTH)] = "",
    like: Annotated[str, Query(max_length=200)] = "",
    page: Annotated[int, Query(ge=1, le=_MOST_PAGES)] = 1,
) -> Response:
    """Return a page of captures."""
    from capture360.records import Records
    from capture360.reports.captures import Wanted, render_captures
    from capture360.settings.register import Register
    from capture360.steps.captures import index, newest_deliveries

    register = Register()
    records = Records(register.records_url)
    entries = index(register, records, _last_runs(session, _readable(user)))
    content = render_captures(
        entries,
        register.site_ids,
        Wanted(state, site, like, page),
        lambda keys: newest_deliveries(records, keys),
        datetime.now(UTC),
    )
    return html_page(content)


@router.get("/captures/{site}/{capture}")
def capture(session: SessionDep, user: GetUserDep, site: SiteId, capture: CaptureId) -> Response:
    """Return the page of one capture."""
    from capture360.records import Records
    from capture360.reports.captures import render_capture
    from capture360.settings.register import Register
    from capture360.steps.captures import detail

    key = CaptureKey(site, capture)
    register = Register()
    register.site(site)
    runs = _runs_of(session, key, _readable(user))
    known = detail(Records(register.records_url), key, runs[0] if runs else None)
    if known is None:
        raise HTTPException(404, f"There are no records of {key}.")
    return html_page(render_capture(known, runs))


def _readable(user: GetUserDep) -> Sequence[str]:
    """Return the DAGs whose runs this user may see."""
    manager = get_auth_manager()
    return [
        dag
        for dag in _DAGS
        if manager.is_authorized_dag(
            method="GET", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag), user=user
        )
    ]


def _last_runs(session: SessionDep, dags: Sequence[str]) -> Mapping[str, LastRun]:
    """Return the last run of each partition key, in one query."""
    last = (
        select(func.max(DagRun.id).label("id"))
        .where(DagRun.dag_id.in_(dags), DagRun.partition_key.is_not(None))
        .group_by(DagRun.partition_key)
        .subquery()
    )
    rows = session.execute(_COLUMNS.join(last, DagRun.id == last.c.id))
    return {key: _run(*row) for key, *row in rows}


def _runs_of(session: SessionDep, key: CaptureKey, dags: Sequence[str]) -> Sequence[LastRun]:
    """Return the last runs of this capture."""
    wanted = _COLUMNS.where(DagRun.dag_id.in_(dags), DagRun.partition_key == str(key))
    rows = session.execute(wanted.order_by(DagRun.id.desc()).limit(_RUNS_SHOWN))
    return [_run(*row) for _, *row in rows]


_COLUMNS = select(DagRun.partition_key, DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.run_after, DagRun.end_date)


def _run(dag: str, run: str, state: object, at: datetime, ended: datetime | None) -> LastRun:
    from airflow_capture360.run_state import value_of
    from capture360.reports.captures import LastRun

    return LastRun(dag, run, value_of(state), at, ended)
