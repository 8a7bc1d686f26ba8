"""The page of a site's digest.

digest/<site>    `days` up to `last`, a date; the days up to today by default
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Query
from fastapi.responses import Response

from airflow_capture360.web.access import seen_sites
from airflow_capture360.web.panoramas import SiteId
from airflow_capture360.web.responses import html_page
from airflow_capture360.web.site_register import site_register
from capture360.reports.digest import LONGEST, render_digest

router = APIRouter()

_FIRST_YEAR = 2000


@router.get("/digest/{site}")
def digest_page(
    user: GetUserDep,
    site: SiteId,
    days: Annotated[int, Query(ge=1, le=LONGEST)] = 7,
    last: Annotated[date | None, Query()] = None,
) -> Response:
    """Return what happened at a site."""
    from capture360.records import Records
    from capture360.steps.digest import Period, digest, today

    register = site_register()
    settings = register.site(site)
    now = today(settings, datetime.now(UTC))
    end = now if last is None or not _FIRST_YEAR <= last.year <= now.year else last
    found = digest(settings, Records(register.records_url), Period.ending(end, days))
    return html_page(render_digest(found, seen_sites(user, register), days))
