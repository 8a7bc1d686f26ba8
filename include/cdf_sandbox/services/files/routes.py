"""Endpoints of the Files API that answer with metadata."""

import json
from collections.abc import Sequence
from sqlite3 import Connection, Row
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import CdfRoute, Identifiers, Items, Json, given_only
from cdf_sandbox.core.identifiers import ClassicId, ExternalId, FileId, InternalId
from cdf_sandbox.core.paging import cursor_id, list_answer, partition_of
from cdf_sandbox.core.patches import apply_patches, without_lists
from cdf_sandbox.core.references import check_attached, check_references
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.core.sql import Where
from cdf_sandbox.services.files import store
from cdf_sandbox.services.files.icons import small_jpeg
from cdf_sandbox.services.files.models import (
    FileAggregate,
    FileChange,
    FileFilter,
    FileList,
    FileQuery,
    FileSearch,
    FileUpdate,
    FileWrite,
)
from cdf_sandbox.services.files.store import FILES, categories_of, readable, writable
from cdf_sandbox.services.files.uploads import uploads_router

metadata_router = APIRouter(prefix="/files", route_class=CdfRoute)

# Fields of the classic file of a CogniteFile that data modeling owns.
_FIELDS_OF_THE_NODE = {"directory", "source", "mime_type", "source_created_time", "source_modified_time"}


def _items(sandbox: Sandbox, rows: Sequence[Row]) -> list[dict[str, Any]]:
    now = sandbox.clock.now_ms()
    return [store.file_json(row, now) for row in rows]


def _listed(sandbox: Sandbox, access: Access, condition: FileFilter | None) -> Where:
    access.require("filesAcl", "READ")
    lag_ms = int(sandbox.options.list_lag * 1000)
    return store.listed_files(condition, sandbox.clock.now_ms(), lag_ms, access)


@metadata_router.post("/list")
def list_files(sandbox: SandboxDep, access: AccessDep, body: FileList) -> Response:
    """A page of files."""
    where = _listed(sandbox, access, body.filter)
    with sandbox.read() as db:
        rows, after = FILES.page(db, where, cursor_id(body.cursor), body.limit, partition_of(body.partition))
    return list_answer(_items(sandbox, rows), after)


@metadata_router.get("")
def list_files_by_query(sandbox: SandboxDep, access: AccessDep, query: Annotated[FileQuery, Query()]) -> Response:
    """A page of files, its filter in the query string."""
    return list_files(sandbox, access, FileList.model_validate(query.body()))


@metadata_router.post("/search")
def search_files(sandbox: SandboxDep, access: AccessDep, body: FileSearch) -> Response:
    """Files by the words of their name, best first."""
    where = _listed(sandbox, access, body.filter)
    words = {"name": body.search.name} if body.search and body.search.name else {}
    with sandbox.read() as db:
        rows = FILES.search(db, where, words, body.limit)
    return Json({"items": _items(sandbox, rows)})


@metadata_router.post("/aggregate")
def aggregate_files(sandbox: SandboxDep, access: AccessDep, body: FileAggregate) -> Response:
    """The number of files."""
    where = _listed(sandbox, access, body.filter)
    with sandbox.read() as db:
        return Json({"items": [{"count": FILES.count(db, where)}]})


@metadata_router.post("/byids")
def retrieve_files(sandbox: SandboxDep, access: AccessDep, body: Identifiers[FileId]) -> Response:
    """Files in the order of the request."""
    store.require_some_reading(access)
    with sandbox.read() as db:
        rows = store.find_each(db, body.items, sandbox.clock.now_ms(), ignore_unknown=body.ignore_unknown_ids)
    return Json({"items": _items(sandbox, readable(access, rows))})


