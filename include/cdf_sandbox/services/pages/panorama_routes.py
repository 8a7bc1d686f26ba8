"""The panorama viewer on a collection, and what it reads; to this machine only, as the other pages.

The viewer is the package `panorama_viewer`: files without code, which the product serves as well.
"""

import html
import os
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath
from starlette.responses import Response, StreamingResponse

from cdf_sandbox.core.errors import BadRequest, NotFound
from cdf_sandbox.core.http import Json
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.files.contents import chunks
from cdf_sandbox.services.files.icons import small_jpeg
from cdf_sandbox.services.files.store import open_content
from cdf_sandbox.services.pages import panorama, store
from cdf_sandbox.services.pages.routes import asked_by_own_name

_VIEWER = files("panorama_viewer")
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
_SMALL_PX = 512
_PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8": "image/jpeg"}
_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cache-control": "no-store"}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(dependencies=[Depends(asked_by_own_name)])
Kind = Literal["legacy", "core"]
ExternalId = Annotated[str, Query(alias="externalId")]


def _view_address(kind: str, space: str, external_id: str) -> str:
    return f"/sandbox/panorama/view?{urlencode({'kind': kind, 'space': space, 'externalId': external_id})}"


@router.get("/sandbox/panorama")
def panorama_page(kind: Kind, space: str, external_id: ExternalId) -> Response:
    """The viewer on one collection."""
    addresses = {
        "static": "/sandbox/panorama/static",
        "source": _view_address(kind, space, external_id),
        "captures": "/sandbox/panorama/collections",
    }
    text = (_VIEWER / "viewer.html").read_text(encoding="utf-8")
    for name, address in addresses.items():
        text = text.replace(f"{{{name}}}", html.escape(address))
    headers = _HEADERS | {"content-security-policy": _PAGE_POLICY}
    return Response(text, media_type="text/html", headers=headers)


@router.get("/sandbox/panorama/static/{name}")
def static(name: Annotated[str, InPath(pattern=r"^[a-z]{1,40}\.(css|js)$")]) -> Response:
    """A script or the style of the viewer."""
    file = _VIEWER / name
    if not file.is_file():
        raise NotFound(f"There is no {name}")
    return Response(file.read_bytes(), media_type=_MEDIA_TYPES[PurePosixPath(name).suffix], headers=_HEADERS)


@router.get("/sandbox/panorama/view")
def view(sandbox: SandboxDep, kind: Kind, space: str, external_id: ExternalId) -> Response:
    """One collection for the viewer."""
    with sandbox.read() as db:
        document = panorama.view(db, kind, space, external_id)
    if not document["stations"]:
        raise NotFound(f"There are no images with a pose in collection {space}/{external_id}")
    return Json(document)


@router.get("/sandbox/panorama/collections")
def collections(sandbox: SandboxDep, like: str = "") -> Response:
    """Collections whose names hold `like`, to be seen beside another."""
    with sandbox.read() as db:
        found = store.named_collections(db)
    items = [
        {
            "name": f"{each['space']}/{each['externalId']}",
            "view": _view_address(each["kind"], each["space"], each["externalId"]),
        }
        for each in found
    ]
    return Json([each for each in items if like.casefold() in each["name"].casefold()])


@router.get("/sandbox/panorama/faces/{file_id}")
def face(sandbox: SandboxDep, file_id: int, size: Literal["small", "full"] = "full") -> Response:
    """A face of an image, whole or small."""
    _, stream = open_content(sandbox, file_id % 2**63)
    start = stream.read(4)
    media_type = next((kind for magic, kind in _PICTURES.items() if start.startswith(magic)), None)
    if media_type is None:
        stream.close()
        raise BadRequest("This face cannot be read as a picture")
    stream.seek(0)
    if size == "small":
        with stream:
            return Response(small_jpeg(stream, _SMALL_PX, quality=70), media_type="image/jpeg", headers=_HEADERS)
    return StreamingResponse(chunks(stream, os.fstat(stream.fileno()).st_size), media_type=media_type, headers=_HEADERS)
