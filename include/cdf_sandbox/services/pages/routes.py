"""The pages: rendered on the server, without external resources or scripts, shown to this machine only."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from cdf_sandbox.core.errors import ApiError, NotFound
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep, current_sandbox
from cdf_sandbox.services.files.icons import small_jpeg
from cdf_sandbox.services.files.store import open_content
from cdf_sandbox.services.pages import store

_JOINT = re.compile(r"[_/:.-]")
_TEMPLATES = Path(__file__).parent / "templates"
_SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def _shown_time(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _shown_size(size: int | None) -> str:
    if size is None:
        return ""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def _breakable(text: Any) -> Markup:
    """Text that may go on in the next line after each of its joints, as ids and paths must in narrow columns."""
    return Markup(_JOINT.sub(r"\g<0><wbr>", str(escape(text))))  # noqa: S704 - escaped here; no entity holds a joint


_environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
_environment.filters.update(time=_shown_time, size=_shown_size, breakable=_breakable)


def asked_by_own_name(request: Request) -> None:
    """Refuse requests that reached the sandbox under a foreign host name, as a page of another site could make them."""
    options = current_sandbox(request).options
    host = request.url.hostname or ""
    if options.public or host in ("localhost", options.host, options.advertised_host):
        return
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    raise ApiError(403, "This page is shown under the sandbox's own name only")


router = APIRouter(dependencies=[Depends(asked_by_own_name)])
Page = Annotated[int, Query(ge=0, le=1_000_000)]


def _page(sandbox: Sandbox, template: str, **values: Any) -> Response:
    html = _environment.get_template(template).render(options=sandbox.options, **values)
    return Response(html, media_type="text/html", headers=_SECURITY_HEADERS)


@router.get("/")
def overview(
    request: Request, sandbox: SandboxDep, collection: str | None = None, asset: str | None = None
) -> Response:
    """Overview of the sandbox and its contents; or the `collection` or `asset` that a link from elsewhere names."""
    if collection is not None:
        return _opened(sandbox, collection)
    if asset is not None:
        return _asset_page(sandbox, asset)
    with sandbox.read() as db:
        counts = store.counts(db)
    return _page(
        sandbox, "overview.html.j2", counts=counts, counters=sandbox.counters.snapshot(), base_url=str(request.base_url)
    )


def _opened(sandbox: Sandbox, name: str) -> Response:
    """Send the browser to the panoramas of the collection `<space>/<externalId>`; 404 if there is none."""
    space, _, external_id = name.partition("/")
    with sandbox.read() as db:
        kind = store.kind_of(db, space, external_id)
    if kind is None:
        raise NotFound(f"There is no 360° collection {name}")
    query = urlencode({"kind": kind, "space": space, "externalId": external_id})
    return RedirectResponse(f"/sandbox/panorama?{query}", 303, headers=_SECURITY_HEADERS)


def _asset_page(sandbox: Sandbox, reference: str) -> Response:
    """A classic asset by its id, or a node by `<space>/<externalId>`; 404 if there is none."""
    with sandbox.read() as db:
        document = store.asset(db, reference)
    if document is None:
        raise NotFound(f"There is no asset {reference}")
    return _page(sandbox, "asset.html.j2", reference=reference, document=document)


@router.get("/sandbox/pages/collection")
def collection_page(
    sandbox: SandboxDep,
    kind: str,
    space: str,
    external_id: Annotated[str, Query(alias="externalId")],
    page: Page = 0,
) -> Response:
    """The images of one collection with their faces."""
    with sandbox.read() as db:
        items = store.collection(db, kind, space, external_id, page)
        label = store.label_of(db, kind, space, external_id)
    return _page(
        sandbox,
        "collection.html.j2",
        items=items,
        label=label,
        page=page,
        size=store.PAGE_SIZE,
        kind=kind,
        space=space,
        external_id=external_id,
    )


@router.get("/sandbox/pages/requests")
def requests_page(sandbox: SandboxDep) -> Response:
    """The last requests."""
    return _page(sandbox, "requests.html.j2", items=sandbox.counters.recent(500))


_LISTS: Mapping[str, Callable[[Connection, int, int], Sequence[Any]]] = {
    "files": store.files,
    "collections": lambda db, page, _: store.collections(db, page),
    "instances": lambda db, page, _: store.instances(db, page),
    "annotations": lambda db, page, _: store.annotations(db, page),
    "jobs": store.revisions,
}


@router.get("/sandbox/pages/{name}")
def list_page(sandbox: SandboxDep, name: str, page: Page = 0) -> Response:
    """A list by name; a page of it."""
    if name not in _LISTS:
        raise NotFound(f"There is no page {name}")
    with sandbox.read() as db:
        items = _LISTS[name](db, page, sandbox.clock.now_ms())
    return _page(sandbox, f"{name}.html.j2", items=items, page=page, size=store.PAGE_SIZE)


@router.get("/sandbox/pages/preview/{file_id}")
def preview(sandbox: SandboxDep, file_id: int) -> Response:
    """A small picture of an image file."""
    _, stream = open_content(sandbox, file_id % 2**63)
    with stream:
        return Response(small_jpeg(stream), media_type="image/jpeg", headers=_SECURITY_HEADERS)


@router.get("/sandbox/style.css")
def style() -> Response:
    """The style sheet of the pages."""
    return Response((_TEMPLATES / "style.css").read_text(), media_type="text/css", headers=_SECURITY_HEADERS)
