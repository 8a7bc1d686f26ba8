"""Endpoints of the 3D API."""

from fastapi import APIRouter
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import CdfRoute
from cdf_sandbox.services.three_d.contextualization import contextualization_router
from cdf_sandbox.services.three_d.job_routes import jobs_router
from cdf_sandbox.services.three_d.model_routes import models_router
from cdf_sandbox.services.three_d.revision_routes import revisions_router

migration_router = APIRouter(prefix="/3d/migrate", route_class=CdfRoute)


@migration_router.post("/models")
def migrate_models(access: AccessDep) -> Response:
    """Refuse to migrate classic 3D models: the project's flag for it is off."""
    access.require("threedAcl", "READ")
    raise BadRequest("Migration endpoint not enabled")


router = APIRouter(route_class=CdfRoute)
for part in (models_router, revisions_router, jobs_router, contextualization_router, migration_router):
    router.include_router(part)
