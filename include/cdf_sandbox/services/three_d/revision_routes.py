"""Endpoints of the revisions of 3D models."""

import json
from collections.abc import Sequence
from sqlite3 import Connection, Row
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest, UnknownIds
from cdf_sandbox.core.http import CdfRoute, Items, Json
from cdf_sandbox.core.identifiers import FileId, InternalId, check_each_given_once, new_id
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.core.paging import cursor_id, first_page, list_answer
from cdf_sandbox.core.patches import apply_patches
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.services.files import store as files_store
from cdf_sandbox.services.files.store import readable
from cdf_sandbox.services.sessions.store import spend_nonce
from cdf_sandbox.services.three_d.model_routes import find_model
from cdf_sandbox.services.three_d.models import (
    ById,
    Ids,
    RevisionChanges,
    RevisionWrite,
    Thumbnail,
    stored,
)
from cdf_sandbox.services.three_d.nodes import Action, check_named, named, node_of, remove_nodes, write_revision_nodes
from cdf_sandbox.services.three_d.store import logs_of, revision_json

_THUMBNAIL = "thumbnailThreedFileId"

revisions_router = APIRouter(prefix="/3d/models/{model_id}/revisions", route_class=CdfRoute)


def _check_kind(sandbox: Sandbox, body: Items[RevisionWrite]) -> None:
    if sandbox.options.mode is ProjectMode.DATA_MODELING:
        if len(body.items) != 1 or body.items[0].model_fields_set != {"file_id", "nonce"}:
            raise BadRequest("A data modeling only project takes exactly one item with fileId and nonce")
        return
    for item in body.items:
        if item.pipeline_configuration is not None and item.nonce is None:
            raise BadRequest("nonce is required with pipelineConfiguration")


@revisions_router.post("", status_code=201)
def create_revisions(
    sandbox: SandboxDep, access: AccessDep, model_id: InternalId, body: Items[RevisionWrite]
) -> Response:
    """Create revisions and start their processing."""
    access.require("threedAcl", "CREATE")
    _check_kind(sandbox, body)
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        model = find_model(db, access, model_id, "CREATE")
        rows = _sources(sandbox, db, access, [item.file_id for item in body.items])
        ids = [_start(sandbox, db, model_id, item, row, now) for item, row in zip(body.items, rows, strict=True)]
        made = [_find(db, model_id, revision_id) for revision_id in ids]
        write_revision_nodes(sandbox, db, model, made)
        items = [revision_json(row, now) for row in made]
    for item, revision_id in zip(body.items, ids, strict=True):
        if item.extraction_space is not None and sandbox.queue_extraction is not None:
            sandbox.queue_extraction(revision_id)
    return Json({"items": items}, status_code=201)


def _sources(sandbox: Sandbox, db: Connection, access: Access, file_ids: Sequence[int]) -> Sequence[Row]:
    """Return the files of revisions or thumbnails; the caller must be able to read them unless an option drops that."""
    if sandbox.options.revision_needs_readable_file:
        access.require("filesAcl", "READ")
    rows = files_store.find_all(db, [FileId(id=file_id) for file_id in file_ids], sandbox.clock.now_ms())
    return readable(access, rows) if sandbox.options.revision_needs_readable_file else rows


def _start(sandbox: Sandbox, db: Connection, model_id: int, item: RevisionWrite, file: Row, now: int) -> int:
    session_client = None if item.nonce is None else spend_nonce(sandbox, db, item.nonce)
    revision_id = new_id()
    started = now + int(sandbox.options.revision_queue * 1000)
    ended = started + int(sandbox.options.revision_processing * 1000)
    extracts = item.extraction_space is not None
    failure = None if extracts or file["blob"] is not None else f"File {file['id']} has no content"
    logs = logs_of(started, ended, failure)
    if extracts:
        del logs[1:]  # The extraction will say how it ended.
    db.execute(
        "INSERT INTO three_d_revisions"
        " (id, model_id, file_id, doc, created_time, started_time, ended_time, failed, logs, extraction_space,"
        " session_client) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            revision_id,
            model_id,
            file["id"],
            json.dumps(stored(item)),
            now,
            started,
            None if extracts else ended,
            int(failure is not None),
            json.dumps(logs),
            item.extraction_space,
            session_client,
        ),
    )
    return revision_id


def _find(db: Connection, model_id: int, revision_id: int, status_code: int = 404) -> Row:
    row: Row | None = db.execute(
        "SELECT * FROM three_d_revisions WHERE model_id = ? AND id = ?", (model_id, revision_id)
    ).fetchone()
    if row is None:
        raise UnknownIds([{"id": revision_id}], "Revisions", status_code)
    return row


@revisions_router.get("")
def list_revisions(
    sandbox: SandboxDep,
    access: AccessDep,
    model_id: InternalId,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    published: bool | None = None,
) -> Response:
    """A page of revisions."""
    if published is False and not sandbox.options.published_false_hides_published:
        published = None
    with sandbox.read() as db:
        find_model(db, access, model_id, "READ")
        rows = db.execute(
            "SELECT * FROM three_d_revisions WHERE model_id = ? AND id > ? AND coalesce(published = ?, 1)"
            " ORDER BY id LIMIT ?",
            (model_id, cursor_id(cursor), None if published is None else int(published), limit + 1),
        ).fetchall()
    now = sandbox.clock.now_ms()
    page, after = first_page(rows, limit)
    return list_answer([revision_json(row, now) for row in page], after)


