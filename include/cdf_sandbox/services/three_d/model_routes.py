"""Endpoints of 3D models. Names are not unique: a request that is sent twice creates two models."""

import json
from collections.abc import Sequence
from sqlite3 import Connection, Row
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest, UnknownIds
from cdf_sandbox.core.http import CdfRoute, Json
from cdf_sandbox.core.identifiers import (
    ClassicId,
    InternalId,
    check_each_given_once,
    check_each_named_once,
)
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.core.paging import cursor_id, list_answer
from cdf_sandbox.core.patches import apply_patches, new_document
from cdf_sandbox.core.references import check_references
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.core.sql import Where
from cdf_sandbox.services.data_modeling.access import INSTANCE_ACL
from cdf_sandbox.services.three_d.models import ById, Ids, ModelChanges, ModelWrite, ModelWrites
from cdf_sandbox.services.three_d.nodes import Action, check_named, named, node_of, remove_nodes, write_model_node
from cdf_sandbox.services.three_d.spaces import check_spaces
from cdf_sandbox.services.three_d.store import MODELS, find_revisions, last_revision_info, model_json

models_router = APIRouter(prefix="/3d/models", route_class=CdfRoute)


def find_model(db: Connection, access: Access, model_id: int, action: str, status: int = 404) -> Row:
    """A model that the caller may read or change."""
    access.require("threedAcl", action)
    row = MODELS.find(db, ClassicId(id=model_id))
    if row is None:
        raise UnknownIds([{"id": model_id}], "3D models", status)
    if row["space"] is None:
        access.require_data_sets("threedAcl", action, [row["data_set_id"]])
    else:
        access.require_spaces(INSTANCE_ACL, "READ" if action == "READ" else "WRITE", [row["space"]])
    return row


def _visible(access: Access) -> Where:
    """The condition for models that the caller may read: by their data set, or by their space."""
    classic, where = Where(), Where()
    classic.visible(access.data_sets("threedAcl", "READ"))
    spaces = access.spaces(INSTANCE_ACL, "READ")
    by_space = ("1",) if spaces is None else ("space IN (SELECT value FROM json_each(?))", json.dumps(sorted(spaces)))
    where.add(f"CASE WHEN space IS NULL THEN {classic.sql()} ELSE {by_space[0]} END", *classic.values, *by_space[1:])
    return where


@models_router.post("", status_code=201)
def create_models(sandbox: SandboxDep, access: AccessDep, body: ModelWrites) -> Response:
    """Create classic models, or one that lives in data modeling together with its node."""
    mode = sandbox.options.mode
    access.require("threedAcl", "CREATE")
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        ids = []
        for item in body.items:
            if item.is_node:
                if mode is ProjectMode.ASSET_CENTRIC:
                    raise BadRequest("Models with space and type need a project with data modeling for 3D")
                ids.append(_create_node(sandbox, db, access, item, now))
            else:
                if mode is ProjectMode.DATA_MODELING:
                    raise BadRequest("space and type are required in a data modeling only project")
                access.require_data_sets("threedAcl", "CREATE", [item.data_set_id])
                document = new_document(item)
                check_references(db, [document])
                ids.append(MODELS.insert(db, document, now))
        items = [model_json(row) for row in MODELS.find_all(db, [ClassicId(id=i) for i in ids])]
    return Json({"items": items}, status_code=201)


def _create_node(sandbox: Sandbox, db: Connection, access: Access, item: ModelWrite, now: int) -> int:
    assert item.space is not None and item.type is not None
    check_spaces(db, [item.space])
    access.require_spaces("dataModelInstancesAcl", "WRITE", [item.space])
    model_id = MODELS.insert(db, {"name": item.name}, now, space=item.space, type=item.type)
    (row,) = MODELS.find_all(db, [ClassicId(id=model_id)])
    picture = item.thumbnail_reference
    access.require_spaces(INSTANCE_ACL, "READ", [] if picture is None else [picture.space])
    write_model_node(sandbox, db, row, {} if picture is None else {"thumbnail": picture.model_dump(by_alias=True)})
    return model_id


