"""Background work of 3D jobs: which are open, and which work each type is."""

import json
from sqlite3 import Connection, Row

from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.three_d.job_ends import end_job
from cdf_sandbox.services.three_d.optimizer import process_scans
from cdf_sandbox.services.three_d.text_detection import process_texts

_WORK = {"ImageTextDetection": process_texts, "Optimizer": process_scans}


def unfinished_jobs(db: Connection) -> list[int]:
    """The jobs whose end is open."""
    return [
        row["number"] for row in db.execute("SELECT number FROM three_d_jobs WHERE ended_time IS NULL ORDER BY number")
    ]


def process_job(sandbox: Sandbox, number: int) -> None:
    """Process one job, unless it was deleted or has ended."""
    with sandbox.read() as db:
        job = _open_job(db, number)
    if job is not None:
        _WORK[json.loads(job["doc"])["type"]](sandbox, job)


def fail(sandbox: Sandbox, number: int, reason: str) -> None:
    """End a job as failed."""
    with sandbox.write() as db:
        job = _open_job(db, number)
        if job is not None:
            end_job(sandbox, db, job, failure=reason)


def _open_job(db: Connection, number: int) -> Row | None:
    row: Row | None = db.execute(
        "SELECT * FROM three_d_jobs WHERE number = ? AND ended_time IS NULL", (number,)
    ).fetchone()
    return row
