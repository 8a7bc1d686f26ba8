"""Health check for monitoring.

health    200 if all is well, else 503; either with details as JSON
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from capture360.errors import Capture360Error

log = logging.getLogger(__name__)
router = APIRouter()

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@router.api_route("/health", methods=["GET", "HEAD"])
def health() -> Response:
    """Return whether sensing scans, runs progress and nothing is stuck, by the last findings of captures_watch."""
    from capture360.records import Records
    from capture360.settings.register import Register
    from capture360.steps.health import health, unknown

    try:
        register = Register()
        found = health(register, Records(register.records_url), datetime.now(UTC))
    except Capture360Error as error:
        found = unknown(str(error), error.remedy)
    except Exception as error:  # noqa: BLE001 - stores raise anything, and a monitor must get an answer
        log.warning("The health is not known (%s).", type(error).__name__)
        found = unknown(f"The records cannot be read ({type(error).__name__}).", "See whether their store is up.")
    return JSONResponse(found.document(), 200 if found.is_well else 503, headers=_HEADERS)
