"""The sandbox as an ASGI application: which APIs it has and in which order their tables are made."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Depends, FastAPI

from cdf_sandbox.core import auth, keys
from cdf_sandbox.core.auth import auth_router, project_access
from cdf_sandbox.core.blobs import Blobs
from cdf_sandbox.core.clock import Clock
from cdf_sandbox.core.control import control_router
from cdf_sandbox.core.errors import install_error_handlers
from cdf_sandbox.core.http import PROJECT_PREFIX, CdfRoute, refuse_unknown_query
from cdf_sandbox.core.links import Links
from cdf_sandbox.core.middleware import ApiCors, Gate
from cdf_sandbox.core.options import Options
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.core.storage import Storage
from cdf_sandbox.services.annotations import routes as annotations
from cdf_sandbox.services.annotations.routes import annotations_router
from cdf_sandbox.services.assets import store as assets_table
from cdf_sandbox.services.assets.routes import assets_router
from cdf_sandbox.services.data_modeling import routes as dms_routes
from cdf_sandbox.services.data_modeling.routes import instances_router
from cdf_sandbox.services.data_modeling.schema_routes import schemas_router
from cdf_sandbox.services.data_sets import routes as data_sets
from cdf_sandbox.services.data_sets.routes import data_sets_router
from cdf_sandbox.services.extraction_pipelines import routes as extraction_pipelines
from cdf_sandbox.services.extraction_pipelines.routes import extraction_pipelines_router
from cdf_sandbox.services.files import store as files_table
from cdf_sandbox.services.files import syncer
from cdf_sandbox.services.files.contents import links_router
from cdf_sandbox.services.files.routes import files_router
from cdf_sandbox.services.files.uploads import transfer_router
from cdf_sandbox.services.pages.routes import asked_by_own_name, pages_router
from cdf_sandbox.services.projects.routes import projects_router
from cdf_sandbox.services.sessions import routes as sessions
from cdf_sandbox.services.sessions.routes import sessions_router
from cdf_sandbox.services.three_d import job_store, model_routes
from cdf_sandbox.services.three_d import store as revision_store
from cdf_sandbox.services.three_d.contextualization import contextualization_router
from cdf_sandbox.services.three_d.job_routes import jobs_router
from cdf_sandbox.services.three_d.model_routes import models_router
from cdf_sandbox.services.three_d.revision_routes import revisions_router
from cdf_sandbox.services.vision import routes as vision_routes
from cdf_sandbox.services.vision.routes import vision_router


@dataclass(frozen=True)
class Api:
    """One API of a project: its routes, relative to the project, and the DDL of the tables it owns."""

    router: APIRouter
    ddl: str = ""


PROJECT_APIS: Sequence[Api] = (
    Api(sessions_router, sessions.DDL),
    Api(data_sets_router, data_sets.DDL),
    Api(assets_router, assets_table.DDL),
    Api(transfer_router, files_table.DDL),
    Api(files_router),
    Api(annotations_router, annotations.DDL),
    Api(extraction_pipelines_router, extraction_pipelines.DDL),
    Api(models_router, model_routes.DDL + revision_store.DDL),
    Api(revisions_router),
    Api(jobs_router, job_store.DDL),
    Api(contextualization_router),
    Api(vision_router, vision_routes.DDL),
    Api(schemas_router, dms_routes.DDL),
    Api(instances_router),
)


def create_sandbox(options: Options) -> Sandbox:
    """Open or make the storage below `options.data`."""
    ddl = [keys.DDL, auth.DDL, *(api.ddl for api in PROJECT_APIS)]
    storage = Storage(options.data / "sandbox.db", ddl)
    clock = Clock()
    blobs = Blobs(options.data / "blobs")
    with storage.write() as db:
        links = Links(keys.kept_key(db, "links"), clock)
        blobs.remove_orphans(files_table.referenced_blobs(db))
    sandbox = Sandbox(options=options, clock=clock, storage=storage, blobs=blobs, links=links)
    syncer.install(sandbox)
    return sandbox


def create_app(options: Options, sandbox: Sandbox | None = None) -> FastAPI:
    """The API origin. The sandbox behind it is at `app.state.sandbox`."""
    app = FastAPI(title="CDF sandbox", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.router.route_class = CdfRoute
    app.state.sandbox = sandbox or create_sandbox(options)
    install_error_handlers(app)
    app.include_router(auth_router)
    app.include_router(projects_router)
    app.include_router(control_router, dependencies=[Depends(asked_by_own_name)])
    app.include_router(pages_router)
    for api in PROJECT_APIS:
        app.include_router(
            api.router, prefix=PROJECT_PREFIX, dependencies=[Depends(project_access), Depends(refuse_unknown_query)]
        )
    app.add_middleware(Gate, sandbox=app.state.sandbox)
    app.add_middleware(ApiCors)
    return app


def create_link_app(sandbox: Sandbox) -> FastAPI:
    """The second origin: upload and download links, which carry their own permission."""
    app = FastAPI(title="CDF sandbox links", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.sandbox = sandbox
    install_error_handlers(app)
    app.include_router(links_router)
    app.add_middleware(Gate, sandbox=sandbox)
    app.add_middleware(ApiCors)
    return app
