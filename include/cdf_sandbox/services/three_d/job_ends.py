"""What all 3D jobs have in common at the begin and the end of their work."""

import json
from sqlite3 import Connection, Row

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import access_of
from cdf_sandbox.core.background import WorkError
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.access import INSTANCE_ACL
from cdf_sandbox.services.three_d.spaces import check_session, require_core_model
from cdf_sandbox.services.three_d.store import instances_of


def reading_access(db: Connection, job: Row) -> Access:
    """The access of the client of a job's session, who must be able to read what the job names."""
    access = access_of(db, job["session_client"])
    require_core_model(access)
    access.require_spaces(INSTANCE_ACL, "READ", {each["space"] for each in instances_of(json.loads(job["doc"]))})
    return access


def check_job(db: Connection, job: Row) -> None:
    """Refuse to publish the result of a job that was deleted, or whose session may not write to its space."""
    if db.execute("SELECT 1 FROM three_d_jobs WHERE number = ?", (job["number"],)).fetchone() is None:
        raise WorkError(f"Job {job['external_id']} was deleted meanwhile")
    check_session(db, job["session_client"], job["space"])


def earliest_end(sandbox: Sandbox, job: Row) -> int:
    """When a job has been processed for as long as is configured (epoch ms)."""
    is_scans = json.loads(job["doc"])["type"] == "Optimizer"
    options = sandbox.options
    seconds = options.revision_processing if is_scans else options.detection_processing
    return int(job["started_time"] + seconds * 1000)


def end_job(
    sandbox: Sandbox, db: Connection, job: Row, *, failure: str | None = None, result: tuple[str, str] | None = None
) -> int:
    """End a job no sooner than after the configured processing time; return when (epoch ms)."""
    ended = max(sandbox.clock.now_ms(), earliest_end(sandbox, job))
    db.execute(
        "UPDATE three_d_jobs SET ended_time = ?, failure = ?, result_space = ?, result_external_id = ?"
        " WHERE number = ?",
        (ended, failure, *(result or (None, None)), job["number"]),
    )
    return ended
