"""Web application: captures, reports from the records, reviews, digests, the panorama viewer, and health.

Every route checks the login with Airflow: a mounted application has none of its own. A monitor may read the health by
its token.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Annotated

from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, requires_access_dag
from fastapi import Cookie, Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials
from starlette.exceptions import HTTPException

from airflow_capture360.web import access, captures, digest, health, panoramas, refusals, reviews
from airflow_capture360.web.responses import Held, unless_held
from airflow_capture360.web.site_register import site_register
from capture360 import dag_names
from capture360.errors import Capture360Error
from capture360.model import CaptureKey
from capture360.records import Records

GUARDING_DAG = dag_names.INGEST
"""Users who may read this DAG may read the reports of its captures."""

_SHOWN = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".jpg": "image/jpeg",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-downloads allow-popups"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
_HTML = b'<html lang="en">'
_THEMES = frozenset({"light", "dark"})
"""Themes of Airflow that the browser does not choose."""

_require_reader = requires_access_dag("GET", param_dag_id=GUARDING_DAG)


async def require_reader_or_monitor(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]
) -> None:
    """Refuse whoever may not read captures, or not those of the site; a monitor's token opens the health alone."""
    request.state.reader = None
    if bearer and request.scope["endpoint"] is health.health and health.is_monitor(bearer.credentials):
        return
    user = request.state.reader = await get_user(request, None, bearer)
    await run_in_threadpool(_require_reader, request, user)
    if "site" in request.path_params:
        await run_in_threadpool(access.require_site, user, request.path_params["site"])


app = FastAPI(
    title="capture360",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    dependencies=[Depends(require_reader_or_monitor)],
)
app.include_router(captures.router)
app.include_router(digest.router)
app.include_router(health.router)
app.include_router(panoramas.router)
app.include_router(reviews.router)


app.add_exception_handler(Capture360Error, refusals.refuse_error)
app.add_exception_handler(HTTPException, refusals.refuse_request)
app.add_exception_handler(RequestValidationError, refusals.refuse_values)


@app.get("/reports/{site}/{capture}/{fingerprint}/{name}")
def report(
    site: str,
    capture: str,
    fingerprint: str,
    name: str,
    theme: Annotated[str, Cookie(alias="capture360_theme")] = "",
    held: Held = "",
) -> Response:
    """Return one report of one delivery in the theme that the pages were last shown in, or a picture of its review."""
    media_type = _SHOWN.get(PurePosixPath(name).suffix)
    if media_type is None:
        raise HTTPException(404, "There is no such report.")
    content = Records(site_register().records_url).report(CaptureKey.parse(f"{site}/{capture}"), fingerprint, name)
    if content is None:
        raise HTTPException(404, f"There is no {name} of {site}/{capture} for delivery {fingerprint}.")
    if media_type == _SHOWN[".html"] and theme in _THEMES:
        content = content.replace(_HTML, _HTML.replace(b">", f' data-theme="{theme}">'.encode()), 1)
    if media_type != _SHOWN[".jpg"]:
        return Response(content, media_type=media_type, headers=_HEADERS)
    headers, answer = unless_held(hashlib.sha256(content).hexdigest(), held, _HEADERS)
    return answer or Response(content, media_type=media_type, headers=headers)
