"""The panorama viewer: its page, its static files, and captures and faces from CDF.

    view/<site>/<capture>                    the page
    static/<name>                            its scripts and style
    views/<site>/<capture>                   the capture as JSON, see `capture360.reports.panorama`
    captures/<site>?like=<text>              other captures of the site, as JSON
    faces/<site>/<capture>/<image>/<face>    a face of an image, `size` thumbnail, small or full

Browsers get content of CDF only through these routes: no link to CDF's storage and no token reaches them.
"""

from __future__ import annotations

import html
import logging
import math
from dataclasses import dataclass
from importlib.resources import files
from itertools import count, islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response

from airflow_capture360.web.kept import Kept
from airflow_capture360.web.responses import Held, Json, unless_held
from airflow_capture360.web.site_register import site_register
from capture360.capture_state import Stage
from capture360.model import CAPTURE_LENGTH, SITE_LENGTH, CaptureKey, FaceName

if TYPE_CHECKING:
    from capture360.steps.context import StepContext
    from capture360.steps.view import ViewedCapture

log = logging.getLogger(__name__)
router = APIRouter()

_STATIC = files("panorama_viewer")
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_NO_SCRIPTS = "default-src 'none'; frame-ancestors 'none'; sandbox"
_OTHERS = 50
"""Captures that are offered for comparison."""
MOST_REJECTED = 200
"""Rejected ones whose records are read to find these."""
_SHOWN = {Stage.PUBLISHED, Stage.CONTEXTUALIZED}
_UNUSED_S = 60
"""Seconds after the last use for which the images of a capture are cached, so that a face takes one request to CDF."""
_OLDEST_S = 600
_CHANGED_S = 10
"""Age from which they are read again if a page asks for another content of a face."""
_LONGEST_OPENING_S = 60.0
"""Seconds that whoever opens a capture waits for its images, which are listed."""
_CAPTURES_REMEMBERED = 32
_BYTES_REMEMBERED = 64_000_000

_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
SiteId = Annotated[str, Path(max_length=SITE_LENGTH, pattern=_ID)]
CaptureId = Annotated[str, Path(max_length=CAPTURE_LENGTH, pattern=_ID)]
ImageId = Annotated[str, Path(max_length=255)]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A capture with the context that reads its faces."""

    ctx: StepContext
    capture: ViewedCapture


_opened: Kept[CaptureKey, _Opened] = Kept(_CAPTURES_REMEMBERED, _UNUSED_S, _OLDEST_S, longest_s=_LONGEST_OPENING_S)
_faces: Kept[tuple[tuple[str, str], str], bytes] = Kept(_BYTES_REMEMBERED, math.inf, math.inf, size=len)
"""Full faces by project and file; a file's content never changes."""


@router.get("/view/{site}/{capture}")
def page(site: SiteId, capture: CaptureId) -> Response:
    """Return the viewer for one capture."""
    addresses = {
        "static": "../../static",
        "source": f"../../views/{site}/{capture}",
        "captures": f"../../captures/{site}",
    }
    text = (_STATIC / "viewer.html").read_text(encoding="utf-8")
    for name, address in addresses.items():
        text = text.replace(f"{{{name}}}", html.escape(address))
    headers = {**_HEADERS, "Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "private, no-store"}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/static/{name}")
def static(name: Annotated[str, Path(pattern=r"^[a-z]{1,40}\.(css|js)$")]) -> Response:
    """Return a script or the style of the viewer."""
    file = _STATIC / name
    if not file.is_file():
        raise HTTPException(404, "There is no such file.")
    headers = {**_HEADERS, "Content-Security-Policy": _NO_SCRIPTS, "Cache-Control": "private, max-age=300"}
    return Response(file.read_bytes(), media_type=_MEDIA_TYPES[PurePosixPath(name).suffix], headers=headers)


@router.get("/views/{site}/{capture}")
def view(site: SiteId, capture: CaptureId) -> Response:
    """Return the viewer's document of one capture, read from CDF and the records."""
    from capture360.steps.view import view_document

    opened = _open(CaptureKey(site, capture), anew_after_s=0)
    document = view_document(opened.ctx, opened.capture)
    return _json({**document, "page": f"../../captures/{site}/{capture}"})


