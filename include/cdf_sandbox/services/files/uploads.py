"""Endpoints of the Files API that start and end uploads and hand out links."""

import json
import uuid
from contextlib import AbstractContextManager
from sqlite3 import Connection, Row
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import CdfRoute, Json
from cdf_sandbox.core.identifiers import FileId
from cdf_sandbox.core.patches import without_empties
from cdf_sandbox.core.references import check_attached, check_references
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.services.files import store
from cdf_sandbox.services.files.models import CompleteUpload, DownloadIds, FileWrite, UploadIds
from cdf_sandbox.services.files.store import FILES, categories_of, finish_upload, readable, writable

uploads_router = APIRouter(prefix="/files", route_class=CdfRoute)

_WEEK = 7 * 86400.0
_DOWNLOAD_LIFETIME = 30.0
_EXTENDED_DOWNLOAD_LIFETIME = 3600.0
_MIN_PART = 5 * 1024 * 1024

Parts = Annotated[int, Query(ge=1, le=250)]


def _link(sandbox: Sandbox, request: Request, purpose: str, content: dict[str, Any], lifetime: float) -> str:
    host = request.url.hostname or sandbox.options.host
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{sandbox.link_port}/links/{purpose}/{sandbox.links.token(purpose, content, lifetime)}"


def _upload_link(sandbox: Sandbox, request: Request, row: Row) -> str:
    mime_type = json.loads(row["doc"]).get("mimeType")
    return _link(sandbox, request, "upload", {"file": row["id"], "type": mime_type}, _WEEK)


def _part_links(sandbox: Sandbox, request: Request, db: Connection, row: Row, parts: int) -> dict[str, Any]:
    upload_id = uuid.uuid4().hex
    db.executemany(
        "INSERT INTO file_parts (upload_id, part, file_id) VALUES (?, ?, ?)",
        [(upload_id, part, row["id"]) for part in range(parts)],
    )
    urls = [
        _link(sandbox, request, "part", {"file": row["id"], "upload": upload_id, "part": part}, _WEEK)
        for part in range(parts)
    ]
    return {"uploadId": upload_id, "uploadUrls": urls}


def _changing(sandbox: Sandbox, body: FileWrite, *, overwrite: bool) -> AbstractContextManager[Connection]:
    """Open a transaction for a new file, or for one to overwrite, which another request may be changing."""
    return sandbox.change("files", [{"externalId": body.external_id}] if overwrite and body.external_id else [])


def _create_or_overwrite(sandbox: Sandbox, db: Connection, access: Access, body: FileWrite, *, overwrite: bool) -> Row:
    """The file that the upload is for."""
    now = sandbox.clock.now_ms()
    document = body.model_dump(by_alias=True, exclude_none=True)
    access.require_data_sets("filesAcl", "WRITE", [body.data_set_id])
    access.require_categories(categories_of(document))
    existing = None
    if overwrite and body.external_id is not None:
        existing = store.find(db, FileId.model_validate({"externalId": body.external_id}), now)
    if existing is not None:
        writable(access, [existing])
        if existing["space"] is not None:
            raise BadRequest(f"File {existing['id']} is a CogniteFile: upload to it by its instanceId")
        before = json.loads(existing["doc"])
        check_references(db, [document], before)
        check_attached(sandbox, db, document, before)
        FILES.save(db, existing, without_empties(before | document), now)
        file_id = existing["id"]
    else:
        check_references(db, [document])
        FILES.check_free(db, [document])
        check_attached(sandbox, db, document)
        file_id = FILES.insert(db, without_empties(document), now, present_from=now)
    row = store.find(db, FileId(id=file_id), now)
    assert row is not None
    return row


def _uploadable(db: Connection, access: Access, identifier: FileId, now: int) -> Row:
    """The file that the caller may upload to: by `filesAcl`, or a node by the capabilities for its view and space."""
    instance = identifier.instance_id
    if instance is None or not store.is_node_allowed(access, instance.space, "WRITE"):
        access.require("filesAcl", "WRITE")
        return writable(access, store.find_all(db, [identifier], now))[0]
    return store.find_all(db, [identifier], now)[0]


@uploads_router.post("", status_code=201)
def create_file(
    request: Request, sandbox: SandboxDep, access: AccessDep, body: FileWrite, overwrite: bool = False
) -> Response:
    """Create or overwrite metadata; the answer has the URL for one PUT of the content."""
    with _changing(sandbox, body, overwrite=overwrite) as db:
        row = _create_or_overwrite(sandbox, db, access, body, overwrite=overwrite)
    return Json(_created(sandbox, row) | {"uploadUrl": _upload_link(sandbox, request, row)}, status_code=201)


