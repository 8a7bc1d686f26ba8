"""The second origin: upload by PUT and download by GET, with signed links instead of tokens."""

import os
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from cdf_sandbox.core.errors import BadRequest, LengthRequired, LinkRefused, NotFound, TooLarge
from cdf_sandbox.core.middleware import STORE_FAULT
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.services.files import store
from cdf_sandbox.services.files.store import finish_upload, open_content

links_router = APIRouter(prefix="/links")

_MAX_SINGLE_PUT = 5_000_000_000
_MAX_PART = 4000 * 1024 * 1024
_READ_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")


def _content_length(request: Request, limit: int) -> int:
    """The announced size; object stores refuse chunked bodies, so it must be there."""
    announced = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers or not announced.isdecimal():
        raise LengthRequired
    if int(announced) > limit:
        raise TooLarge(f"The upload of {announced} bytes exceeds the limit of {limit} bytes; use a multipart upload")
    return int(announced)


async def _receive(sandbox: Sandbox, request: Request, size: int) -> str:
    received = 0
    fault = request.scope.get(STORE_FAULT)
    try:
        with sandbox.blobs.incoming() as (name, stream):
            async for chunk in request.stream():
                stream.write(_spoilt(chunk) if fault == "wrong-bytes" else chunk)
                received += len(chunk)
            if fault == "short-store":
                stream.truncate(received // 2)
            if received != size:
                raise BadRequest(f"The body ended after {received} of {size} bytes")
    except ClientDisconnect:
        raise BadRequest(f"The connection ended after {received} of {size} bytes") from None
    return name


def _spoilt(chunk: bytes) -> bytes:
    return bytes(255 - byte for byte in chunk)


async def _finish_or_drop(sandbox: Sandbox, blob: str, finish: Callable[[], list[str]]) -> None:
    try:
        superseded = await run_in_threadpool(finish)
    except BaseException:
        sandbox.blobs.remove([blob])
        raise
    sandbox.blobs.remove(superseded)


@links_router.put("/upload/{token}")
async def put_content(request: Request, sandbox: SandboxDep, token: str) -> Response:
    """The whole content of a file; the old one stays until the new one is in."""
    link = sandbox.links.open("upload", token)
    size = _content_length(request, _MAX_SINGLE_PUT)
    content_type = request.headers.get("content-type")
    if link["type"] is not None and content_type != link["type"]:
        raise LinkRefused(f"Content-Type {content_type!r} is not {link['type']!r}, for which the link was signed")
    blob = await _receive(sandbox, request, size)
    content = store.Content(blob, size, link["type"] or content_type)

    def finish() -> list[str]:
        with sandbox.write() as db:
            return finish_upload(sandbox, db, link["file"], content)

    await _finish_or_drop(sandbox, blob, finish)
    return Response(status_code=200)


@links_router.put("/part/{token}")
async def put_part(request: Request, sandbox: SandboxDep, token: str) -> Response:
    """One part of a multipart upload; a part may be sent again."""
    link = sandbox.links.open("part", token)
    size = _content_length(request, _MAX_PART)
    if "content-type" in request.headers:
        raise LinkRefused("The link of a part is signed without a Content-Type; send none")
    blob = await _receive(sandbox, request, size)

    def finish() -> list[str]:
        with sandbox.write() as db:
            row = db.execute(
                "SELECT blob FROM file_parts WHERE upload_id = ? AND part = ?", (link["upload"], link["part"])
            ).fetchone()
            if row is None:
                raise NotFound("The multipart upload of this link was completed or given up")
            db.execute(
                "UPDATE file_parts SET blob = ?, size = ? WHERE upload_id = ? AND part = ?",
                (blob, size, link["upload"], link["part"]),
            )
        return [row["blob"]] if row["blob"] else []

    await _finish_or_drop(sandbox, blob, finish)
    return Response(status_code=200)


@links_router.get("/download/{token}")
def get_content(request: Request, sandbox: SandboxDep, token: str) -> Response:
    """The content of a file as it is now, with its media type; or one range of its bytes."""
    link = sandbox.links.open("download", token)
    row, stream = open_content(sandbox, link["file"])
    size = os.fstat(stream.fileno()).st_size
    headers = {"accept-ranges": "bytes", "x-content-type-options": "nosniff"}
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    first, last = 0, size - 1
    if wanted:
        first, last = int(wanted[1]), min(last, int(wanted[2] or last))
        if first > last:
            stream.close()
            return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
        headers["content-range"] = f"bytes {first}-{last}/{size}"
    stream.seek(first)
    content = chunks(stream, last + 1 - first)
    if request.scope.get(STORE_FAULT) == "wrong-bytes":
        content = map(_spoilt, content)
    return StreamingResponse(
        content,
        status_code=206 if wanted else 200,
        media_type=row["content_type"] or "application/octet-stream",
        headers={"content-length": str(last + 1 - first), **headers},
    )


def chunks(stream: BinaryIO, length: int) -> Iterator[bytes]:
    """Yield so many bytes of a stream, which is closed in the end."""
    with stream:
        while length and (chunk := stream.read(min(_READ_CHUNK, length))):
            length -= len(chunk)
            yield chunk
