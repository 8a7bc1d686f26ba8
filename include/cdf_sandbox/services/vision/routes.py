"""Endpoints of the Vision API: a job reads images in batches, and its results appear batch by batch."""

import json
from sqlite3 import Connection, Row
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import ApiError, missing
from cdf_sandbox.core.http import CdfRoute, Json
from cdf_sandbox.core.identifiers import InternalId, new_id
from cdf_sandbox.core.limits import too_many
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.files import store as files_table
from cdf_sandbox.services.vision.models import Extract

DDL = """
CREATE TABLE IF NOT EXISTS vision_jobs (
    id INTEGER PRIMARY KEY, doc TEXT NOT NULL, files TEXT NOT NULL, threshold REAL NOT NULL,
    created_time INTEGER NOT NULL, started_time INTEGER NOT NULL, ended_time INTEGER
);
CREATE TABLE IF NOT EXISTS vision_batches (
    job INTEGER NOT NULL REFERENCES vision_jobs ON DELETE CASCADE, number INTEGER NOT NULL,
    at INTEGER NOT NULL, items TEXT NOT NULL, error TEXT,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
"""
RUNNING_JOBS = 20
"""Jobs of one project that may be queued or running."""
_SUFFIXES = (".jpg", ".jpeg", ".png")
_TYPES = ("image/jpeg", "image/png")

vision_router = APIRouter(prefix="/context/vision/extract", route_class=CdfRoute)


def _check_file(row: Row) -> None:
    document = json.loads(row["doc"])
    if not document["name"].lower().endswith(_SUFFIXES) or document.get("mimeType") not in _TYPES:
        raise ApiError(
            400,
            f"File {row['id']} ({document['name']}) is no image: its name must end in {', '.join(_SUFFIXES)} and its"
            f" mimeType be one of {', '.join(_TYPES)}",
        )
    if row["blob"] is None:
        raise ApiError(400, f"File {row['id']} ({document['name']}) is not uploaded")


def _status(db: Connection, job: Row, now: int) -> str:
    if now < job["started_time"]:
        return "Queued"
    if job["ended_time"] is None or now < job["ended_time"]:
        return "Running"
    good = db.execute("SELECT 1 FROM vision_batches WHERE job = ? AND error IS NULL", (job["id"],)).fetchone()
    return "Completed" if good is not None else "Failed"


@vision_router.post("")
def extract(sandbox: SandboxDep, access: AccessDep, body: Extract) -> Response:
    """Start a job."""
    access.require("filesAcl", "READ")
    if body.features != ["TextDetection"]:
        raise ApiError(400, "The sandbox detects text only: ask for the feature TextDetection")
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        running = db.execute("SELECT count(*) FROM vision_jobs WHERE coalesce(ended_time, ?) > ?", (now + 1, now))
        if running.fetchone()[0] >= RUNNING_JOBS:
            raise too_many(f"The project has {RUNNING_JOBS} running jobs; wait for one of them")
        rows = files_table.find_all(db, [item.identifier for item in body.items], now)
        access.require_data_sets("filesAcl", "READ", (row["data_set_id"] for row in rows if row["space"] is None))
        for row in rows:
            _check_file(row)
        job_id, started = new_id(), now + int(sandbox.options.detection_queue * 1000)
        items = [{"fileId": row["id"], **item.wire()} for row, item in zip(rows, body.items, strict=True)]
        document = {"items": items, **body.model_dump(by_alias=True, exclude_none=True, exclude={"items"})}
        db.execute(
            "INSERT INTO vision_jobs VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (job_id, json.dumps(document), json.dumps([row["id"] for row in rows]), body.threshold, now, started),
        )
        job = db.execute("SELECT * FROM vision_jobs WHERE id = ?", (job_id,)).fetchone()
        answer = _shown(db, job, now) | document
    if sandbox.queue_vision_job is not None:
        sandbox.queue_vision_job(job_id)
    return Json(answer)


def _shown(db: Connection, job: Row, now: int) -> dict[str, Any]:
    status = _status(db, job, now)
    shown: dict[str, Any] = {
        "jobId": job["id"],
        "status": status,
        "createdTime": job["created_time"],
        "startTime": job["started_time"],
        "statusTime": max(job["created_time"], min(now, job["ended_time"] or now)),
    }
    if status == "Failed":
        shown["errorMessage"] = "All batches failed"
    return shown


@vision_router.get("/{job_id}")
def retrieve(sandbox: SandboxDep, access: AccessDep, job_id: InternalId) -> Response:
    """A job with what its batches found so far."""
    access.require("filesAcl", "READ")
    now = sandbox.clock.now_ms()
    with sandbox.read() as db:
        job = db.execute("SELECT * FROM vision_jobs WHERE id = ?", (job_id,)).fetchone()
        if job is None:
            raise missing([{"jobId": job_id}], "Jobs", 404)
        answer = _shown(db, job, now)
        batches = db.execute(
            "SELECT * FROM vision_batches WHERE job = ? AND at <= ? ORDER BY number", (job_id, now)
        ).fetchall()
    document = json.loads(job["doc"])
    good, bad = [], []
    for batch in batches:
        items = json.loads(batch["items"])
        if batch["error"] is None:
            good.extend(items)
        else:
            bad.append({"errorMessage": batch["error"], "items": items})
    answer |= {"items": good, "failedItems": bad, "features": document["features"]}
    return Json(answer | ({"parameters": document["parameters"]} if "parameters" in document else {}))
