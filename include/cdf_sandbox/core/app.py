"""The sandbox as an ASGI application: the services and the order in which their tables are created."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from fastapi import APIRouter, Depends, FastAPI

from cdf_sandbox.core import auth, keys
from cdf_sandbox.core import groups as groups_store
from cdf_sandbox.core.auth import auth_router, project_access
from cdf_sandbox.core.blobs import Blobs
from cdf_sandbox.core.clock import Clock
from cdf_sandbox.core.control import control_router
from cdf_sandbox.core.errors import install_error_handlers
from cdf_sandbox.core.http import PROJECT_PREFIX, CdfRoute, refuse_unknown_query
from cdf_sandbox.core.limits import Conflicts, Limits
from cdf_sandbox.core.links import Links
from cdf_sandbox.core.middleware import ApiCors, RequestMiddleware
from cdf_sandbox.core.options import Options
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.core.storage import Storage
from cdf_sandbox.services.annotations import routes as annotations
from cdf_sandbox.services.annotations import store as annotations_store
from cdf_sandbox.services.assets import routes as assets
from cdf_sandbox.services.assets import store as assets_store
from cdf_sandbox.services.data_modeling import routes as data_modeling
from cdf_sandbox.services.data_modeling import store as data_modeling_store
from cdf_sandbox.services.data_sets import routes as data_sets
from cdf_sandbox.services.data_sets import store as data_sets_store
from cdf_sandbox.services.extraction_pipelines import routes as extraction_pipelines
from cdf_sandbox.services.extraction_pipelines import store as extraction_pipelines_store
from cdf_sandbox.services.files import contents, syncer
from cdf_sandbox.services.files import routes as files
from cdf_sandbox.services.files import store as files_store
from cdf_sandbox.services.groups import routes as groups
from cdf_sandbox.services.labels import routes as labels
from cdf_sandbox.services.labels import store as labels_store
from cdf_sandbox.services.pages import panorama_routes
from cdf_sandbox.services.pages import routes as pages
from cdf_sandbox.services.projects import routes as projects
from cdf_sandbox.services.security_categories import routes as security_categories
from cdf_sandbox.services.security_categories import store as security_categories_store
from cdf_sandbox.services.sessions import routes as sessions
from cdf_sandbox.services.sessions import store as sessions_store
from cdf_sandbox.services.three_d import routes as three_d
from cdf_sandbox.services.three_d import store as three_d_store
from cdf_sandbox.services.three_d.nodes import RevisionStatuses
from cdf_sandbox.services.vision import routes as vision
from cdf_sandbox.services.vision import store as vision_store


@dataclass(frozen=True)
class Service:
    """One API of a project: its routes, relative to the project, and the DDL of its tables."""

    router: APIRouter
    ddl: str


SERVICES: Sequence[Service] = (
    Service(groups.router, groups_store.DDL),
    Service(security_categories.router, security_categories_store.DDL),
    Service(sessions.router, sessions_store.DDL),
    Service(data_sets.router, data_sets_store.DDL),
    Service(labels.router, labels_store.DDL),
    Service(assets.router, assets_store.DDL),
    Service(files.router, files_store.DDL),
    Service(annotations.router, annotations_store.DDL),
    Service(extraction_pipelines.router, extraction_pipelines_store.DDL),
    Service(three_d.router, three_d_store.DDL),
    Service(vision.router, vision_store.DDL),
    Service(data_modeling.router, data_modeling_store.DDL),
)


def create_sandbox(options: Options) -> Sandbox:
    """Open or create the storage in `options.data`."""
    ddl = [keys.DDL, auth.DDL, *(service.ddl for service in SERVICES)]
    storage = Storage(options.data / "sandbox.db", ddl)
    clock = Clock()
    blobs = Blobs(options.data / "blobs")
    with storage.write() as db:
        links = Links(keys.kept_key(db, "links"), clock)
        blobs.remove_orphans(files_store.referenced_blobs(db))
    limits = Limits(refused_count=options.throttled_requests_count)
    conflicts = Conflicts(refused=options.rate_limits and options.conflicting_requests_are_refused)
    sandbox = Sandbox(
        options=options, clock=clock, storage=storage, blobs=blobs, links=links, limits=limits, conflicts=conflicts
    )
    sandbox.chores += [files_store.AbandonedFiles(sandbox), RevisionStatuses(sandbox)]
    syncer.install(sandbox)
    return sandbox


def create_app(options: Options, sandbox: Sandbox | None = None) -> FastAPI:
    """Build the API origin; its sandbox is `app.state.sandbox`."""
    app = FastAPI(title="CDF sandbox", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.router.route_class = CdfRoute
    app.state.sandbox = sandbox or create_sandbox(options)
    install_error_handlers(app)
    app.router.routes.extend(_api().routes)
    app.add_middleware(RequestMiddleware, sandbox=app.state.sandbox)
    app.add_middleware(ApiCors)
    return app


@cache
def _api() -> APIRouter:
    """Return all routes: they hold no state, and analysing them takes longer than all else that starting needs."""
    api = APIRouter(route_class=CdfRoute)
    api.include_router(auth_router)
    api.include_router(projects.router, dependencies=[Depends(refuse_unknown_query)])
    api.include_router(control_router, dependencies=[Depends(pages.asked_by_own_name)])
    api.include_router(pages.router)
    api.include_router(panorama_routes.router)
    for service in SERVICES:
        api.include_router(
            service.router, prefix=PROJECT_PREFIX, dependencies=[Depends(project_access), Depends(refuse_unknown_query)]
        )
    return api


def create_link_app(sandbox: Sandbox) -> FastAPI:
    """Build the second origin: upload and download links, which carry their own permission."""
    app = FastAPI(title="CDF sandbox links", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.sandbox = sandbox
    install_error_handlers(app)
    app.include_router(contents.links_router)
    app.add_middleware(RequestMiddleware, sandbox=sandbox)
    app.add_middleware(ApiCors)
    return app
