"""Background work of 3D jobs: which are open, and which work each type is."""

import json
from sqlite3 import Connection

from cdf_sandbox.core.sandbox import Sandbox
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
        job = db.execute("SELECT * FROM three_d_jobs WHERE number = ?", (number,)).fetchone()
    if job is not None and job["ended_time"] is None:
        _WORK[json.loads(job["doc"])["type"]](sandbox, job)
