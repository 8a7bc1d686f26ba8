"""The tables of 3D jobs. A job's state follows from its times and the clock."""

import json
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.errors import missing
from cdf_sandbox.services.three_d.job_models import JobRef

DDL = """
CREATE TABLE IF NOT EXISTS three_d_jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    space TEXT NOT NULL, external_id TEXT NOT NULL, doc TEXT NOT NULL,
    created_time INTEGER NOT NULL, started_time INTEGER NOT NULL, ended_time INTEGER, failure TEXT,
    result_space TEXT, result_external_id TEXT,
    UNIQUE (space, external_id)
);
CREATE TABLE IF NOT EXISTS three_d_job_rejections (
    result_space TEXT NOT NULL, result_external_id TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (result_space, result_external_id, key)
) WITHOUT ROWID;
"""


def status(row: Row, now: int) -> str:
    """`Scheduled`, `Started`, `Succeeded` or `Failed`; the end is open while the work goes on."""
    if now < row["started_time"]:
        return "Scheduled"
    if row["ended_time"] is None or now < row["ended_time"]:
        return "Started"
    return "Failed" if row["failure"] is not None else "Succeeded"


def job_json(row: Row, now: int) -> dict[str, Any]:
    """A job as the API shows it: all that was sent but for the nonce, and no reason for a failure."""
    document: dict[str, Any] = json.loads(row["doc"])
    return document | {"status": status(row, now), "createdAt": row["created_time"]}


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
        raise missing([job.model_dump(by_alias=True, include={"space", "external_id"})], "Jobs")
    return row
