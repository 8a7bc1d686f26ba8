"""Endpoints of the Groups API."""

from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from cdf_sandbox.core import groups as store
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.capabilities import named_in
from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import CdfRoute, Items, Json
from cdf_sandbox.core.identifiers import InternalId
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.groups.models import GroupWrite

router = APIRouter(prefix="/groups", route_class=CdfRoute)
_ACL = "groupsAcl"
_EXISTING = {
    "data_sets": "SELECT id FROM data_sets",
    "extraction_pipelines": "SELECT id FROM extraction_pipelines",
    "security_categories": "SELECT id FROM security_categories",
}


@router.get("")
def list_groups(sandbox: SandboxDep, access: AccessDep, all: bool = False) -> Response:
    """The caller's own groups, or all of them."""
    if all:
        access.require_everywhere(_ACL, "LIST")
    with sandbox.read() as db:
        rows = store.all_groups(db) if all else store.groups_of(db, access.client_id)
    return Json({"items": [store.group_json(row) for row in rows]})


@router.post("", status_code=201)
def create_groups(sandbox: SandboxDep, access: AccessDep, body: Items[GroupWrite]) -> Response:
    """Create groups; their members have what they grant from the next request on."""
    access.require_everywhere(_ACL, "CREATE")
    documents = [item.model_dump(by_alias=True, exclude_none=True) for item in body.items]
    with sandbox.write() as db:
        _check_scopes(db, documents)
        rows = store.find_groups(db, store.insert_groups(db, documents))
    return Json({"items": [store.group_json(row) for row in rows]}, status_code=201)


def _check_scopes(db: Connection, documents: Sequence[Mapping[str, Any]]) -> None:
    """Refuse scopes of spaces, data sets, extraction pipelines and security categories that do not exist."""
    named = named_in(each for document in documents for each in document.get("capabilities", ()))
    schema = Schema(db)
    there = {kind: {str(row["id"]) for row in db.execute(query)} for kind, query in _EXISTING.items()}
    unknown = sorted(
        value for kind, value in named if not (schema.has_space(value) if kind == "spaces" else value in there[kind])
    )
    if unknown:
        raise BadRequest(f"invalid capability reference(s): {', '.join(unknown)}")


@router.post("/delete")
def delete_groups(sandbox: SandboxDep, access: AccessDep, body: Items[InternalId]) -> Response:
    """Delete groups, all or none."""
    if not set(body.items) <= set(access.groups):
        access.require_everywhere(_ACL, "DELETE")
    access.require(_ACL, "DELETE")
    with sandbox.change("groups", body.items) as db:
        store.find_groups(db, body.items)
        store.delete_groups(db, body.items)
    return Json({})
