"""Endpoints of the Labels API."""

import json

from fastapi import APIRouter
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.http import CdfRoute, Identifiers, Items, Json
from cdf_sandbox.core.paging import cursor_id, list_answer
from cdf_sandbox.core.patches import apply_patches, new_document
from cdf_sandbox.core.references import check_references
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.core.sql import Where
from cdf_sandbox.services.labels.models import LabelChange, LabelId, LabelList, LabelWrite
from cdf_sandbox.services.labels.store import LABELS, find_labels, label_json

router = APIRouter(prefix="/labels", route_class=CdfRoute)
_ACL = "labelsAcl"


@router.post("", status_code=201)
def create_labels(sandbox: SandboxDep, access: AccessDep, body: Items[LabelWrite]) -> Response:
    """Define labels, all or none."""
    access.require_data_sets(_ACL, "WRITE", (item.data_set_id for item in body.items))
    documents = [new_document(item) for item in body.items]
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        check_references(db, documents)
        LABELS.check_free(db, documents)
        for document in documents:
            LABELS.insert(db, document, now)
        rows = find_labels(db, body.items)
    return Json({"items": [label_json(row) for row in rows]}, status_code=201)


@router.post("/list")
def list_labels(sandbox: SandboxDep, access: AccessDep, body: LabelList) -> Response:
    """A page of labels."""
    access.require(_ACL, "READ")
    where = Where()
    where.visible(access.data_sets(_ACL, "READ"))
    where.classic(body.filter)
    with sandbox.read() as db:
        rows, after = LABELS.page(db, where, cursor_id(body.cursor), body.limit)
    return list_answer([label_json(row) for row in rows], after)


@router.post("/byids")
def retrieve_labels(sandbox: SandboxDep, access: AccessDep, body: Identifiers[LabelId]) -> Response:
    """Labels in the order of the request."""
    access.require(_ACL, "READ")
    with sandbox.read() as db:
        rows = find_labels(db, body.items, ignore_unknown=body.ignore_unknown_ids)
    access.require_data_sets(_ACL, "READ", (row["data_set_id"] for row in rows))
    return Json({"items": [label_json(row) for row in rows]})


@router.post("/update")
def update_labels(sandbox: SandboxDep, access: AccessDep, body: Items[LabelChange]) -> Response:
    """Patch labels, all or none."""
    access.require(_ACL, "WRITE")
    with sandbox.change("labels", (item.external_id for item in body.items)) as db:
        rows = find_labels(db, body.items)
        access.require_data_sets(_ACL, "WRITE", (row["data_set_id"] for row in rows))
        for row, change in zip(rows, body.items, strict=True):
            before = json.loads(row["doc"])
            document = apply_patches(before, change.update)
            checked = LabelWrite.model_validate(document)
            access.require_data_sets(_ACL, "WRITE", [checked.data_set_id])
            check_references(db, [document], before)
            LABELS.save(db, row, document, sandbox.clock.now_ms())
        changed = find_labels(db, body.items)
    return Json({"items": [label_json(row) for row in changed]})


@router.post("/delete")
def delete_labels(sandbox: SandboxDep, access: AccessDep, body: Items[LabelId]) -> Response:
    """Delete labels, all or none; what carries them keeps them."""
    access.require(_ACL, "WRITE")
    with sandbox.change("labels", (item.external_id for item in body.items)) as db:
        rows = find_labels(db, body.items)
        access.require_data_sets(_ACL, "WRITE", (row["data_set_id"] for row in rows))
        LABELS.delete(db, [row["id"] for row in rows])
    return Json({})
