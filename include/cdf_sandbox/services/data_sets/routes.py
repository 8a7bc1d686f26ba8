"""Endpoints of the Data sets API."""

import json

from fastapi import APIRouter
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.http import CdfRoute, Identifiers, Items, Json
from cdf_sandbox.core.identifiers import ClassicId
from cdf_sandbox.core.paging import cursor_id, list_answer
from cdf_sandbox.core.patches import apply_patches, new_document
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.core.sql import Where
from cdf_sandbox.services.data_sets.models import (
    DataSetAggregate,
    DataSetChange,
    DataSetFilter,
    DataSetList,
    DataSetWrite,
    DataSetWrites,
)
from cdf_sandbox.services.data_sets.store import DATA_SETS, data_set_json

router = APIRouter(prefix="/datasets", route_class=CdfRoute)


def _where(access: Access, condition: DataSetFilter | None) -> Where:
    access.require("datasetsAcl", "READ")
    where = Where()
    where.visible(access.data_sets("datasetsAcl", "READ"), "id")
    where.classic(condition)
    if condition is not None:
        protected = condition.write_protected
        where.equal("json_extract(doc, '$.writeProtected')", None if protected is None else int(protected))
    return where


@router.post("")
def create_data_sets(sandbox: SandboxDep, access: AccessDep, body: DataSetWrites) -> Response:
    """Create data sets."""
    access.require_everywhere("datasetsAcl", "WRITE")
    documents = [new_document(item) for item in body.items]
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        DATA_SETS.check_free(db, documents)
        ids = [DATA_SETS.insert(db, document, now) for document in documents]
        rows = DATA_SETS.find_all(db, [ClassicId(id=i) for i in ids])
    return Json({"items": [data_set_json(row) for row in rows]})


@router.post("/list")
def list_data_sets(sandbox: SandboxDep, access: AccessDep, body: DataSetList) -> Response:
    """A page of data sets."""
    where = _where(access, body.filter)
    with sandbox.read() as db:
        rows, after = DATA_SETS.page(db, where, cursor_id(body.cursor), body.limit)
    return list_answer([data_set_json(row) for row in rows], after)


@router.post("/aggregate")
def aggregate_data_sets(sandbox: SandboxDep, access: AccessDep, body: DataSetAggregate) -> Response:
    """The number of data sets."""
    where = _where(access, body.filter)
    with sandbox.read() as db:
        return Json({"items": [{"count": DATA_SETS.count(db, where)}]})


@router.post("/byids")
def retrieve_data_sets(sandbox: SandboxDep, access: AccessDep, body: Identifiers[ClassicId]) -> Response:
    """Data sets in the order of the request."""
    access.require("datasetsAcl", "READ")
    with sandbox.read() as db:
        rows = DATA_SETS.find_all(db, body.items, ignore_unknown=body.ignore_unknown_ids)
    access.require_data_sets("datasetsAcl", "READ", (row["id"] for row in rows))
    return Json({"items": [data_set_json(row) for row in rows]})


@router.post("/update")
def update_data_sets(sandbox: SandboxDep, access: AccessDep, body: Items[DataSetChange]) -> Response:
    """Patch data sets, all or none."""
    access.require("datasetsAcl", "WRITE")
    now = sandbox.clock.now_ms()
    with sandbox.change("data sets", (item.wire() for item in body.items)) as db:
        rows = DATA_SETS.find_all(db, body.items)
        access.require_data_sets("datasetsAcl", "WRITE", (row["id"] for row in rows))
        for row, change in zip(rows, body.items, strict=True):
            document = apply_patches(json.loads(row["doc"]), change.update)
            DataSetWrite.model_validate(document)
            DATA_SETS.save(db, row, document, now)
        changed = DATA_SETS.find_all(db, [ClassicId(id=row["id"]) for row in rows])
    return Json({"items": [data_set_json(row) for row in changed]})
