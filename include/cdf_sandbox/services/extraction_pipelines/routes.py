"""Endpoints of the Extraction pipelines API."""

import json
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.http import CdfRoute, Identifiers, Items, Json, given_only
from cdf_sandbox.core.identifiers import ClassicId, ExternalId, InternalId, new_id
from cdf_sandbox.core.paging import cursor_id, first_page, list_answer
from cdf_sandbox.core.patches import apply_patches, new_document, without_lists
from cdf_sandbox.core.references import check_references
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.core.sql import Where
from cdf_sandbox.services.extraction_pipelines.access import PIPELINES_ACL, require_pipelines, visible
from cdf_sandbox.services.extraction_pipelines.models import (
    PipelineChange,
    PipelineList,
    PipelineWrite,
    RunList,
    RunWrites,
)
from cdf_sandbox.services.extraction_pipelines.store import PIPELINES, pipeline_json, run_json

_ACL, _RUNS_ACL = PIPELINES_ACL, "extractionRunsAcl"

router = APIRouter(prefix="/extpipes", route_class=CdfRoute)


def _admit_writer(access: Access, acl: str) -> None:
    access.require(acl, "WRITE")
    access.require("datasetsAcl", "READ")


@router.post("")
def create_pipelines(sandbox: SandboxDep, access: AccessDep, body: Items[PipelineWrite]) -> Response:
    """Create pipelines."""
    _admit_writer(access, _ACL)
    access.require_data_sets(_ACL, "WRITE", (item.data_set_id for item in body.items))
    documents = [new_document(item) for item in body.items]
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        check_references(db, documents)
        PIPELINES.check_free(db, documents)
        ids = [PIPELINES.insert(db, document, now) for document in documents]
        return Json(
            {"items": [pipeline_json(db, row) for row in PIPELINES.find_all(db, [ClassicId(id=i) for i in ids])]}
        )


@router.post("/list")
def list_pipelines(sandbox: SandboxDep, access: AccessDep, body: PipelineList) -> Response:
    """A page of pipelines."""
    access.require(_ACL, "READ")
    where = Where()
    visible(where, access)
    where.classic(body.filter)
    for name, wanted in (body.filter.model_dump(by_alias=True, exclude_none=True) if body.filter else {}).items():
        if name in ("contacts", "rawTables"):
            for entry in wanted:
                where.has_entry(name, entry)
    with sandbox.read() as db:
        rows, after = PIPELINES.page(db, where, cursor_id(body.cursor), body.limit)
        return list_answer([pipeline_json(db, row) for row in rows], after)


