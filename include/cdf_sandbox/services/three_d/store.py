"""The table of revisions. A revision's state follows from its times and the clock; nothing has to run for it."""

import json
from sqlite3 import Connection, Row
from typing import Any

DDL = """
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
    extraction_space TEXT
);
CREATE INDEX IF NOT EXISTS three_d_revisions_of_model ON three_d_revisions (model_id, id);
"""


def status(row: Row, now: int) -> str:
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
        "status": status(row, now),
        "assetMappingCount": 0,
        "createdTime": row["created_time"],
    }


def last_revision_info(db: Connection, model_id: int, now: int) -> dict[str, Any]:
    """What a list of models says about the newest revision; only the count when there is none."""
    rows = db.execute(
        "SELECT * FROM three_d_revisions WHERE model_id = ? ORDER BY created_time DESC, id DESC", (model_id,)
    ).fetchall()
    if not rows:
        return {"revisionCount": 0}
    newest = rows[0]
    return {
        "id": newest["id"],
        "status": status(newest, now),
        "published": bool(newest["published"]),
        "createdTime": newest["created_time"],
        "revisionCount": len(rows),
    }
