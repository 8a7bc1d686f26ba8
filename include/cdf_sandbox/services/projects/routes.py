"""Endpoints of the Projects API: the project, its data modeling status and how its tokens are issued."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from cdf_sandbox.core.auth import TOKEN_PATH, AccessDep, BearerDep
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


@router.get("/api/v1/projects/{project}")
def retrieve_project(sandbox: SandboxDep, access: AccessDep, request: Request) -> Response:
    """The project and how its tokens are issued; users have no profiles."""
    access.require("projectsAcl", "READ")
    name = sandbox.options.project
    token_url = str(request.url.replace(path=TOKEN_PATH, query=""))
    claim = {"claimName": "client_id"}
    oidc = {
        "tokenUrl": token_url,
        "issuer": "sandbox",
        "audience": "sandbox",
        "jwksUrl": token_url,
        "accessClaims": [claim],
        "scopeClaims": [claim],
        "logClaims": [claim],
    }
    shown = {"name": name, "urlName": name, "organization": "sandbox"}
    return Json(shown | {"userProfilesConfiguration": {"enabled": False}, "oidcConfiguration": oidc})
