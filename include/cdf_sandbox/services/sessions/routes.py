"""The Sessions API: a session's nonce lives for a minute and is spent once."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep, check_client
from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import CdfRoute, Items, Json
from cdf_sandbox.core.identifiers import new_id
from cdf_sandbox.core.paging import cursor_id, first_page, list_answer
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.sessions.models import SessionId, SessionWrites
from cdf_sandbox.services.sessions.store import client_of, digest, find_sessions, session_json

_SESSION_LIFETIME_MS = 24 * 3600 * 1000

router = APIRouter(prefix="/sessions", route_class=CdfRoute)


@router.post("")
def create_session(sandbox: SandboxDep, access: AccessDep, body: SessionWrites) -> Response:
    """Create a session; its nonce is in this answer only."""
    access.require("sessionsAcl", "CREATE")
    wanted = body.items[0]
    if wanted.client_id is not None and wanted.client_secret is not None:
        if not check_client(sandbox, wanted.client_id, wanted.client_secret):
            raise BadRequest("The identity provider refused the client credentials of the session")
        kind, client_id = "CLIENT_CREDENTIALS", wanted.client_id
    else:
        kind = "TOKEN_EXCHANGE" if wanted.token_exchange else "ONESHOT_TOKEN_EXCHANGE"
        client_id = access.client_id
    nonce, session_id, now = secrets.token_urlsafe(24), new_id(), sandbox.clock.now_ms()
    with sandbox.storage.write() as db:
        db.execute(
            "INSERT INTO sessions VALUES (?, ?, 'READY', ?, ?, ?, ?)",
            (session_id, kind, client_id, digest(nonce), now, now + _SESSION_LIFETIME_MS),
        )
    session = {"id": session_id, "type": kind, "status": "READY", "nonce": nonce, **client_of(kind, client_id)}
    return Json({"items": [session]})


@router.get("")
def list_sessions(
    sandbox: SandboxDep,
    access: AccessDep,
    status: Annotated[str | None, Query(pattern="(?i)^(ready|active|cancelled|expired|revoked|access_lost)$")] = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 25,
) -> Response:
    """A page of sessions."""
    access.require("sessionsAcl", "LIST")
    now = sandbox.clock.now_ms()
    with sandbox.read() as db:
        rows = db.execute("SELECT * FROM sessions WHERE id > ? ORDER BY id", (cursor_id(cursor),)).fetchall()
    shown = [
        session
        for row in rows
        if (session := session_json(row, now))["status"] == (status or session["status"]).upper()
    ]
    return list_answer(*first_page(shown, limit))


@router.post("/byids")
def retrieve_sessions(sandbox: SandboxDep, access: AccessDep, body: Items[SessionId]) -> Response:
    """Sessions by their ids."""
    access.require("sessionsAcl", "LIST")
    with sandbox.read() as db:
        return Json({"items": [session_json(row, sandbox.clock.now_ms()) for row in find_sessions(db, body)]})


@router.post("/revoke")
def revoke_sessions(sandbox: SandboxDep, access: AccessDep, body: Items[SessionId]) -> Response:
    """Revoke sessions; revoking one twice is no error. Who may not list them is answered their ids alone."""
    access.require("sessionsAcl", "DELETE")
    with sandbox.change("sessions", (item.id for item in body.items)) as db:
        for row in find_sessions(db, body):
            db.execute("UPDATE sessions SET status = 'REVOKED' WHERE id = ? AND status != 'REVOKED'", (row["id"],))
        shown = [session_json(row, sandbox.clock.now_ms()) for row in find_sessions(db, body)]
    may_list = access.allows("sessionsAcl", "LIST")
    return Json({"items": shown if may_list else [{"id": each["id"]} for each in shown]})
