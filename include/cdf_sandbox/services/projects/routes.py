"""The Projects API, as far as it tells what kind a project is."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.auth import BearerDep
from cdf_sandbox.core.http import CdfRoute, Json
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.core.sandbox import SandboxDep

projects_router = APIRouter(route_class=CdfRoute)


@projects_router.get("/api/v1/projects")
def list_projects(
    sandbox: SandboxDep,
    access: BearerDep,
    with_status: Annotated[bool, Query(alias="withDataModelingStatus")] = False,
) -> Response:
    """The one project; an asset-centric one calls itself hybrid too, as real ones do."""
    access.require("projectsAcl", "LIST")
    project = {"urlName": sandbox.options.project}
    if with_status:
        only = sandbox.options.mode is ProjectMode.DATA_MODELING
        project["dataModelingStatus"] = "DATA_MODELING_ONLY" if only else "HYBRID"
    return Json({"items": [project]})