@router.get("/captures/{site}")
def captures(site: SiteId, like: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Return names and view addresses of captures whose keys contain `like`: the one of that name, then the newest.

    What was retracted, or rejected while CDF shows no earlier delivery of it, is left out; so are rejected ones after
    the first `MOST_REJECTED`, since each takes several reads of the records.
    """
    from capture360.records import Records
    from capture360.steps.review_due import shown_state

    register = site_register()
    register.site(site)
    records = Records(register.records_url)
    ends = records.ends(site)
    wanted = like.casefold()
    looks = count(1)

    def is_shown(key: CaptureKey) -> bool:
        if ends[key] is not Stage.REJECTED:
            return ends[key] is not Stage.RETRACTED
        state = shown_state(records, key) if next(looks) <= MOST_REJECTED else None
        return state is not None and state.stage in _SHOWN

    found = [key for key in ends if wanted in str(key).casefold()]
    found.sort(key=lambda key: (str(key).casefold() == wanted, str(key)), reverse=True)
    some = map(str, islice(filter(is_shown, found), _OTHERS))
    return _json([{"name": name, "view": f"../views/{name}"} for name in some])


@router.get("/faces/{site}/{capture}/{image}/{face}")
def face(
    site: SiteId,
    capture: CaptureId,
    image: ImageId,
    face: FaceName,
    size: Literal["thumbnail", "small", "full"] = "full",
    version: Annotated[str, Query(max_length=40)] = "",
    held: Held = "",
) -> Response:
    """Return a face of an image as stored in CDF, or a small JPEG of it; `version` only distinguishes contents.

    None of a retracted capture, though it is cached here or by the browser.
    """
    from capture360.pictures.jpeg import read_header
    from capture360.pictures.small import SMALL, THUMBNAIL, small_copy
    from capture360.steps.view import refuse_retracted

    key = CaptureKey(site, capture)
    where = f"The {face} face of {image}"
    opened = _open(key)
    refuse_retracted(opened.ctx.records, key)
    ref = opened.capture.face(image, face)
    if ref is None or version not in {"", ref.external_id[-16:]}:
        opened = _open(key, anew_after_s=_CHANGED_S)
        ref = opened.capture.face(image, face)
    if ref is None:
        raise HTTPException(404, f"{key} has no {face} face of {image}.")
    headers, answer = unless_held(
        f"{ref.external_id[-16:]}-{size}", held, {**_HEADERS, "Content-Security-Policy": _NO_SCRIPTS}
    )
    if answer is not None:
        return answer
    content = _content(opened, ref)
    if size != "full":
        content = small_copy(content, SMALL if size == "small" else THUMBNAIL, where)
    return Response(content, media_type=read_header(content, where).mime_type, headers=headers)


def _open(key: CaptureKey, *, anew_after_s: float | None = None) -> _Opened:
    """Return a cached capture, or read it; also if it was read longer ago than `anew_after_s`."""
    return _opened.get(key, lambda: _read(key), anew_after_s=anew_after_s)


def _read(key: CaptureKey) -> _Opened:
    from airflow_capture360.hooks import CogniteCdfHook
    from capture360.records import Records
    from capture360.steps.context import StepContext
    from capture360.steps.view import viewed

    register = site_register()
    settings = register.site(key.site)
    project = CogniteCdfHook(settings.connection).project()
    ctx = StepContext(settings, Records(register.records_url), project, "viewer", log.debug)
    return _Opened(ctx, viewed(ctx, key))


def _content(opened: _Opened, ref: Any) -> bytes:
    from capture360.steps.view import face_content

    name = (opened.ctx.cdf.connection.identity, f"{ref.space or ''}/{ref.external_id}")
    return _faces.get(name, lambda: face_content(opened.ctx, ref))


def _json(document: Any) -> Response:
    headers = {**_HEADERS, "Content-Security-Policy": _NO_SCRIPTS, "Cache-Control": "private, no-store"}
    return Json(document, headers=headers)
