"""The sandbox as an ASGI application: which APIs it has and in which order their tables are made."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Depends, FastAPI

from cdf_sandbox import auth, data_sets, keys, sessions
from cdf_sandbox.annotations import routes as annotations
from cdf_sandbox.annotations.routes import annotations_router
from cdf_sandbox.assets import table as assets_table
from cdf_sandbox.assets.routes import assets_router
from cdf_sandbox.auth import auth_router, project_access
from cdf_sandbox.blobs import Blobs
from cdf_sandbox.clock import Clock
from cdf_sandbox.control import control_router
from cdf_sandbox.data_sets import data_sets_router
from cdf_sandbox.dms import routes as dms_routes
from cdf_sandbox.dms.routes import instances_router
from cdf_sandbox.dms.schema_routes import schemas_router
from cdf_sandbox.errors import install_error_handlers
from cdf_sandbox.extraction_pipelines import routes as extraction_pipelines
from cdf_sandbox.extraction_pipelines.routes import extraction_pipelines_router
from cdf_sandbox.files import syncer
from cdf_sandbox.files import table as files_table
from cdf_sandbox.files.contents import links_router
from cdf_sandbox.files.routes import files_router
from cdf_sandbox.files.transfer import transfer_router
from cdf_sandbox.gate import ApiCors, Gate
from cdf_sandbox.http import PROJECT_PREFIX, CdfRoute, refuse_unknown_query
from cdf_sandbox.links import Links
from cdf_sandbox.options import Options
from cdf_sandbox.pages.routes import asked_by_own_name, pages_router
from cdf_sandbox.projects import projects_router
from cdf_sandbox.sandbox import Sandbox
from cdf_sandbox.sessions import sessions_router
from cdf_sandbox.storage import Storage
from cdf_sandbox.three_d import job_table, models, revision_table
from cdf_sandbox.three_d.contextualization import contextualization_router
from cdf_sandbox.three_d.jobs import jobs_router
from cdf_sandbox.three_d.models import models_router
from cdf_sandbox.three_d.revisions import revisions_router
from cdf_sandbox.vision import routes as vision_routes
from cdf_sandbox.vision.routes import vision_router


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
    Api(models_router, models.DDL + revision_table.DDL),
    Api(revisions_router),
    Api(jobs_router, job_table.DDL),
    Api(contextualization_router),
    Api(vision_router, vision_routes.DDL),
    Api(schemas_router, dms_routes.DDL),
    Api(instances_router),
)


def create_sandbox(options: Options) -> Sandbox:
    """Open or make the storage below ``options.data``."""
    ddl = [keys.DDL, auth.DDL, *(api.ddl for api in PROJECT_APIS)]
    storage = Storage(options.data / "sandbox.db", ddl)
    clock = Clock()
    blobs = Blobs(options.data / "blobs")
    with storage.write() as db:
        links = Links(keys.kept_key(db, "links"), clock)
        blobs.sweep(files_table.referenced_blobs(db))
    sandbox = Sandbox(options=options, clock=clock, storage=storage, blobs=blobs, links=links)
    syncer.install(sandbox)
    return sandbox


def create_app(options: Options, sandbox: Sandbox | None = None) -> FastAPI:
    """The API origin. The sandbox behind it is at ``app.state.sandbox``."""
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
