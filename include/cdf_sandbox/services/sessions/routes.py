"""The Sessions API: a session's nonce lives for a minute and is spent once."""

import hashlib
import secrets
from sqlite3 import Connection, Row
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field, model_validator
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep, check_client
from cdf_sandbox.core.errors import ApiError, missing
from cdf_sandbox.core.http import CdfRoute, Json, StrictModel, WriteModel
from cdf_sandbox.core.identifiers import InternalId, cursor_id, encode_cursor, new_id
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep

DDL = """
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, status TEXT NOT NULL, client_id TEXT NOT NULL,
    nonce_sha256 TEXT NOT NULL UNIQUE, creation_time INTEGER NOT NULL, expiration_time INTEGER NOT NULL
);
"""
NONCE_LIFETIME_MS = 60_000
_SESSION_LIFETIME_MS = 24 * 3600 * 1000

sessions_router = APIRouter(prefix="/sessions", route_class=CdfRoute)


class SessionWrite(WriteModel):
    """Client credentials, or one of the two ways to exchange the caller's token."""

    client_id: str | None = None
    client_secret: str | None = None
    token_exchange: Literal[True] | None = None
    oneshot_token_exchange: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = self.model_fields_set
        if given not in ({"client_id", "client_secret"}, {"token_exchange"}, {"oneshot_token_exchange"}):
            raise ValueError("give clientId and clientSecret, or tokenExchange, or oneshotTokenExchange")
        return self


class SessionWrites(StrictModel):
    """The one session to create."""

    items: Annotated[list[SessionWrite], Field(min_length=1, max_length=1)]


class SessionId(StrictModel):
    """A session."""

    id: InternalId


class SessionIds(StrictModel):
    """Sessions to retrieve or revoke."""

    items: Annotated[list[SessionId], Field(min_length=1, max_length=1000)]


def _sha256(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()


def _json(row: Row, now: int) -> dict[str, Any]:
    status = row["status"]
    if status == "READY" and row["creation_time"] + NONCE_LIFETIME_MS <= now:
        status = "EXPIRED"
    return {
        "id": row["id"],
        "type": row["type"],
        "status": status,
        "creationTime": row["creation_time"],
        "expirationTime": row["expiration_time"],
        "clientId": row["client_id"],
    }


def spend(sandbox: Sandbox, db: Connection, nonce: str) -> int:
    """Bind `nonce` to what is being started and return its session's id; 400 when it is unknown, spent or old."""
    row = db.execute(
        "UPDATE sessions SET status = 'ACTIVE' WHERE nonce_sha256 = ? AND status = 'READY' AND creation_time > ?"
        " RETURNING id",
        (_sha256(nonce), sandbox.clock.now_ms() - NONCE_LIFETIME_MS),
    ).fetchone()
    if row is None:
        raise ApiError(400, "Failed to bind nonce with session: it is unknown, was used already or has expired")
    return int(row["id"])


@sessions_router.post("")
def create_session(sandbox: SandboxDep, access: AccessDep, body: SessionWrites) -> Response:
    """A new session and its nonce, which is shown here and nowhere else."""
    access.require("sessionsAcl", "CREATE")
    wanted = body.items[0]
    if wanted.client_id is not None and wanted.client_secret is not None:
        if not check_client(sandbox, wanted.client_id, wanted.client_secret):
            raise ApiError(400, "The identity provider refused the client credentials of the session")
        kind, client_id = "CLIENT_CREDENTIALS", wanted.client_id
    else:
        kind = "TOKEN_EXCHANGE" if wanted.token_exchange else "ONESHOT_TOKEN_EXCHANGE"
        client_id = access.client_id
    nonce, session_id, now = secrets.token_urlsafe(24), new_id(), sandbox.clock.now_ms()
    with sandbox.storage.write() as db:
        db.execute(
            "INSERT INTO sessions VALUES (?, ?, 'READY', ?, ?, ?, ?)",
            (session_id, kind, client_id, _sha256(nonce), now, now + _SESSION_LIFETIME_MS),
        )
    session = {"id": session_id, "type": kind, "status": "READY", "nonce": nonce, "clientId": client_id}
    return Json({"items": [session]})


@sessions_router.get("")
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
    shown = [session for row in rows if (session := _json(row, now))["status"] == (status or session["status"]).upper()]
    answer: dict[str, Any] = {"items": shown[:limit]}
    if len(shown) > limit:
        answer["nextCursor"] = encode_cursor(shown[limit - 1]["id"])
    return Json(answer)


def _rows(db: Connection, body: SessionIds) -> list[Row]:
    found = [db.execute("SELECT * FROM sessions WHERE id = ?", (item.id,)).fetchone() for item in body.items]
    unknown = [{"id": item.id} for item, row in zip(body.items, found, strict=True) if row is None]
    if unknown:
        raise missing(unknown, "Sessions")
    return found


@sessions_router.post("/byids")
def retrieve_sessions(sandbox: SandboxDep, access: AccessDep, body: SessionIds) -> Response:
    """Sessions by their ids."""
    access.require("sessionsAcl", "LIST")
    with sandbox.read() as db:
        return Json({"items": [_json(row, sandbox.clock.now_ms()) for row in _rows(db, body)]})


@sessions_router.post("/revoke")
def revoke_sessions(sandbox: SandboxDep, access: AccessDep, body: SessionIds) -> Response:
    """End sessions; ending one twice is no error."""
    access.require("sessionsAcl", "DELETE")
    with sandbox.write() as db:
        for row in _rows(db, body):
            db.execute("UPDATE sessions SET status = 'REVOKED' WHERE id = ? AND status != 'REVOKED'", (row["id"],))
        return Json({"items": [_json(row, sandbox.clock.now_ms()) for row in _rows(db, body)]})
