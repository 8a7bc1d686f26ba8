"""Endpoints of 3D jobs, which exist in data modeling only projects. A job is no node; its results are."""

import json
from sqlite3 import Connection

from fastapi import APIRouter, Request
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.beta import require_beta
from cdf_sandbox.core.errors import DuplicatedExternalIds, InvalidCursor, UnknownIds
from cdf_sandbox.core.http import CdfRoute, Items, Json
from cdf_sandbox.core.identifiers import FileId, check_each_given_once
from cdf_sandbox.core.modes import require_data_modeling_only
from cdf_sandbox.core.paging import cursor_id, decode_cursor, first_page, list_answer
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.services.data_modeling.access import INSTANCE_ACL
from cdf_sandbox.services.data_modeling.ids import ViewId
from cdf_sandbox.services.data_modeling.nodes import get_node
from cdf_sandbox.services.files import store as files_store
from cdf_sandbox.services.files.store import readable
from cdf_sandbox.services.sessions.store import spend_nonce
from cdf_sandbox.services.three_d.job_models import (
    JobList,
    JobRef,
    JobWrites,
    OptimizerJobWrite,
    RejectionList,
    Rejections,
    RejectionsChange,
    ResultList,
    TextJobWrite,
)
from cdf_sandbox.services.three_d.spaces import check_spaces, require_core_model
from cdf_sandbox.services.three_d.store import find_job, instances_of, job_json, job_status, require_job

_REVISION = ViewId("cdf_cdm", "Cognite3DRevision", "v1")
_FILE = ViewId("cdf_cdm", "CogniteFile", "v1")
_MODEL = ViewId("cdf_cdm", "Cognite3DModel", "v1")
_PAGE = 10
"""Jobs on a page; clients cannot choose, and must be ready for several pages."""
_REJECTIONS_PAGE = 1000

jobs_router = APIRouter(prefix="/3d", route_class=CdfRoute)


def _admit(sandbox: Sandbox, access: Access, action: str, *jobs: JobRef) -> None:
    require_data_modeling_only(sandbox, "3D jobs")
    require_core_model(access)
    access.require_spaces(INSTANCE_ACL, action, {job.space for job in jobs})


def _check_collection(db: Connection, item: TextJobWrite) -> None:
    collection = item.source.instance_id
    revision = get_node(db, collection.space, collection.external_id, _REVISION)
    if revision is None or revision.get("type") != "Image360":
        raise UnknownIds([{"instanceId": collection.model_dump(by_alias=True)}], "360 image collections")


def _check_scans(sandbox: Sandbox, db: Connection, access: Access, item: OptimizerJobWrite) -> None:
    file = item.source.instance_id
    if get_node(db, file.space, file.external_id, _FILE) is None:
        raise UnknownIds([{"instanceId": file.model_dump(by_alias=True)}], "Files")
    named = FileId.model_validate(item.source.model_dump(by_alias=True, include={"instance_id"}))
    readable(access, files_store.find_all(db, [named], sandbox.clock.now_ms()))
    wanted = {"Image360": item.configuration.image360_model_instance_id}
    wanted["PointCloud"] = item.configuration.point_cloud_model_instance_id
    for kind, model in wanted.items():
        properties = get_node(db, model.space, model.external_id, _MODEL)
        if properties is None or properties.get("type") != kind:
            raise UnknownIds([{"instanceId": model.model_dump(by_alias=True)}], f"{kind} models")


@jobs_router.post("/jobs", status_code=201)
def create_job(request: Request, sandbox: SandboxDep, access: AccessDep, body: JobWrites) -> Response:
    """Start a job; its nonce is spent."""
    item = body.items[0]
    _admit(sandbox, access, "WRITE", item)
    document = item.model_dump(by_alias=True, exclude={"nonce"}, exclude_none=True)
    access.require_spaces(INSTANCE_ACL, "READ", {each["space"] for each in instances_of(document)})
    if isinstance(item, OptimizerJobWrite):
        require_beta(request.headers.get("cdf-version", ""))
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        if find_job(db, item) is not None:
            raise DuplicatedExternalIds([{"space": item.space, "externalId": item.external_id}])
        check_spaces(db, [item.space])
        if isinstance(item, OptimizerJobWrite):
            _check_scans(sandbox, db, access, item)
        else:
            _check_collection(db, item)
        session_client = spend_nonce(sandbox, db, item.nonce)
        number = db.execute(
            "INSERT INTO three_d_jobs (space, external_id, doc, created_time, started_time, session_client)"
            " VALUES (?, ?, ?, ?, ?, ?) RETURNING number",
            (
                item.space,
                item.external_id,
                json.dumps(document, ensure_ascii=False),
                now,
                now + int(_queue_seconds(sandbox, item) * 1000),
                session_client,
            ),
        ).fetchone()["number"]
        created = job_json(require_job(db, item), now)
    if sandbox.queue_3d_job is not None:
        sandbox.queue_3d_job(number)
    return Json({"items": [created]}, status_code=201)