@metadata_router.post("/update")
def update_files(sandbox: SandboxDep, access: AccessDep, body: Items[FileChange]) -> Response:
    """Patch metadata, all files or none."""
    access.require("filesAcl", "WRITE")
    now = sandbox.clock.now_ms()
    with sandbox.change("files", (item.wire() for item in body.items)) as db:
        rows = writable(access, store.find_each(db, body.items, now))
        for row, change in zip(rows, body.items, strict=True):
            _check_owner(row, change.update)
            before = json.loads(row["doc"])
            document = apply_patches(before, change.update)
            _check_document(access, document)
            check_references(db, [document], before)
            check_attached(sandbox, db, document, before)
            FILES.save(db, row, document, now)
        changed = store.find_all(db, [FileId(id=row["id"]) for row in rows], now)
    return Json({"items": [{"metadata": {}} | item for item in _items(sandbox, changed)]})


def _check_owner(row: Row, update: FileUpdate) -> None:
    foreign = sorted(update.model_fields_set & _FIELDS_OF_THE_NODE)
    if row["space"] is not None and foreign:
        raise BadRequest(f"File {row['id']} is a CogniteFile: change {', '.join(foreign)} through data modeling")


def _check_document(access: Access, document: dict[str, Any]) -> None:
    checked = FileWrite.model_validate(without_lists(document))
    access.require_data_sets("filesAcl", "WRITE", [checked.data_set_id])
    access.require_categories(categories_of(document))


@metadata_router.post("/delete")
def delete_files(sandbox: SandboxDep, access: AccessDep, body: Identifiers[ClassicId]) -> Response:
    """Delete files and their contents, all or none."""
    access.require("filesAcl", "WRITE")
    identifiers = [FileId.model_validate(item.wire()) for item in body.items]
    with sandbox.change("files", (item.wire() for item in body.items)) as db:
        rows = store.find_each(db, identifiers, sandbox.clock.now_ms(), ignore_unknown=body.ignore_unknown_ids)
        writable(access, rows)
        nodes = [row["id"] for row in rows if row["space"] is not None]
        if nodes:
            raise BadRequest(f"Files {nodes} are CogniteFile nodes: delete them through data modeling")
        superseded = store.delete(db, [row["id"] for row in rows])
    sandbox.blobs.remove(superseded)
    return Json({})


@metadata_router.get("/icon")
def file_icon(
    sandbox: SandboxDep,
    access: AccessDep,
    id: InternalId | None = None,
    external_id: Annotated[ExternalId | None, Query(alias="externalId")] = None,
    space: str | None = None,
    instance_external_id: Annotated[str | None, Query(alias="instanceExternalId")] = None,
) -> Response:
    """A small JPEG of an image file."""
    store.require_some_reading(access)
    given: dict[str, Any] = {"id": id, "externalId": external_id}
    if space is not None or instance_external_id is not None:
        given["instanceId"] = {"space": space, "externalId": instance_external_id}
    identifier = FileId.model_validate(given_only(given))
    with sandbox.read() as db:
        row = _one(db, sandbox, identifier)
    readable(access, [row])
    if row["blob"] is None:
        raise BadRequest(f"File {row['id']} has no content yet")
    _, stream = store.open_content(sandbox, row["id"])
    with stream:
        return Response(small_jpeg(stream), media_type="image/jpeg")


@metadata_router.get("/{file_id}")
def retrieve_file(sandbox: SandboxDep, access: AccessDep, file_id: InternalId) -> Response:
    """One file."""
    store.require_some_reading(access)
    with sandbox.read() as db:
        row = _one(db, sandbox, FileId(id=file_id), status=404)
    return Json(_items(sandbox, readable(access, [row]))[0])


def _one(db: Connection, sandbox: Sandbox, identifier: FileId, status: int = 400) -> Row:
    row = store.find(db, identifier, sandbox.clock.now_ms())
    if row is None:
        raise FILES.unknown([identifier.wire()], status)
    return row


router = APIRouter(route_class=CdfRoute)
for part in (uploads_router, metadata_router):
    router.include_router(part)
