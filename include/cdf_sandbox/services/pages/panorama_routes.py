"""The panorama viewer on a collection, and what it reads; to this machine only, as the other pages.

The viewer is the package `panorama_viewer`: files without code, which the product serves as well.
"""

import html
import io
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath
from PIL import Image
from starlette.responses import Response

from cdf_sandbox.core.errors import ApiError, NotFound
from cdf_sandbox.core.http import Json
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.pages import panorama, store
from cdf_sandbox.services.pages.routes import asked_by_own_name

_VIEWER = files("panorama_viewer")
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
_SMALL_PX = 512
_MAX_PIXELS = 200_000_000
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
        found = store.collections(db, 0)
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
    with sandbox.read() as db:
        row = db.execute("SELECT blob FROM files WHERE id = ?", (file_id % 2**63,)).fetchone()
    if row is None or row["blob"] is None:
        raise NotFound(f"There is no content for file {file_id}")
    path = sandbox.blobs.path(row["blob"])
    content, media_type = _small(path) if size == "small" else (path.read_bytes(), _media_type(path))
    return Response(content, media_type=media_type, headers=_HEADERS)


def _media_type(path: Path) -> str:
    with path.open("rb") as file:
        return "image/png" if file.read(4) == b"\x89PNG" else "image/jpeg"


def _small(path: Path) -> tuple[bytes, str]:
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise ApiError(400, f"No small picture of {image.width} x {image.height} pixels")
            image.draft("RGB", (_SMALL_PX, _SMALL_PX))
            image.thumbnail((_SMALL_PX, _SMALL_PX))
            small = io.BytesIO()
            image.convert("RGB").save(small, "JPEG", quality=70)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ApiError(400, "This face cannot be read as a picture") from None
    return small.getvalue(), "image/jpeg"