def _queue_seconds(sandbox: Sandbox, item: TextJobWrite | OptimizerJobWrite) -> float:
    options = sandbox.options
    return options.revision_queue if isinstance(item, OptimizerJobWrite) else options.detection_queue


@jobs_router.post("/jobs/list")
def list_jobs(sandbox: SandboxDep, access: AccessDep, body: JobList) -> Response:
    """A page of jobs, oldest first."""
    _admit(sandbox, access, "READ")
    spaces = access.spaces(INSTANCE_ACL, "READ")
    with sandbox.read() as db:
        rows = db.execute("SELECT * FROM three_d_jobs WHERE number > ? ORDER BY number", (cursor_id(body.cursor),))
        visible = [row for row in rows if spaces is None or row["space"] in spaces]
    now = sandbox.clock.now_ms()
    page, after = first_page(visible, _PAGE, lambda row: row["number"])
    return list_answer([job_json(row, now) for row in page], after)


@jobs_router.post("/jobs/delete")
def delete_jobs(sandbox: SandboxDep, access: AccessDep, body: Items[JobRef]) -> Response:
    """Delete jobs, all or none; their results stay."""
    _admit(sandbox, access, "WRITE", *body.items)
    with sandbox.change("3D jobs", ((item.space, item.external_id) for item in body.items)) as db:
        check_each_given_once(item.model_dump(by_alias=True) for item in body.items)
        rows = [require_job(db, item) for item in body.items]
        db.executemany("DELETE FROM three_d_jobs WHERE number = ?", [(row["number"],) for row in rows])
    return Json({})


@jobs_router.post("/job/results/list")
def list_results(sandbox: SandboxDep, access: AccessDep, body: ResultList) -> Response:
    """The results of a job; none before it succeeded."""
    _admit(sandbox, access, "READ", body.job)
    begin = cursor_id(body.cursor)
    with sandbox.read() as db:
        row = require_job(db, body.job)
    done = job_status(row, sandbox.clock.now_ms()) == "Succeeded" and row["result_space"] is not None
    result = {
        "type": "CogniteFile",
        "instanceId": {"space": row["result_space"], "externalId": row["result_external_id"]},
    }
    return Json({"items": [result] if done and not begin else []})


def _check_result(sandbox: Sandbox, access: Access, action: str, body: Rejections) -> tuple[str, str]:
    """The result that is named, as a key of the table; 400 unless it is one of the job's."""
    _admit(sandbox, access, action, body.job)
    result = body.result.instance_id
    with sandbox.read() as db:
        row = require_job(db, body.job)
    if (row["result_space"], row["result_external_id"]) != (result.space, result.external_id):
        raise UnknownIds([{"instanceId": result.model_dump(by_alias=True)}], "Results")
    return result.space, result.external_id


@jobs_router.post("/job/result/rejections")
def change_rejections(sandbox: SandboxDep, access: AccessDep, body: RejectionsChange) -> Response:
    """Reject keys of a result, or take that back."""
    with sandbox.conflicts.changing("3D jobs", [(body.job.space, body.job.external_id)]):
        return _change_rejections(sandbox, access, body)


def _change_rejections(sandbox: Sandbox, access: Access, body: RejectionsChange) -> Response:
    result = _check_result(sandbox, access, "WRITE", body)
    with sandbox.write() as db:
        db.executemany(
            "INSERT INTO three_d_job_rejections VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(*result, key) for key in body.add or ()],
        )
        db.executemany(
            "DELETE FROM three_d_job_rejections WHERE result_space = ? AND result_external_id = ? AND key = ?",
            [(*result, key) for key in body.remove or ()],
        )
    return Json({})


@jobs_router.post("/job/result/rejections/list")
def list_rejections(sandbox: SandboxDep, access: AccessDep, body: RejectionList) -> Response:
    """A page of the rejected keys of a result."""
    result = _check_result(sandbox, access, "READ", body)
    begin = "" if body.cursor is None else decode_cursor(body.cursor)
    if not isinstance(begin, str):
        raise InvalidCursor
    with sandbox.read() as db:
        rows = db.execute(
            "SELECT key FROM three_d_job_rejections WHERE result_space = ? AND result_external_id = ? AND key > ?"
            " ORDER BY key LIMIT ?",
            (*result, begin, _REJECTIONS_PAGE + 1),
        ).fetchall()
    page, after = first_page(rows, _REJECTIONS_PAGE, lambda row: row["key"])
    return list_answer([{"rejectedKey": row["key"]} for row in page], after)
