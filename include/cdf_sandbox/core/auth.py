"""OAuth 2.0 client credentials (RFC 6749, section 4.4) and the check of bearer tokens."""

import base64
import hashlib
import hmac
import json
import secrets
from sqlite3 import Connection
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote_plus

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from cdf_sandbox.core import groups
from cdf_sandbox.core.access import Access
from cdf_sandbox.core.capabilities import all_capabilities
from cdf_sandbox.core.errors import Unauthorized
from cdf_sandbox.core.http import CdfRoute, Json, refuse_unknown_query
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep, current_sandbox

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path, not a secret
DDL = """
CREATE TABLE IF NOT EXISTS principals (client_id TEXT PRIMARY KEY, secret_sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    token_sha256 TEXT PRIMARY KEY, client_id TEXT NOT NULL, expires_at REAL NOT NULL
) WITHOUT ROWID;
"""

auth_router = APIRouter(route_class=CdfRoute)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def register_client(
    sandbox: Sandbox, client_id: str, capabilities: list[dict[str, Any]] | None = None, secret: str | None = None
) -> str:
    """Create or renew a client and its group, and return its secret; without `capabilities` it may do everything."""
    secret = secret or secrets.token_urlsafe(32)
    granted = all_capabilities(sandbox.options.project) if capabilities is None else capabilities
    with sandbox.storage.write() as db:
        db.execute(
            "INSERT INTO principals VALUES (?, ?) ON CONFLICT DO UPDATE SET secret_sha256 = excluded.secret_sha256",
            (client_id, _sha256(secret)),
        )
        groups.renew_group_of(db, client_id, granted)
    return secret


def check_client(sandbox: Sandbox, client_id: str, secret: str) -> bool:
    """Return whether `client_id` exists and `secret` is its secret."""
    with sandbox.read() as db:
        row = db.execute("SELECT secret_sha256 FROM principals WHERE client_id = ?", (client_id,)).fetchone()
    return row is not None and hmac.compare_digest(row["secret_sha256"], _sha256(secret))


def _oauth_error(status: int, error: str, description: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body()).decode("utf-8", "replace")
    form = {key: values[0] for key, values in parse_qs(body).items()}
    return form | _basic_credentials(request.headers.get("authorization", ""))


def _basic_credentials(authorization: str) -> dict[str, str]:
    """Return the client of an HTTP Basic header (RFC 6749, section 2.3.1) as form fields; its parts are encoded."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return {"client_id": "", "client_secret": ""}
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}


@auth_router.post(TOKEN_PATH)
def issue_token(sandbox: SandboxDep, form: Annotated[dict[str, str], Depends(_form)]) -> Response:
    """Issue a token; like an identity provider, require a scope or an audience."""
    if form.get("grant_type") != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type", "grant_type must be client_credentials")
    if not (form.get("scope") or form.get("audience")):
        return _oauth_error(400, "invalid_scope", "The request must name a scope or an audience")
    client_id = form.get("client_id", "")
    if not check_client(sandbox, client_id, form.get("client_secret", "")):
        return _oauth_error(401, "invalid_client", "Unknown client_id or wrong client_secret")
    token = secrets.token_urlsafe(32)
    now = sandbox.clock.now()
    lifetime = sandbox.options.token_lifetime
    with sandbox.storage.write() as db:
        db.execute("DELETE FROM tokens WHERE expires_at <= ?", (now,))
        db.execute("INSERT INTO tokens VALUES (?, ?, ?)", (_sha256(token), client_id, now + lifetime))
    return JSONResponse(
        {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime)},
        headers={"cache-control": "no-store"},
    )


def _client_of(sandbox: Sandbox, db: Connection, authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    row = db.execute(
        "SELECT client_id FROM tokens JOIN principals USING (client_id) WHERE token_sha256 = ? AND expires_at > ?",
        (_sha256(token.strip()), sandbox.clock.now()),
    ).fetchone()
    return None if row is None else str(row["client_id"])


def identity_of(sandbox: Sandbox, authorization: str) -> str | None:
    """Return the client whose valid token an Authorization header holds; None without one."""
    with sandbox.read() as db:
        return _client_of(sandbox, db, authorization)


def bearer_access(request: Request) -> Access:
    """Return the access of the bearer token, as the groups of its client grant it; 401 without a valid one."""
    sandbox = current_sandbox(request)
    with sandbox.read() as db:
        client_id = _client_of(sandbox, db, request.headers.get("authorization", ""))
        if client_id is None:
            raise Unauthorized(challenge=True)
        return access_of(db, client_id)


def access_of(db: Connection, client_id: str) -> Access:
    """Return what the groups of a client grant it."""
    memberships = groups.groups_of(db, client_id)
    rows = db.execute("SELECT id FROM data_sets WHERE json_extract(doc, '$.writeProtected')").fetchall()
    granted = [each for group in memberships for each in json.loads(group["doc"]).get("capabilities", ())]
    return Access(
        client_id,
        granted,
        frozenset(str(each["id"]) for each in rows),
        tuple(group["id"] for group in memberships),
    )


def project_access(project: str, request: Request) -> Access:
    """Access of the bearer token; 401 also for a project that the token has no access to, as in CDF."""
    access = bearer_access(request)
    if project != current_sandbox(request).options.project:
        raise Unauthorized
    return access


BearerDep = Annotated[Access, Depends(bearer_access)]
AccessDep = Annotated[Access, Depends(project_access)]


@auth_router.get("/api/v1/token/inspect", dependencies=[Depends(refuse_unknown_query)])
def inspect_token(sandbox: SandboxDep, access: BearerDep) -> Response:
    """Return the projects and capabilities of the caller."""
    if sandbox.options.inspection_needs_capabilities:
        access.require("projectsAcl", "LIST")
        access.require("groupsAcl", "LIST")
    return Json(
        {
            "subject": access.client_id,
            "projects": [{"projectUrlName": sandbox.options.project, "groups": access.groups}],
            "capabilities": [
                each | {"projectScope": {"projects": [sandbox.options.project]}} for each in access.capabilities
            ],
        }
    )
