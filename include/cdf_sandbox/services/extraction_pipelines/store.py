"""The tables of extraction pipelines and of their runs."""

from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.documents import Documents, document_json, documents_ddl

DDL = (
    documents_ddl("extraction_pipelines")
    + """
CREATE TABLE IF NOT EXISTS extraction_runs (
    id INTEGER PRIMARY KEY,
    pipeline_id INTEGER NOT NULL REFERENCES extraction_pipelines ON DELETE CASCADE,
    status TEXT NOT NULL,
    message TEXT,
    created_time INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS extraction_runs_of_pipeline ON extraction_runs (pipeline_id, created_time DESC, id);
"""
)


PIPELINES = Documents("extraction_pipelines", "Extraction pipeline")


def pipeline_json(db: Connection, row: Row) -> dict[str, Any]:
    """Return a pipeline as the API shows it, with the times of its last runs and the message of the last failure."""
    shown = document_json(row)
    rows = db.execute(
        "SELECT status, max(created_time) AS last FROM extraction_runs WHERE pipeline_id = ? GROUP BY status",
        (row["id"],),
    )
    last = {run["status"]: run["last"] for run in rows}
    for status, name in (("success", "lastSuccess"), ("failure", "lastFailure")):
        shown[name] = last.get(status, 0)
    shown["lastSeen"] = max(last.values(), default=0)
    if last:
        newest = db.execute(
            "SELECT message FROM extraction_runs WHERE pipeline_id = ? AND status = 'failure' AND message IS NOT NULL"
            " ORDER BY created_time DESC, id LIMIT 1",
            (row["id"],),
        ).fetchone()
        if newest is not None:
            shown["lastMessage"] = newest["message"]
    return shown


def run_json(row: Row) -> dict[str, Any]:
    """Return a run of a pipeline as the API shows it."""
    shown = {"id": row["id"], "status": row["status"], "createdTime": row["created_time"]}
    return shown | ({"message": row["message"]} if row["message"] is not None else {})
