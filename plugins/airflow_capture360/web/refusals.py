"""Answers to requests that cannot be served: a page for whoever opens an address, JSON for scripts.

They name no file, no store and no other site: the register and the records may be read by operators alone, who find the
whole error in the log of the API server.
"""

from __future__ import annotations

import logging
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from airflow_capture360.context import base_path, page_path
from airflow_capture360.web.responses import Json, html_page
from capture360.errors import (
    BadInputError,
    Capture360Error,
    CdfError,
    ConfigError,
    MissingStepError,
    RecordsError,
    RequestError,
    UnavailableError,
)
from capture360.settings.register import UnknownSiteError
from capture360.text import printable

log = logging.getLogger(__name__)

_NO_STORE = {"Cache-Control": "no-store"}
_LOGIN = "/api/v2/auth/login"


def refuse_error(request: Request, error: Exception) -> Response:
    """Answer an error of capture360: 404 if the address is wrong, 502 if CDF refuses, else 503."""
    assert isinstance(error, Capture360Error)
    log.warning("%s: %s", printable(request.url.path, 500), printable(str(error), 2000))
    return _answer(request, *worded(error))


def refuse_request(request: Request, error: Exception) -> Response:
    """Answer what a route or Airflow refuses; who opens a page without a login is led to it."""
    assert isinstance(error, HTTPException)
    if error.status_code == 401 and _is_opened(request):
        address = f"{request.url.path}?{request.url.query}".removesuffix("?")
        return RedirectResponse(f"{base_path()}{_LOGIN}?next={quote(address, safe='')}", 303, headers=_NO_STORE)
    return _answer(request, error.status_code, str(error.detail), dict(error.headers or {}))


def refuse_values(request: Request, error: Exception) -> Response:
    """Answer 422 without what was sent: FastAPI's own answer repeats it, and breaks at numbers that JSON lacks."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(each) for each in first["loc"])
    return _answer(request, 422, printable(f"{where}: {first['msg']}"))


def worded(error: Capture360Error) -> tuple[int, str]:
    """Return status and sentence for whoever may read pages, but neither register nor records."""
    match error:
        case UnknownSiteError():
            return 404, "There is no such site."
        case ConfigError():
            return (
                503,
                "The site register or a connection has an error. The API server's log names it.",
            )
        case RecordsError():
            return (
                503,
                "Records are damaged. The API server's log and captures_reconcile name the file for an operator.",
            )
        case UnavailableError():
            return 503, "What this page is made of cannot be read now. Load it again in some minutes."
        case CdfError():
            return 502, "CDF refuses what this page needs. The API server's log says why."
        case RequestError() | MissingStepError() | BadInputError():
            return 404, str(error)
    return 503, "This page cannot be made. The API server's log says why."


def _is_opened(request: Request) -> bool:
    """Return whether a person opens the address, not a script or a picture of a page."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _answer(request: Request, status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    from capture360.reports.page import page_in_airflow

    if not _is_opened(request):
        return Json({"detail": sentence}, status, headers={**(headers or {}), **_NO_STORE})
    page = html_page(page_in_airflow("problem", sentence=sentence, captures=page_path("captures")))
    page.status_code = status
    return page