def _created(sandbox: Sandbox, row: Row) -> dict[str, Any]:
    """A new file as the API shows it: always with labels."""
    return {"labels": []} | store.file_json(row, sandbox.clock.now_ms())


@uploads_router.post("/initmultipartupload", status_code=201)
def start_multipart(
    request: Request, sandbox: SandboxDep, access: AccessDep, body: FileWrite, parts: Parts, overwrite: bool = False
) -> Response:
    """Create or overwrite metadata; the answer has a URL for each part."""
    with _changing(sandbox, body, overwrite=overwrite) as db:
        row = _create_or_overwrite(sandbox, db, access, body, overwrite=overwrite)
        links = _part_links(sandbox, request, db, row, parts)
    return Json(_created(sandbox, row) | links, status_code=201)


@uploads_router.post("/uploadlink", status_code=201)
def upload_link(request: Request, sandbox: SandboxDep, access: AccessDep, body: UploadIds) -> Response:
    """A URL for one PUT of the content of a file that is there already."""
    now = sandbox.clock.now_ms()
    with sandbox.read() as db:
        row = _uploadable(db, access, body.items[0], now)
    return Json(
        {"items": [store.file_json(row, now) | {"uploadUrl": _upload_link(sandbox, request, row)}]}, status_code=201
    )


@uploads_router.post("/multiuploadlink", status_code=201)
def multipart_upload_link(
    request: Request, sandbox: SandboxDep, access: AccessDep, body: UploadIds, parts: Parts
) -> Response:
    """A URL for each part of the content of a file that is there already."""
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        row = _uploadable(db, access, body.items[0], now)
        links = _part_links(sandbox, request, db, row, parts)
    return Json({"items": [store.file_json(row, now) | links]}, status_code=201)


@uploads_router.post("/completemultipartupload")
def complete_multipart(sandbox: SandboxDep, access: AccessDep, body: CompleteUpload) -> Response:
    """Put the parts together; the file then has its new content."""
    with sandbox.conflicts.changing("files", [body.wire()]):
        return _complete(sandbox, access, body)


def _complete(sandbox: Sandbox, access: Access, body: CompleteUpload) -> Response:
    with sandbox.read() as db:
        row = _uploadable(db, access, body, sandbox.clock.now_ms())
        parts = db.execute(
            "SELECT part, blob, size FROM file_parts WHERE upload_id = ? AND file_id = ? ORDER BY part",
            (body.upload_id, row["id"]),
        ).fetchall()
    if not parts:
        raise BadRequest(f"Upload {body.upload_id!r} is not an open upload of file {row['id']}")
    absent = [part["part"] + 1 for part in parts if part["blob"] is None]
    if absent:
        raise BadRequest(f"Parts {absent} of {len(parts)} were not uploaded")
    small = [part["part"] + 1 for part in parts[:-1] if part["size"] <= _MIN_PART]
    if small:
        raise BadRequest(f"Parts {small} are too small: all but the last must be larger than 5 MiB")
    try:
        joined = sandbox.blobs.join(part["blob"] for part in parts)
    except FileNotFoundError:
        raise BadRequest(f"A part of upload {body.upload_id!r} is being replaced; complete it afterwards") from None
    content = store.Content(joined, sum(part["size"] for part in parts), json.loads(row["doc"]).get("mimeType"))
    try:
        with sandbox.write() as db:
            ended = db.execute("DELETE FROM file_parts WHERE upload_id = ?", (body.upload_id,)).rowcount
            if not ended:
                raise BadRequest(f"Upload {body.upload_id!r} was completed already")
            superseded = finish_upload(sandbox, db, row["id"], content)
    except BaseException:
        sandbox.blobs.remove([joined])
        raise
    sandbox.blobs.remove([*superseded, *(part["blob"] for part in parts)])
    return Json({})


@uploads_router.post("/downloadlink")
def download_links(
    request: Request,
    sandbox: SandboxDep,
    access: AccessDep,
    body: DownloadIds,
    extended: Annotated[bool, Query(alias="extendedExpiration")] = False,
) -> Response:
    """URLs to get contents from, each beside the identifier that was asked for."""
    store.require_some_reading(access)
    now = sandbox.clock.now_ms()
    with sandbox.read() as db:
        rows = store.find_each(db, body.items, now)
    readable(access, rows)
    empty = [row["id"] for row in rows if row["uploaded_from"] is None or row["uploaded_from"] > now]
    if empty:
        raise BadRequest(f"Files not uploaded, ids: {empty}")
    lifetime = _EXTENDED_DOWNLOAD_LIFETIME if extended else _DOWNLOAD_LIFETIME
    return Json(
        {
            "items": [
                identifier.wire() | {"downloadUrl": _link(sandbox, request, "download", {"file": row["id"]}, lifetime)}
                for identifier, row in zip(body.items, rows, strict=True)
            ]
        }
    )
