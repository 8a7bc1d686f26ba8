"""Endpoint of the Projects API: the project and its data modeling status."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.auth import BearerDep
from cdf_sandbox.core.http import CdfRoute, Json
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.core.sandbox import SandboxDep

router = APIRouter(route_class=CdfRoute)


@router.get("/api/v1/projects")
def list_projects(
    sandbox: SandboxDep,
    access: BearerDep,
    with_status: Annotated[bool, Query(alias="withDataModelingStatus")] = False,
) -> Response:
    """List the one project; asset-centric projects report HYBRID, as real ones do."""
    access.require("projectsAcl", "LIST")
    project = {"urlName": sandbox.options.project}
    if with_status:
        only = sandbox.options.mode is ProjectMode.DATA_MODELING
        project["dataModelingStatus"] = "DATA_MODELING_ONLY" if only else "HYBRID"
    return Json({"items": [project]})