@revisions_router.post("/update")
def update_revisions(sandbox: SandboxDep, access: AccessDep, model_id: InternalId, body: RevisionChanges) -> Response:
    """Update revisions, all or none."""
    with sandbox.change("3D revisions", (item.id or item.wire() for item in body.items)) as db:
        model = find_model(db, access, model_id, "UPDATE")
        rows = _named(sandbox, db, model, body.items, "UPDATE")
        for row, change in zip(rows, body.items, strict=True):
            document = apply_patches(json.loads(row["doc"]), change.update)
            RevisionWrite.model_validate({key: value for key, value in document.items() if key != _THUMBNAIL})
            _save(db, row, document)
        now = sandbox.clock.now_ms()
        changed = [_find(db, model_id, row["id"]) for row in rows]
        write_revision_nodes(sandbox, db, model, changed)
        items = [revision_json(row, now) for row in changed]
    return Json({"items": items})


def _named(sandbox: Sandbox, db: Connection, model: Row, items: Sequence[ById], action: Action) -> list[Row]:
    """The revisions of a model that `items` name, each once; 400 for an unknown one."""
    check_each_given_once(item.wire() for item in items)
    check_named(sandbox, db, "revision", model, items, action)
    ids = [named(db, "revision", item) for item in items]
    if any(item.instance_id is not None and item.instance_id.space != model["space"] for item in items):
        raise UnknownIds([item.wire() for item in items], "Revisions")
    return [_find(db, model["id"], revision_id, 400) for revision_id in ids]


def _save(db: Connection, row: Row, document: dict[str, Any]) -> None:
    if document != json.loads(row["doc"]):
        db.execute("UPDATE three_d_revisions SET doc = ? WHERE id = ?", (json.dumps(document), row["id"]))


@revisions_router.post("/delete")
def delete_revisions(sandbox: SandboxDep, access: AccessDep, model_id: InternalId, body: Ids) -> Response:
    """Delete revisions, all or none."""
    with sandbox.change("3D revisions", (item.id or item.wire() for item in body.items)) as db:
        model = find_model(db, access, model_id, "DELETE")
        rows = _named(sandbox, db, model, body.items, "DELETE")
        remove_nodes(sandbox, db, model, (node_of("revision", row["id"]) for row in rows))
        db.executemany("DELETE FROM three_d_revisions WHERE id = ?", [(row["id"],) for row in rows])
    return Json({})


@revisions_router.get("/{revision_id}")
def retrieve_revision(
    sandbox: SandboxDep, access: AccessDep, model_id: InternalId, revision_id: InternalId
) -> Response:
    """One revision."""
    with sandbox.read() as db:
        find_model(db, access, model_id, "READ")
        return Json(revision_json(_find(db, model_id, revision_id), sandbox.clock.now_ms()))


@revisions_router.get("/{revision_id}/logs")
def revision_logs(
    sandbox: SandboxDep,
    access: AccessDep,
    model_id: InternalId,
    revision_id: InternalId,
    severity: Annotated[int, Query(ge=3, le=7)] = 5,
) -> Response:
    """Logs of the processing so far: severity 3 for all, 5 for warnings and errors, 7 for errors."""
    with sandbox.read() as db:
        find_model(db, access, model_id, "READ")
        logs = json.loads(_find(db, model_id, revision_id)["logs"])
    now = sandbox.clock.now_ms()
    return Json({"items": [log for log in logs if log["severity"] >= severity and log["timestamp"] <= now]})


@revisions_router.get("/{revision_id}/outputs")
def revision_outputs(
    sandbox: SandboxDep,
    access: AccessDep,
    model_id: InternalId,
    revision_id: InternalId,
    format: str | None = None,  # noqa: ARG001 - a filter of a list that is empty
) -> Response:
    """List converted models; the sandbox converts none."""
    with sandbox.read() as db:
        find_model(db, access, model_id, "READ")
        _find(db, model_id, revision_id)
    return Json({"items": []})


def _is_picture(sandbox: Sandbox, file: Row) -> bool:
    """Whether a file has the content of a JPEG or a PNG."""
    if file["blob"] is None:
        return False
    _, stream = files_store.open_content(sandbox, file["id"])
    with stream:
        return stream.read(8).startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


@revisions_router.post("/{revision_id}/thumbnail")
def set_thumbnail(
    sandbox: SandboxDep, access: AccessDep, model_id: InternalId, revision_id: InternalId, body: Thumbnail
) -> Response:
    """Use an image file as the picture of a revision."""
    with sandbox.change("3D revisions", [revision_id]) as db:
        find_model(db, access, model_id, "UPDATE")
        row = _find(db, model_id, revision_id)
        (file,) = _sources(sandbox, db, access, [body.file_id])
        if not _is_picture(sandbox, file):
            raise BadRequest(f"File {body.file_id} is no JPEG or PNG, which a thumbnail must be")
        _save(db, row, json.loads(row["doc"]) | {_THUMBNAIL: body.file_id})
    return Json({})
