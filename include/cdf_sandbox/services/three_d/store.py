"""The tables of 3D models, revisions and jobs. The state of a revision or job follows from its times and the clock."""

import json
from collections.abc import Mapping
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.documents import Documents, documents_ddl
from cdf_sandbox.core.errors import UnknownIds
from cdf_sandbox.services.three_d.job_models import JobRef

MODELS_DDL = f"""
{documents_ddl("three_d_models", "space TEXT", "type TEXT")}
CREATE TABLE IF NOT EXISTS three_d_migrated (
    model_id INTEGER PRIMARY KEY REFERENCES three_d_models ON DELETE CASCADE
);
"""

MODELS = Documents("three_d_models", "3D model")


def model_json(row: Row) -> dict[str, Any]:
    """A model as the API shows it."""
    document: dict[str, Any] = json.loads(row["doc"])
    shown = document | {"id": row["id"], "createdTime": row["created_time"]}
    return shown | ({"space": row["space"]} if row["space"] is not None else {})


def is_migrated(db: Connection, model: Row) -> bool:
    """Whether a model was a classic one before it got its node."""
    return db.execute("SELECT 1 FROM three_d_migrated WHERE model_id = ?", (model["id"],)).fetchone() is not None


REVISIONS_DDL = """
CREATE TABLE IF NOT EXISTS three_d_revisions (
    id INTEGER PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES three_d_models ON DELETE CASCADE,
    file_id INTEGER NOT NULL,
    doc TEXT NOT NULL,
    published INTEGER GENERATED ALWAYS AS (json_extract(doc, '$.published')) VIRTUAL,
    created_time INTEGER NOT NULL,
    started_time INTEGER NOT NULL,
    ended_time INTEGER,
    failed INTEGER NOT NULL DEFAULT 0,
    logs TEXT NOT NULL DEFAULT '[]',
    extraction_space TEXT,
    session_client TEXT
);
CREATE INDEX IF NOT EXISTS three_d_revisions_of_model ON three_d_revisions (model_id, id);
"""


def logs_of(started: int, ended: int, failure: str | None = None) -> list[dict[str, Any]]:
    """The logs of a revision that is processed between these times, and why it failed."""
    end = {"type": "CONVERTER/SUCCESS", "severity": 3}
    if failure is not None:
        end = {"type": "CONVERTER/FAILED", "severity": 7, "info": failure}
    return [{"timestamp": started, "type": "CONVERTER/STARTED", "severity": 3}, {"timestamp": ended, **end}]


def find_revisions(db: Connection, model_id: int) -> list[Row]:
    """The revisions of a model, the newest first."""
    return db.execute(
        "SELECT * FROM three_d_revisions WHERE model_id = ? ORDER BY created_time DESC, id DESC", (model_id,)
    ).fetchall()


def revision_status(row: Row, now: int) -> str:
    """`Queued`, `Processing`, `Done` or `Failed`; `ended_time` is empty while the end is not known."""
    if now < row["started_time"]:
        return "Queued"
    if row["ended_time"] is None or now < row["ended_time"]:
        return "Processing"
    return "Failed" if row["failed"] else "Done"


def revision_json(row: Row, now: int) -> dict[str, Any]:
    """A revision as the API shows it."""
    document: dict[str, Any] = json.loads(row["doc"])
    return document | {
        "id": row["id"],
        "fileId": row["file_id"],
        "status": revision_status(row, now),
        "assetMappingCount": 0,
        "createdTime": row["created_time"],
    }


def last_revision_info(db: Connection, model_id: int, now: int) -> dict[str, Any]:
    """Summary of the newest revision in a list of models; only the count when there is none."""
    rows = find_revisions(db, model_id)
    if not rows:
        return {"revisionCount": 0}
    newest = rows[0]
    return {
        "id": newest["id"],
        "status": revision_status(newest, now),
        "published": bool(newest["published"]),
        "createdTime": newest["created_time"],
        "revisionCount": len(rows),
    }


JOBS_DDL = """
CREATE TABLE IF NOT EXISTS three_d_jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    space TEXT NOT NULL, external_id TEXT NOT NULL, doc TEXT NOT NULL,
    created_time INTEGER NOT NULL, started_time INTEGER NOT NULL, ended_time INTEGER, failure TEXT,
    result_space TEXT, result_external_id TEXT, session_client TEXT NOT NULL,
    UNIQUE (space, external_id)
);
CREATE TABLE IF NOT EXISTS three_d_job_rejections (
    result_space TEXT NOT NULL, result_external_id TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (result_space, result_external_id, key)
) WITHOUT ROWID;
"""


def job_status(row: Row, now: int) -> str:
    """`Scheduled`, `Started`, `Succeeded` or `Failed`; the end is open while the work goes on."""
    if now < row["started_time"]:
        return "Scheduled"
    if row["ended_time"] is None or now < row["ended_time"]:
        return "Started"
    return "Failed" if row["failure"] is not None else "Succeeded"


def job_json(row: Row, now: int) -> dict[str, Any]:
    """A job as the API shows it: all that was sent but for the nonce, and no reason for a failure."""
    document: dict[str, Any] = json.loads(row["doc"])
    return document | {"status": job_status(row, now), "createdAt": row["created_time"]}


def instances_of(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """The instances that a job names: its source, and the models of what it makes."""
    models = (each for name, each in document["configuration"].items() if name.endswith("ModelInstanceId"))
    return [document["source"]["instanceId"], *models]


def find_job(db: Connection, job: JobRef) -> Row | None:
    """The job of that id."""
    row: Row | None = db.execute(
        "SELECT * FROM three_d_jobs WHERE space = ? AND external_id = ?", (job.space, job.external_id)
    ).fetchone()
    return row


def require_job(db: Connection, job: JobRef) -> Row:
    """The job of that id; 400 when there is none."""
    row = find_job(db, job)
    if row is None:
        raise UnknownIds([job.model_dump(by_alias=True, include={"space", "external_id"})], "Jobs")
    return row


DDL = MODELS_DDL + REVISIONS_DDL + JOBS_DDL
