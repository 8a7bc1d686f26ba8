"""The table of files: one row per file, its metadata as one JSON document."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any, BinaryIO

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.documents import Documents, document_json, documents_ddl
from cdf_sandbox.core.errors import NotFound
from cdf_sandbox.core.identifiers import FileId, check_each_given_once, check_each_named_once
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.core.sql import Where, id_lists
from cdf_sandbox.services.assets.store import OF_ROOTS, SUBTREE_IDS
from cdf_sandbox.services.files.models import FileFilter

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

FILES = Documents("files", "File", external_ids_noun="Files ids")
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
        raise FILES.unknown(unknown)
    return found


def find_each(db: Connection, identifiers: Sequence[FileId], now: int, *, ignore_unknown: bool = False) -> list[Row]:
    """As `find_all`, and 409 if an identifier occurs twice or two name the same file."""
    check_each_given_once(identifier.wire() for identifier in identifiers)
    rows = find_all(db, identifiers, now, ignore_unknown=ignore_unknown)
    check_each_named_once((row["id"] for row in rows), FILES.noun)
    return rows


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
        raise NotFound("The file of this link was deleted")
    db.execute(
        "UPDATE files SET blob = ?, size = ?, content_type = ?, uploaded_time = ?,"
        " uploaded_from = coalesce(uploaded_from, ?) WHERE id = ?",
        (content.blob, content.size, content.content_type, now, uploaded_from, file_id),
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


_ASSETS_OF_FILE = "EXISTS (SELECT 1 FROM json_each(doc, '$.assetIds') WHERE value IN ({ids}))"


def categories_of(document: dict[str, Any]) -> list[int]:
    """The security categories of a file: only members of all of them may see it."""
    return list(document.get("securityCategories", ()))


def listed_files(condition: FileFilter | None, now: int, lag_ms: int, access: Access) -> Where:
    """The condition for files that lists and searches show: those that were there `lag_ms` ago."""
    where = Where()
    where.add("max(created_time, present_from) <= ?", now - lag_ms)
    where.visible(access.data_sets("filesAcl", "READ"))
    where.within_categories(access.categories())
    where.classic(condition)
    if condition is None:
        return where
    where.between(f"CASE WHEN uploaded_from <= {int(now)} THEN uploaded_time END", condition.uploaded_time)
    if condition.uploaded is not None:
        where.add("coalesce(uploaded_from <= ?, 0) = ?", now, int(condition.uploaded))
    _of_assets(where, condition)
    return where


def _of_assets(where: Where, condition: FileFilter) -> None:
    if condition.asset_ids is not None:
        where.add(_ASSETS_OF_FILE.format(ids="SELECT value FROM json_each(?)"), json.dumps(condition.asset_ids))
    if condition.asset_external_ids is not None:
        ids = "SELECT id FROM assets WHERE external_id IN (SELECT value FROM json_each(?))"
        where.add(_ASSETS_OF_FILE.format(ids=ids), json.dumps(condition.asset_external_ids))
    for roots, ids in ((condition.root_asset_ids, OF_ROOTS), (condition.asset_subtree_ids, SUBTREE_IDS)):
        if roots is not None:
            where.add(_ASSETS_OF_FILE.format(ids=ids), *id_lists(roots))


def finish_upload(sandbox: Sandbox, db: Connection, file_id: int, content: Content) -> list[str]:
    """Set the content of a file and update its node, if it has one; return the blobs to remove after the commit."""
    now = sandbox.clock.now_ms()
    superseded = set_content(db, file_id, content, now, now + int(sandbox.options.uploaded_lag * 1000))
    row = db.execute("SELECT * FROM files WHERE id = ?", (file_id,)).fetchone()
    if row["space"] is not None:
        for listener in sandbox.on_node_uploaded:
            listener(db, row["space"], row["instance_external_id"], content.content_type, now)
    return superseded


def open_content(sandbox: Sandbox, file_id: int) -> tuple[Row, BinaryIO]:
    """Open the content of a file; its row has `external_id`, `size` and `content_type`."""
    # An upload that ends between the look-up and the opening removes the old blob: the second look finds the new one.
    for _ in range(3):
        with sandbox.read() as db:
            row: Row | None = db.execute(
                "SELECT blob, external_id, size, content_type FROM files WHERE id = ?", (file_id,)
            ).fetchone()
        if row is None or row["blob"] is None:
            break
        try:
            return row, sandbox.blobs.path(row["blob"]).open("rb")
        except FileNotFoundError:
            continue
    raise NotFound(f"File {file_id} is not there, or has no content")


class AbandonedFiles:
    """Delete entries without content before the first request after their week, so that no request can see them.

    Entries created from now on have a week, so the oldest existing one determines the time of the next check.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._due = 0

    @property
    def is_due(self) -> bool:
        """Whether the week of an entry may be over."""
        return self._sandbox.clock.now_ms() >= self._due

    def do(self) -> None:
        """Delete entries whose week is over; this is not counted as a change by a client."""
        now = self._sandbox.clock.now_ms()
        with self._sandbox.storage.write() as db:
            blobs = purge_abandoned(db, now)
            oldest = oldest_without_content(db)
        self._due = (now if oldest is None else oldest) + KEPT_WITHOUT_CONTENT_MS
        self._sandbox.blobs.remove(blobs)


def readable(access: Access, rows: Sequence[Row]) -> Sequence[Row]:
    """`rows` if the caller may read each."""
    return _allowed(access, rows, "READ")


def writable(access: Access, rows: Sequence[Row]) -> Sequence[Row]:
    """`rows` if the caller may change each."""
    return _allowed(access, rows, "WRITE")


def require_some_reading(access: Access) -> None:
    """Refuse with 403 a caller who may read no file at all, of whatever kind."""
    by_files = access.allows("filesAcl", "READ")
    if not by_files and not (access.allows("dataModelsAcl", "READ") and access.allows("dataModelInstancesAcl", "READ")):
        access.require("filesAcl", "READ")


def is_node_allowed(access: Access, space: str, action: str) -> bool:
    """Whether the caller may read or write the files of nodes in a space without `filesAcl`."""
    for acl, each, of in (("dataModelsAcl", "READ", "cdf_cdm"), ("dataModelInstancesAcl", action, space)):
        allowed = access.spaces(acl, each)
        if not access.allows(acl, each) or (allowed is not None and of not in allowed):
            return False
    return True


def _allowed(access: Access, rows: Sequence[Row], action: str) -> Sequence[Row]:
    by_files = [row for row in rows if row["space"] is None or not is_node_allowed(access, row["space"], action)]
    if by_files:
        access.require_data_sets("filesAcl", action, (row["data_set_id"] for row in by_files))
    if access.categories() is not None:
        # Rows of annotations have the document of their file beside their own.
        documents = (row["file_doc" if "file_doc" in row.keys() else "doc"] for row in rows)  # noqa: SIM118 - a Row is no dict
        access.require_categories(each for text in documents for each in categories_of(json.loads(text)))
    return rows
