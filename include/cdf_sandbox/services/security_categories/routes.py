"""Endpoints of the Security categories API."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import ApiError, InvalidCursor, brief
from cdf_sandbox.core.http import CdfRoute, Items, Json
from cdf_sandbox.core.identifiers import InternalId, new_id
from cdf_sandbox.core.paging import decode_cursor, first_page, list_answer
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.security_categories.models import SecurityCategoryWrite
from cdf_sandbox.services.security_categories.store import find_categories

router = APIRouter(prefix="/securitycategories", route_class=CdfRoute)
_ACL = "securityCategoriesAcl"


@router.get("")
def list_categories(
    sandbox: SandboxDep,
    access: AccessDep,
    sort: Literal["ASC", "DESC"] = "ASC",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 25,
) -> Response:
    """A page of security categories, by their names."""
    access.require(_ACL, "LIST")
    after = None if cursor is None else decode_cursor(cursor)
    if cursor is not None and not isinstance(after, str):
        raise InvalidCursor
    listed = access.categories("LIST")
    among = None if listed is None else json.dumps(sorted(listed))
    sign, order = (">", "ASC") if sort == "ASC" else ("<", "DESC")
    with sandbox.read() as db:
        rows = db.execute(
            f"SELECT id, name FROM security_categories WHERE (? IS NULL OR name {sign} ?)"  # noqa: S608 - assembled from constants alone
            f" AND (? IS NULL OR CAST(id AS TEXT) IN (SELECT value FROM json_each(?))) ORDER BY name {order} LIMIT ?",
            (after, after, among, among, limit + 1),
        ).fetchall()
    page, last = first_page(rows, limit, lambda row: row["name"])
    return list_answer([dict(row) for row in page], last)


@router.post("", status_code=201)
def create_categories(sandbox: SandboxDep, access: AccessDep, body: Items[SecurityCategoryWrite]) -> Response:
    """Create security categories; their names are unique."""
    access.require_everywhere(_ACL, "CREATE")
    names = [item.name for item in body.items]
    with sandbox.write() as db:
        known = db.execute(
            "SELECT name FROM security_categories WHERE name IN (SELECT value FROM json_each(?))", (json.dumps(names),)
        )
        taken = {row["name"] for row in known} | {name for name in names if names.count(name) > 1}
        if taken:
            duplicated = [{"name": name} for name in sorted(taken)]
            raise ApiError(409, f"Duplicate names: {brief(duplicated)}", duplicated=duplicated)
        ids = [new_id() for _ in names]
        db.executemany("INSERT INTO security_categories VALUES (?, ?)", zip(ids, names, strict=True))
        rows = find_categories(db, ids)
    return Json({"items": [dict(row) for row in rows]}, status_code=201)


@router.post("/delete")
def delete_categories(sandbox: SandboxDep, access: AccessDep, body: Items[InternalId]) -> Response:
    """Delete security categories, all or none; files keep their ids."""
    access.require(_ACL, "DELETE")
    access.require_categories(body.items, "DELETE")
    with sandbox.change("security categories", body.items) as db:
        find_categories(db, body.items)
        db.executemany("DELETE FROM security_categories WHERE id = ?", [(each,) for each in body.items])
    return Json({})
