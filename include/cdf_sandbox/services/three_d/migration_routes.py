"""Endpoint that gives classic 3D models their nodes, where the project's flag for it is on."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body
from pydantic import Field
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import CdfRoute, Json, StrictModel
from cdf_sandbox.core.identifiers import ClassicId, InstanceRef, InternalId, Space
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.three_d.model_routes import find_model
from cdf_sandbox.services.three_d.nodes import write_model_node, write_revision_nodes
from cdf_sandbox.services.three_d.spaces import check_spaces
from cdf_sandbox.services.three_d.store import MODELS, find_revisions, model_json

migration_router = APIRouter(prefix="/3d/migrate", route_class=CdfRoute)


class Migration(StrictModel):
    """A classic model, and the space that it is to live in."""

    model_id: InternalId
    space: Space
    type: Literal["CAD", "PointCloud", "Image360"]
    thumbnail: InstanceRef | None = None


class Migrations(StrictModel):
    """The one model to migrate."""

    items: Annotated[list[Migration], Field(min_length=1, max_length=1)]


@migration_router.post("/models")
def migrate_models(sandbox: SandboxDep, access: AccessDep, body: Annotated[Any, Body()]) -> Response:
    """Give a classic model and its revisions nodes; all keep their ids."""
    access.require("threedAcl", "READ")
    if sandbox.options.mode is ProjectMode.DATA_MODELING or not sandbox.options.migration_of_3d:
        raise BadRequest("Migration endpoint not enabled")
    (item,) = Migrations.model_validate(body).items
    with sandbox.change("3D models", [item.model_id]) as db:
        row = find_model(db, access, item.model_id, "UPDATE", status=400)
        check_spaces(db, [item.space])
        access.require_spaces("dataModelInstancesAcl", "WRITE", [item.space])
        access.require_spaces("dataModelInstancesAcl", "READ", [] if item.thumbnail is None else [item.thumbnail.space])
        if row["space"] is not None:
            raise BadRequest(f"3D model {item.model_id} lives in data modeling already")
        db.execute("UPDATE three_d_models SET space = ?, type = ? WHERE id = ?", (item.space, item.type, row["id"]))
        db.execute("INSERT INTO three_d_migrated VALUES (?)", (row["id"],))
        (row,) = MODELS.find_all(db, [ClassicId(id=row["id"])])
        picture = {} if item.thumbnail is None else {"thumbnail": item.thumbnail.model_dump(by_alias=True)}
        write_model_node(sandbox, db, row, picture)
        write_revision_nodes(sandbox, db, row, find_revisions(db, row["id"]))
        items = [model_json(row)]
    return Json({"items": items})
