"""Health check for monitoring.

health    200 if all is well, else 503; either with details as JSON

A monitor that cannot log in presents the token of the api-server's environment instead; it opens nothing else. People
get no details about sites that they may not see, nor about the register, whose operators read the whole error.
"""

from __future__ import annotations

import hmac
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from airflow_capture360.web import refusals
from airflow_capture360.web.access import seen_sites
from airflow_capture360.web.responses import Json
from airflow_capture360.web.site_register import site_register
from capture360.errors import Capture360Error, ConfigError

if TYPE_CHECKING:
    from capture360.settings.register import Register

log = logging.getLogger(__name__)
router = APIRouter()

VARIABLE = "CAPTURE360_HEALTH_TOKEN"
SHORTEST_TOKEN = 32
"""Characters; a shorter token could be guessed, and counts as none."""
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@router.api_route("/health", methods=["GET", "HEAD"])
def health(request: Request) -> Response:
    """Return whether sensing scans, runs progress and nothing is stuck, by the last findings of captures_watch."""
    from capture360.records import Records
    from capture360.steps.health import health, unknown

    try:
        register = site_register()
        found = health(register, Records(register.records_url), datetime.now(UTC))
        if (user := request.state.reader) is not None:
            seen = {*seen_sites(user, register)}
            hidden = {*register.site_ids} - seen
            found = found.without(hidden, _connections(register, hidden) - _connections(register, seen))
    except Capture360Error as error:
        log.warning("The health is not known: %s", error)
        whole = request.state.reader is None  # a monitor, which shows it to operators
        found = unknown(str(error), error.fix) if whole else unknown(refusals.worded(error)[1], "")
    except Exception as error:  # noqa: BLE001 - stores raise anything, and a monitor must get an answer
        log.warning("The health is not known (%s).", type(error).__name__)
        found = unknown(f"The records cannot be read ({type(error).__name__}).", "See whether their store is up.")
    return Json(found.document(), 200 if found.is_well else 503, headers=_HEADERS)


def _connections(register: Register, sites: Iterable[str]) -> set[str]:
    found = set()
    for site in sites:
        with suppress(ConfigError):
            found.add(register.site(site).connection)
    return found


def is_monitor(token: str) -> bool:
    """Return whether this is the token for monitors; False if the environment has none, or one that is too short."""
    expected = os.environ.get(VARIABLE, "")
    if len(expected) < SHORTEST_TOKEN:
        if expected:
            log.warning("%s is ignored: it has fewer than %d characters.", VARIABLE, SHORTEST_TOKEN)
        return False
    return hmac.compare_digest(token.encode(), expected.encode())