@models_router.get("")
def list_models(
    sandbox: SandboxDep,
    access: AccessDep,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    published: bool | None = None,
    with_revision: Annotated[bool, Query(alias="includerevisioninfo")] = False,
) -> Response:
    """A page of models."""
    access.require("threedAcl", "READ")
    where = _visible(access)
    if published is not None:
        has = "EXISTS (SELECT 1 FROM three_d_revisions WHERE model_id = three_d_models.id AND published)"
        where.add(f"{has} = ?", int(published))
    now = sandbox.clock.now_ms()
    with sandbox.read() as db:
        rows, after = MODELS.page(db, where, cursor_id(cursor), limit)
        items = [
            model_json(row) | ({"lastRevisionInfo": last_revision_info(db, row["id"], now)} if with_revision else {})
            for row in rows
        ]
    return list_answer(items, after)


def _named(sandbox: Sandbox, db: Connection, access: Access, items: Sequence[ById], action: Action) -> list[Row]:
    """The models that `items` name; 400 for an unknown one."""
    rows = [find_model(db, access, named(db, "model", item), action, status=400) for item in items]
    for row, item in zip(rows, items, strict=True):
        check_named(sandbox, db, "model", row, [item], action)
        if item.instance_id is not None and item.instance_id.space != row["space"]:
            raise UnknownIds([item.wire()], "3D models")
    return rows


@models_router.post("/update")
def update_models(sandbox: SandboxDep, access: AccessDep, body: ModelChanges) -> Response:
    """Patch classic models, all or none, or one that lives in data modeling together with its node."""
    with sandbox.change("3D models", (item.id or item.wire() for item in body.items)) as db:
        check_each_given_once(item.wire() for item in body.items)
        rows = _named(sandbox, db, access, body.items, "UPDATE")
        ids = [row["id"] for row in rows]
        for row, change in zip(rows, body.items, strict=True):
            before = json.loads(row["doc"])
            document = apply_patches(before, change.update)
            picture = document.pop("thumbnailReference", None)
            access.require_spaces(INSTANCE_ACL, "READ", [] if picture is None else [picture["space"]])
            ModelWrite.model_validate(document)
            check_references(db, [document], before)
            MODELS.save(db, row, document, sandbox.clock.now_ms())
            if row["space"] is not None:
                changed = change.update.thumbnail_reference is not None
                (row,) = MODELS.find_all(db, [ClassicId(id=row["id"])])
                write_model_node(sandbox, db, row, {"thumbnail": picture} if changed else {})
        items = [model_json(row) for row in MODELS.find_all(db, [ClassicId(id=model_id) for model_id in ids])]
    return Json({"items": items})


@models_router.post("/delete")
def delete_models(sandbox: SandboxDep, access: AccessDep, body: Ids) -> Response:
    """Delete models with their revisions, all or none."""
    access.require("threedAcl", "DELETE")
    with sandbox.change("3D models", (item.id or item.wire() for item in body.items)) as db:
        check_each_given_once(item.wire() for item in body.items)
        rows = _named(sandbox, db, access, body.items, "DELETE")
        check_each_named_once([row["id"] for row in rows], MODELS.noun)
        for row in rows:
            revisions = (node_of("revision", each["id"]) for each in find_revisions(db, row["id"]))
            remove_nodes(sandbox, db, row, [node_of("model", row["id"]), *revisions])
            MODELS.delete(db, [row["id"]])
    return Json({})


@models_router.get("/{model_id}")
def retrieve_model(sandbox: SandboxDep, access: AccessDep, model_id: InternalId) -> Response:
    """One model."""
    with sandbox.read() as db:
        return Json(model_json(find_model(db, access, model_id, "READ")))
