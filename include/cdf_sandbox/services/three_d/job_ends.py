"""Ends of 3D jobs, whatever their type."""

import json
from sqlite3 import Connection, Row

from cdf_sandbox.core.background import WorkError
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.three_d.spaces import check_session


def check_job(db: Connection, job: Row) -> None:
    """Refuse to publish the result of a job that was deleted, or whose session may not write to its space."""
    if db.execute("SELECT 1 FROM three_d_jobs WHERE number = ?", (job["number"],)).fetchone() is None:
        raise WorkError(f"Job {job['external_id']} was deleted meanwhile")
    check_session(db, job["session_client"], job["space"])


def end_job(
    sandbox: Sandbox, db: Connection, job: Row, *, failure: str | None = None, result: tuple[str, str] | None = None
) -> None:
    """End a job no sooner than after the configured processing time."""
    options = sandbox.options
    is_scans = json.loads(job["doc"])["type"] == "Optimizer"
    seconds = options.revision_processing if is_scans else options.detection_processing
    ended = max(sandbox.clock.now_ms(), job["started_time"] + int(seconds * 1000))
    db.execute(
        "UPDATE three_d_jobs SET ended_time = ?, failure = ?, result_space = ?, result_external_id = ?"
        " WHERE number = ?",
        (ended, failure, *(result or (None, None)), job["number"]),
    )
