"""The pages of captures in Airflow.

    captures                     all captures: `state`, `site`, `like` and `page` say which are shown
    captures/<site>/<capture>    one capture
    runs?dag=<DAG>&run=<run>     leads to the capture of a run: the tab of Airflow's pages of runs

Listings of the records and Airflow's runs headed by a capture's key are the index: of the runs those are read that a
state depends on, and those of the page. Records are read for the captures that are shown.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import ColumnElement, and_, func, or_, select

from airflow_capture360.context import page_path
from airflow_capture360.web.access import seen_sites
from airflow_capture360.web.panoramas import CaptureId, SiteId
from airflow_capture360.web.responses import html_page
from airflow_capture360.web.site_register import site_register
from capture360 import dag_names
from capture360.model import SITE_LENGTH, CaptureKey

if TYPE_CHECKING:
    from capture360.reports.captures import LastRun, Newest

log = logging.getLogger(__name__)
router = APIRouter()

_DAGS = (dag_names.INGEST, dag_names.CONTEXTUALIZE, dag_names.REVIEW)
"""DAGs whose runs have the key of a capture as partition key."""
_OF_ONE_CAPTURE = (*_DAGS, dag_names.RETRACT)
"""DAGs each of whose runs is about one capture: that of its partition key, or the one given by hand."""
_RUNS_SHOWN = 20
_ROWS_AT_ONCE = 100
MOST_NAMED = 500
"""Keys that a query names; with more of them it returns the runs of all, up to the end of the page."""
_MOST_PAGES = 1_000_000

StateName = Literal[
    "", "review", "running", "failed", "incoming", "rejected", "published", "contextualized", "retracted"
]


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
    from capture360.steps.captures import index, newest_deliveries, under_review

    register = site_register()
    records = Records(register.records_url)
    dags, sites = _readable(user), seen_sites(user, register)
    content = render_captures(
        index(records, sites, _last_runs(session, dags, _telling(datetime.now(UTC)))),
        under_review(records, sites),
        sites,
        Wanted(state, site, like, page),
        lambda keys: _in_order(session, dags, keys),
        lambda keys: _last_runs(session, dags, DagRun.partition_key.in_(keys)),
        lambda keys: _logged(keys, newest_deliveries(records, keys)),
        datetime.now(UTC),
    )
    return html_page(content)


def _logged(keys: Sequence[CaptureKey], found: Sequence[Newest]) -> Sequence[Newest]:
    """Log what cannot be read of captures on the page, which shows no file, and return all of it."""
    for key, each in zip(keys, found, strict=True):
        if each.error is not None:
            log.warning("%s: %s", key, each.error)
    return found


@router.get("/captures/{site}/{capture}")
def capture(session: SessionDep, user: GetUserDep, site: SiteId, capture: CaptureId) -> Response:
    """Return the page of one capture."""
    from capture360.records import Records
    from capture360.reports.captures import render_capture
    from capture360.steps.captures import detail
    from capture360.steps.near import similar_captures

    key = CaptureKey(site, capture)
    register = site_register()
    register.site(site)
    runs = _runs_of(session, key, user)
    headed = next((run for run, is_headed in runs if is_headed), None)
    records = Records(register.records_url)
    known = detail(records, key, headed)
    if known is None:
        raise HTTPException(404, f"There are no records of {key}. {similar_captures(key, records.keys_of(site))}")
    return html_page(render_capture(known, [run for run, _ in runs], headed))


@router.get("/runs")
def run(
    session: SessionDep,
    user: GetUserDep,
    dag: Annotated[str, Query(max_length=250)],
    run: Annotated[str, Query(max_length=250)],
) -> Response:
    """Lead to the page of the capture that a run is about."""
    known = select(DagRun.partition_key, DagRun.conf).where(DagRun.dag_id == dag, DagRun.run_id == run)
    row = session.execute(known).first() if dag in _readable(user, _OF_ONE_CAPTURE) else None
    named = (row.partition_key or (row.conf or {}).get("capture")) if row else None
    if not named:
        raise HTTPException(404, "This run is not about one capture.")
    return RedirectResponse(page_path(f"captures/{CaptureKey.parse(str(named))}"), 303)


def _readable(user: GetUserDep, dags: Sequence[str] = _DAGS) -> Sequence[str]:
    """Return the DAGs whose runs this user may see."""
    manager = get_auth_manager()
    return [
        dag
        for dag in dags
        if manager.is_authorized_dag(
            method="GET", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag), user=user
        )
    ]


def _in_order(session: SessionDep, dags: Sequence[str], keys: Collection[str]) -> Iterator[str]:
    """Yield partition keys by their last runs, the newest first; rows are read as they are used."""
    last = func.max(DagRun.id)
    wanted = select(DagRun.partition_key).where(_is_headed(dags)).group_by(DagRun.partition_key).order_by(last.desc())
    if len(keys) <= MOST_NAMED:
        wanted = wanted.where(DagRun.partition_key.in_(keys))
    for (key,) in session.execute(wanted, execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield str(key)


def _last_runs(session: SessionDep, dags: Sequence[str], which: ColumnElement[bool]) -> Mapping[str, LastRun]:
    """Return the last runs of partition keys, as far as they fulfil a condition."""
    ids = select(func.max(DagRun.id).label("id")).where(_is_headed(dags)).group_by(DagRun.partition_key).subquery()
    rows = session.execute(_COLUMNS.join(ids, DagRun.id == ids.c.id).where(which))
    return {key: _run(*row) for key, *row in rows}


def _is_headed(dags: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition for runs of these DAGs that are headed by a capture's key."""
    return and_(DagRun.dag_id.in_(dags), DagRun.partition_key.is_not(None))


def _telling(now: datetime) -> ColumnElement[bool]:
    """Return the condition for runs that a capture's state depends on."""
    from capture360.steps.captures import UNTIL_SENSED

    is_recent = or_(DagRun.end_date.is_(None), DagRun.end_date > now - UNTIL_SENSED)
    return or_(DagRun.state.in_(("queued", "running", "failed")), is_recent)


def _runs_of(session: SessionDep, key: CaptureKey, user: GetUserDep) -> Sequence[tuple[LastRun, bool]]:
    """Return the last runs about this capture, and whether each is headed by its key: one by hand has it as input."""
    by_hand = and_(DagRun.partition_key.is_(None), DagRun.conf["capture"].as_string() == str(key))
    of_key = or_(DagRun.partition_key == str(key), by_hand)
    wanted = _COLUMNS.where(DagRun.dag_id.in_(_readable(user, _OF_ONE_CAPTURE)), of_key)
    rows = session.execute(wanted.order_by(DagRun.id.desc()).limit(_RUNS_SHOWN))
    return [(_run(*row), headed_by is not None) for headed_by, *row in rows]


_COLUMNS = select(DagRun.partition_key, DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.run_after, DagRun.end_date)


def _run(dag: str, run: str, state: object, at: datetime, ended: datetime | None) -> LastRun:
    from airflow_capture360.run_state import value_of
    from capture360.reports.captures import LastRun

    return LastRun(dag, run, value_of(state), at, ended)
