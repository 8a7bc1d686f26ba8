"""Endpoints of the 3D API."""

from fastapi import APIRouter

from cdf_sandbox.core.http import CdfRoute
from cdf_sandbox.services.three_d.contextualization import contextualization_router
from cdf_sandbox.services.three_d.job_routes import jobs_router
from cdf_sandbox.services.three_d.migration_routes import migration_router
from cdf_sandbox.services.three_d.model_routes import models_router
from cdf_sandbox.services.three_d.revision_routes import revisions_router

router = APIRouter(route_class=CdfRoute)
for part in (models_router, revisions_router, jobs_router, contextualization_router, migration_router):
    router.include_router(part)
