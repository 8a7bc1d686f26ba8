"""The table of annotations."""

import json
from collections.abc import Sequence
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.documents import rows_by_id

DDL = """
CREATE TABLE IF NOT EXISTS annotations (
    id INTEGER PRIMARY KEY,
    doc TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
    created_time INTEGER NOT NULL,
    last_updated_time INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS annotations_of_file ON annotations (file_id);
"""


def annotation_json(row: Row) -> dict[str, Any]:
    """Return an annotation as the API shows it."""
    document: dict[str, Any] = json.loads(row["doc"])
    return document | {
        "id": row["id"],
        "annotatedResourceType": "file",
        "annotatedResourceId": row["file_id"],
        "createdTime": row["created_time"],
        "lastUpdatedTime": row["last_updated_time"],
    }


def find_annotations(db: Connection, ids: Sequence[int]) -> list[Row]:
    """Return annotations in the order of `ids`; 404 naming missing ones, and 409 for an id that occurs twice."""
    query = (
        "SELECT annotations.*, files.data_set_id, files.space, files.doc AS file_doc"
        " FROM annotations JOIN files ON files.id = file_id WHERE annotations.id = ?"
    )
    return rows_by_id(db, query, ids, "Annotations", 404)
