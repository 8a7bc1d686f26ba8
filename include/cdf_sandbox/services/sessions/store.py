"""The table of sessions. Nonces are kept as digests only."""

import hashlib
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.documents import rows_by_id
from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import Items
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.sessions.models import SessionId

DDL = """
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, status TEXT NOT NULL, client_id TEXT NOT NULL,
    nonce_sha256 TEXT NOT NULL UNIQUE, creation_time INTEGER NOT NULL, expiration_time INTEGER NOT NULL
);
"""


NONCE_LIFETIME_MS = 60_000


def digest(nonce: str) -> str:
    """SHA-256 of a nonce, which is all that is stored of it."""
    return hashlib.sha256(nonce.encode()).hexdigest()


def session_json(row: Row, now: int) -> dict[str, Any]:
    """Return a session as the API shows it; one whose nonce was not spent within a minute is EXPIRED."""
    status = row["status"]
    if status == "READY" and row["creation_time"] + NONCE_LIFETIME_MS <= now:
        status = "EXPIRED"
    return {
        "id": row["id"],
        "type": row["type"],
        "status": status,
        "creationTime": row["creation_time"],
        "expirationTime": row["expiration_time"],
        **client_of(row["type"], row["client_id"]),
    }


def client_of(kind: str, client_id: str) -> dict[str, str]:
    """Return `clientId` for a session that was created with client credentials; others do not show it."""
    return {"clientId": client_id} if kind == "CLIENT_CREDENTIALS" else {}


def spend_nonce(sandbox: Sandbox, db: Connection, nonce: str) -> str:
    """Use up `nonce` and return the client of its session; 400 when it is unknown, used or expired."""
    row = db.execute(
        "UPDATE sessions SET status = 'ACTIVE' WHERE nonce_sha256 = ? AND status = 'READY' AND creation_time > ?"
        " RETURNING client_id",
        (digest(nonce), sandbox.clock.now_ms() - NONCE_LIFETIME_MS),
    ).fetchone()
    if row is None:
        raise BadRequest("Failed to bind nonce with session: it is unknown, was used already or has expired")
    return str(row["client_id"])


def find_sessions(db: Connection, body: Items[SessionId]) -> list[Row]:
    """Return sessions in the order of the ids; 409 for one that occurs twice, 400 for unknown ids."""
    return rows_by_id(db, "SELECT * FROM sessions WHERE id = ?", [item.id for item in body.items], "Sessions")
