"""The tables of Vision jobs. The state of a job follows from its times and the clock."""

from sqlite3 import Connection, Row
from typing import Any

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


def external_id_of(file: Row) -> dict[str, str]:
    """Return how answers name a file beside its id."""
    return {} if file["external_id"] is None else {"fileExternalId": file["external_id"]}


def _status(db: Connection, job: Row, now: int) -> str:
    if now < job["started_time"]:
        return "Queued"
    if job["ended_time"] is None or now < job["ended_time"]:
        return "Running"
    good = db.execute("SELECT 1 FROM vision_batches WHERE job = ? AND error IS NULL", (job["id"],)).fetchone()
    return "Completed" if good is not None else "Failed"


def job_json(db: Connection, job: Row, now: int) -> dict[str, Any]:
    """Return a Vision job without its results, with the status that it has at `now`."""
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
