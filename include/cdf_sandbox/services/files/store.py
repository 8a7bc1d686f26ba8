"""The table of files: one row a file, its metadata as one JSON document."""

from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.documents import Documents, document_json, documents_ddl
from cdf_sandbox.core.errors import ApiError, missing
from cdf_sandbox.core.identifiers import FileId

# A row counts as there from `present_from` on: for a CogniteFile that is when the syncer has come by.
# `uploaded_from` is when `uploaded` turns true, which is later than the content's arrival at `uploaded_time`.
DDL = f"""
{
    documents_ddl(
        "files",
        "space TEXT",
        "instance_external_id TEXT",
        "present_from INTEGER",
        "blob TEXT",
        "content_type TEXT",
        "size INTEGER",
        "uploaded_time INTEGER",
        "uploaded_from INTEGER",
    )
}
CREATE UNIQUE INDEX IF NOT EXISTS files_instance ON files (space, instance_external_id) WHERE space IS NOT NULL;
CREATE INDEX IF NOT EXISTS files_without_content ON files (created_time) WHERE blob IS NULL;
CREATE TABLE IF NOT EXISTS file_parts (
    upload_id TEXT NOT NULL, part INTEGER NOT NULL, file_id INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
    blob TEXT, size INTEGER, PRIMARY KEY (upload_id, part)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_parts_of_file ON file_parts (file_id);
"""

FILES = Documents("files", "Files")
KEPT_WITHOUT_CONTENT_MS = 7 * 86400 * 1000


def file_json(row: Row, now: int) -> dict[str, Any]:
    """A file as the API shows it."""
    shown = document_json(row)
    uploaded = row["uploaded_from"] is not None and row["uploaded_from"] <= now
    shown["uploaded"] = uploaded
    if uploaded:
        shown["uploadedTime"] = row["uploaded_time"]
    if row["space"] is not None:
        shown["instanceId"] = {"space": row["space"], "externalId": row["instance_external_id"]}
    return shown


def find(db: Connection, identifier: FileId, now: int) -> Row | None:
    """The file that `identifier` names."""
    values: list[int | str]
    if identifier.id is not None:
        query, values = "id = ?", [identifier.id]
    elif identifier.external_id is not None:
        query, values = "external_id = ?", [identifier.external_id]
    else:
        assert identifier.instance_id is not None
        query = "space = ? AND instance_external_id = ?"
        values = [identifier.instance_id.space, identifier.instance_id.external_id]
    row: Row | None = db.execute(f"SELECT * FROM files WHERE {query} AND present_from <= ?", [*values, now]).fetchone()  # noqa: S608 - the query is one of three constants
    return row


def find_all(db: Connection, identifiers: Iterable[FileId], now: int, *, ignore_unknown: bool = False) -> list[Row]:
    """The files that `identifiers` name, in their order; 400 naming those that are missing."""
    found: list[Row] = []
    unknown: list[dict[str, Any]] = []
    for identifier in identifiers:
        row = find(db, identifier, now)
        if row is not None:
            found.append(row)
        else:
            unknown.append(identifier.wire())
    if unknown and not ignore_unknown:
        raise missing(unknown, "Files")
    return found


@dataclass(frozen=True)
class Content:
    """Content that has arrived: its blob, size in bytes and media type."""

    blob: str
    size: int
    content_type: str | None


def set_content(db: Connection, file_id: int, content: Content, now: int, uploaded_from: int) -> list[str]:
    """Give a file its new content; returns the blobs that nothing refers to any more."""
    row = db.execute("SELECT blob, uploaded_from FROM files WHERE id = ?", (file_id,)).fetchone()
    if row is None:
        raise ApiError(404, "The file of this link was deleted")
    db.execute(
        "UPDATE files SET blob = ?, size = ?, content_type = ?, uploaded_time = ?, last_updated_time = ?,"
        " uploaded_from = coalesce(uploaded_from, ?) WHERE id = ?",
        (content.blob, content.size, content.content_type, now, now, uploaded_from, file_id),
    )
    return [row["blob"]] if row["blob"] else []


def delete(db: Connection, file_ids: Iterable[int]) -> list[str]:
    """Delete files; returns the blobs that nothing refers to any more."""
    blobs: list[str] = []
    for file_id in file_ids:
        parts = db.execute("SELECT blob FROM file_parts WHERE file_id = ? AND blob IS NOT NULL", (file_id,))
        blobs.extend(row["blob"] for row in parts)
        row = db.execute("DELETE FROM files WHERE id = ? RETURNING blob", (file_id,)).fetchone()
        if row is not None and row["blob"] is not None:
            blobs.append(row["blob"])
    return blobs


def purge_abandoned(db: Connection, now: int) -> list[str]:
    """Delete entries whose content did not come within a week; nodes keep theirs. Returns the blobs of their parts."""
    rows = db.execute(
        "SELECT id FROM files WHERE blob IS NULL AND created_time <= ? AND space IS NULL",
        (now - KEPT_WITHOUT_CONTENT_MS,),
    ).fetchall()
    return delete(db, [row["id"] for row in rows])


def oldest_without_content(db: Connection) -> int | None:
    """When the oldest entry was made that is to be deleted unless its content comes."""
    oldest: int | None = db.execute(
        "SELECT min(created_time) FROM files WHERE blob IS NULL AND space IS NULL"
    ).fetchone()[0]
    return oldest


def referenced_blobs(db: Connection) -> set[str]:
    """Every blob that a row refers to."""
    rows = db.execute(
        "SELECT blob FROM files WHERE blob IS NOT NULL UNION SELECT blob FROM file_parts WHERE blob IS NOT NULL"
    )
    return {row["blob"] for row in rows}
