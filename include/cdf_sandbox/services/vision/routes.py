"""Endpoints of the Vision API: a job reads images in batches, and results become visible per batch."""

import json
from sqlite3 import Row

from fastapi import APIRouter
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest, TooManyRequests, UnknownIds
from cdf_sandbox.core.http import CdfRoute, Json
from cdf_sandbox.core.identifiers import InternalId, new_id
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.files import store as files_store
from cdf_sandbox.services.vision.models import Extract
from cdf_sandbox.services.vision.store import external_id_of, job_json

RUNNING_JOBS = 20
"""Jobs of one project that may be queued or running."""
_SUFFIXES = (".jpg", ".jpeg", ".png")
_TYPES = ("image/jpeg", "image/png")

router = APIRouter(prefix="/context/vision/extract", route_class=CdfRoute)


def _check_file(row: Row) -> None:
    document = json.loads(row["doc"])
    if not document["name"].lower().endswith(_SUFFIXES) or document.get("mimeType") not in _TYPES:
        raise BadRequest(
            f"File {row['id']} ({document['name']}) is no image: its name must end in {', '.join(_SUFFIXES)} and its"
            f" mimeType be one of {', '.join(_TYPES)}",
        )
    if row["blob"] is None:
        raise BadRequest(f"File {row['id']} ({document['name']}) is not uploaded")


@router.post("")
def extract(sandbox: SandboxDep, access: AccessDep, body: Extract) -> Response:
    """Start a job."""
    access.require("filesAcl", "READ")
    if body.features != ["TextDetection"]:
        raise BadRequest("The sandbox detects text only: ask for the feature TextDetection")
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        running = db.execute("SELECT count(*) FROM vision_jobs WHERE coalesce(ended_time, ?) > ?", (now + 1, now))
        if running.fetchone()[0] >= RUNNING_JOBS:
            raise TooManyRequests(f"The project has {RUNNING_JOBS} running jobs; wait for one of them")
        rows = files_store.find_each(db, [item.identifier for item in body.items], now)
        for row in files_store.readable(access, rows):
            _check_file(row)
        job_id, started = new_id(), now + int(sandbox.options.detection_queue * 1000)
        items = [
            {"fileId": row["id"], **external_id_of(row), **item.wire()}
            for row, item in zip(rows, body.items, strict=True)
        ]
        document = {"items": items, **body.model_dump(by_alias=True, exclude_none=True, exclude={"items"})}
        db.execute(
            "INSERT INTO vision_jobs VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (job_id, json.dumps(document), json.dumps([row["id"] for row in rows]), body.threshold, now, started),
        )
        job = db.execute("SELECT * FROM vision_jobs WHERE id = ?", (job_id,)).fetchone()
        answer = job_json(db, job, now) | document
    if sandbox.queue_vision_job is not None:
        sandbox.queue_vision_job(job_id)
    return Json(answer)


@router.get("/{job_id}")
def retrieve(sandbox: SandboxDep, access: AccessDep, job_id: InternalId) -> Response:
    """Return a job with the results of its batches so far."""
    access.require("filesAcl", "READ")
    now = sandbox.clock.now_ms()
    with sandbox.read() as db:
        job = db.execute("SELECT * FROM vision_jobs WHERE id = ?", (job_id,)).fetchone()
        if job is None:
            raise UnknownIds([{"jobId": job_id}], "Jobs", 404)
        files = db.execute("SELECT * FROM files WHERE id IN (SELECT value FROM json_each(?))", (job["files"],))
        files_store.readable(access, files.fetchall())
        answer = job_json(db, job, now)
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
    answer |= {"items": good, "failedItems": bad}
    return Json(answer | ({"parameters": document["parameters"]} if "parameters" in document else {}))