@router.get("")
def list_pipelines_by_query(
    sandbox: SandboxDep,
    access: AccessDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """A page of all pipelines."""
    return list_pipelines(sandbox, access, PipelineList.model_validate(given_only({"limit": limit, "cursor": cursor})))


@router.post("/byids")
def retrieve_pipelines(sandbox: SandboxDep, access: AccessDep, body: Identifiers[ClassicId]) -> Response:
    """Pipelines in the order of the request."""
    access.require(_ACL, "READ")
    with sandbox.read() as db:
        rows = PIPELINES.find_all(db, body.items, ignore_unknown=body.ignore_unknown_ids)
        require_pipelines(access, _ACL, "READ", rows)
        return Json({"items": [pipeline_json(db, row) for row in rows]})


@router.post("/update")
def update_pipelines(sandbox: SandboxDep, access: AccessDep, body: Items[PipelineChange]) -> Response:
    """Patch pipelines, all or none."""
    _admit_writer(access, _ACL)
    now = sandbox.clock.now_ms()
    with sandbox.change("extraction pipelines", (item.wire() for item in body.items)) as db:
        rows = PIPELINES.find_all(db, body.items)
        require_pipelines(access, _ACL, "WRITE", rows)
        for row, change in zip(rows, body.items, strict=True):
            before = json.loads(row["doc"])
            document = apply_patches(before, change.update)
            checked = PipelineWrite.model_validate(without_lists(document))
            if checked.data_set_id != row["data_set_id"]:
                access.require_data_sets(_ACL, "WRITE", [checked.data_set_id])
            check_references(db, [document], before)
            PIPELINES.save(db, row, document, now)
        changed = PIPELINES.find_all(db, [ClassicId(id=row["id"]) for row in rows])
        return Json({"items": [pipeline_json(db, row) for row in changed]})


@router.post("/delete")
def delete_pipelines(sandbox: SandboxDep, access: AccessDep, body: Identifiers[ClassicId]) -> Response:
    """Delete pipelines with their runs, all or none."""
    _admit_writer(access, _ACL)
    with sandbox.change("extraction pipelines", (item.wire() for item in body.items)) as db:
        rows = PIPELINES.find_all(db, body.items, ignore_unknown=body.ignore_unknown_ids)
        require_pipelines(access, _ACL, "WRITE", rows)
        PIPELINES.delete(db, [row["id"] for row in rows])
    return Json({})


@router.post("/runs")
def create_run(sandbox: SandboxDep, access: AccessDep, body: RunWrites) -> Response:
    """Report a run."""
    _admit_writer(access, _RUNS_ACL)
    item = body.items[0]
    with sandbox.write() as db:
        pipeline = PIPELINES.find_all(db, [ClassicId.model_validate({"externalId": item.external_id})])[0]
        require_pipelines(access, _RUNS_ACL, "WRITE", [pipeline])
        created = sandbox.clock.now_ms() if item.created_time is None else item.created_time
        row = db.execute(
            "INSERT INTO extraction_runs VALUES (?, ?, ?, ?, ?) RETURNING *",
            (new_id(), pipeline["id"], item.status, item.message, created),
        ).fetchone()
        return Json({"items": [run_json(row) | {"externalId": item.external_id}]})


@router.post("/runs/list")
def list_runs(sandbox: SandboxDep, access: AccessDep, body: RunList) -> Response:
    """A page of the runs of one pipeline, newest first."""
    access.require(_RUNS_ACL, "READ")
    offset = cursor_id(body.cursor)
    where = Where()
    if body.filter.statuses:
        where.add("status IN (SELECT value FROM json_each(?))", json.dumps(body.filter.statuses))
    where.between("created_time", body.filter.created_time)
    if body.filter.message is not None and body.filter.message.substring:
        where.add("instr(lower(message), ?) > 0", body.filter.message.substring.lower())
    with sandbox.read() as db:
        pipeline = PIPELINES.find_all(db, [ClassicId.model_validate({"externalId": body.filter.external_id})])[0]
        require_pipelines(access, _RUNS_ACL, "READ", [pipeline])
        rows = db.execute(
            f"SELECT * FROM extraction_runs WHERE pipeline_id = ? AND {where.sql()}"  # noqa: S608 - the clauses are constants of the code; values are bound
            " ORDER BY created_time DESC, id LIMIT ? OFFSET ?",
            [pipeline["id"], *where.values, body.limit + 1, offset],
        ).fetchall()
    page, after = first_page(rows, body.limit, lambda _: offset + body.limit)
    return list_answer([run_json(row) for row in page], after)


@router.get("/runs")
def list_runs_by_query(
    sandbox: SandboxDep,
    access: AccessDep,
    external_id: Annotated[ExternalId, Query(alias="externalId")],
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """A page of the runs of one pipeline, newest first."""
    body = {"filter": {"externalId": external_id}, "limit": limit, "cursor": cursor}
    return list_runs(sandbox, access, RunList.model_validate(given_only(body)))


@router.get("/{pipeline_id}")
def retrieve_pipeline(sandbox: SandboxDep, access: AccessDep, pipeline_id: InternalId) -> Response:
    """One pipeline."""
    access.require(_ACL, "READ")
    with sandbox.read() as db:
        row = PIPELINES.find(db, ClassicId(id=pipeline_id))
        if row is None:
            raise PIPELINES.unknown([{"id": pipeline_id}], 404)
        require_pipelines(access, _ACL, "READ", [row])
        return Json(pipeline_json(db, row))
