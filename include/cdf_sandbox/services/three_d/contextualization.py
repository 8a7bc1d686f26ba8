"""Links from 360 images to assets in data modeling only projects (beta).

The service keeps assets and objects one to one: an asset's `object3D` is found or created, and each polygon item
becomes an edge from that object to the image. There is no key: a request that is sent twice creates two edges.
"""

import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager
from sqlite3 import Connection
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.beta import require_beta
from cdf_sandbox.core.errors import BadRequest, UnknownIds
from cdf_sandbox.core.http import CdfRoute, Json, StrictModel
from cdf_sandbox.core.identifiers import InstanceRef, Space, check_each_given_once
from cdf_sandbox.core.modes import require_data_modeling_only
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.services.data_modeling.access import INSTANCE_ACL, SCHEMA_ACL
from cdf_sandbox.services.data_modeling.deletes import delete_instances
from cdf_sandbox.services.data_modeling.ids import InstanceRef as DmsRef
from cdf_sandbox.services.data_modeling.ids import ViewId
from cdf_sandbox.services.data_modeling.nodes import get_node, write_items
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.three_d.spaces import check_spaces
from cdf_sandbox.services.three_d.spherical_polygons import SphericalPolygons

_CORE, _CORE_3D = "cdf_cdm", "cdf_cdm_3d"
_ASSET = ViewId(_CORE, "CogniteAsset", "v1")
_IMAGE = ViewId(_CORE, "Cognite360Image", "v1")
_REVISION = ViewId(_CORE, "Cognite3DRevision", "v1")
_ANNOTATION = ViewId(_CORE, "Cognite360ImageAnnotation", "v1")
_EDGE_TYPE = {"space": _CORE, "externalId": "image-360-annotation"}

contextualization_router = APIRouter(
    prefix="/3d/contextualization/image360", route_class=CdfRoute, dependencies=[Depends(require_beta)]
)


class Named(StrictModel):
    """An instance by its id."""

    instance_id: InstanceRef


class Pair(StrictModel):
    """An asset and an image that shows it."""

    asset: Named
    image360: Named


class Link(Pair):
    """The polygon of an asset on an image."""

    polygon: SphericalPolygons


class Config(StrictModel):
    """Spaces of the objects and edges, and the collection of all images in the request."""

    object3_d_space: Space
    contextualization_space: Space
    revision: Named


class Links(StrictModel):
    """Links to create, all or none."""

    items: Annotated[list[Link], Field(min_length=1, max_length=100)]
    dms_contextualization_config: Config


class Pairs(StrictModel):
    """Pairs whose links are to be removed, all or none."""

    items: Annotated[list[Pair], Field(min_length=1, max_length=100)]
    dms_contextualization_config: Config


def _admit(sandbox: Sandbox, access: Access, body: Links | Pairs) -> Config:
    if sandbox.options.mode is not ProjectMode.HYBRID or not sandbox.options.migration_of_3d:
        require_data_modeling_only(sandbox, "The contextualization of 360 images")
    config = body.dms_contextualization_config
    access.require(SCHEMA_ACL, "READ")
    read = {config.revision.instance_id.space, *(item.image360.instance_id.space for item in body.items)}
    access.require_spaces(INSTANCE_ACL, "READ", read)
    access.require_spaces(
        INSTANCE_ACL,
        "WRITE",
        {
            config.object3_d_space,
            config.contextualization_space,
            *(item.asset.instance_id.space for item in body.items),
        },
    )
    return config


def _check_images(db: Connection, config: Config, items: Iterable[Pair]) -> None:
    check_spaces(db, {config.object3_d_space, config.contextualization_space})
    collection = config.revision.instance_id
    revision = get_node(db, collection.space, collection.external_id, _REVISION)
    if revision is None or revision.get("type") != "Image360":
        raise UnknownIds([_wire(config.revision)], "360 image collections")
    for item in items:
        image = item.image360.instance_id
        properties = get_node(db, image.space, image.external_id, _IMAGE)
        if properties is None:
            raise UnknownIds([_wire(item.image360)], "360 images")
        if properties.get("collection360") != collection.model_dump(by_alias=True):
            raise BadRequest(f"360 image {image.external_id} does not belong to {collection.external_id}")


def _changing(sandbox: Sandbox, items: Iterable[Pair]) -> AbstractContextManager[Connection]:
    """Open a transaction in which the assets of `items` get objects or lose links, as if their nodes were written."""
    assets = {item.asset.instance_id for item in items}
    return sandbox.change("instances", ((asset.space, asset.external_id) for asset in assets))


def _wire(named: Named) -> dict[str, Any]:
    return named.model_dump(by_alias=True)


def _object_of(db: Connection, access: Access, asset: Named) -> dict[str, str] | None:
    """Return the object of an asset; 400 if the asset does not exist, 403 if the caller may not read the object."""
    ref = asset.instance_id
    properties = get_node(db, ref.space, ref.external_id, _ASSET)
    if properties is None:
        raise UnknownIds([_wire(asset)], "Assets")
    thing: dict[str, str] | None = properties.get("object3D")
    access.require_spaces(INSTANCE_ACL, "READ", {thing["space"]} if thing else ())
    return thing


@contextualization_router.post("")
def contextualize(sandbox: SandboxDep, access: AccessDep, body: Links) -> Response:
    """Link images to assets, all or none."""
    config = _admit(sandbox, access, body)
    with _changing(sandbox, body.items) as db:
        _check_images(db, config, body.items)
        objects: dict[InstanceRef, dict[str, str]] = {}
        written: list[dict[str, Any]] = []
        for item in body.items:
            asset = item.asset.instance_id
            if asset not in objects:
                found = _object_of(db, access, item.asset)
                objects[asset] = found or {
                    "space": config.object3_d_space,
                    "externalId": f"cog_3d_object_{uuid.uuid4()}",
                }
                if found is None:
                    written += _new_object(asset, objects[asset])
            written.append(_edge(config, objects[asset], item))
        after_commit = write_items(sandbox, db, written)
    for action in after_commit:
        action()
    return Json({})


def _new_object(asset: InstanceRef, thing: dict[str, str]) -> list[dict[str, Any]]:
    of_object = {"type": "container", "space": _CORE_3D, "externalId": "Cognite3DObject"}
    named = {"type": "container", "space": _CORE, "externalId": "CogniteDescribable"}
    of_asset = {"type": "container", "space": _CORE, "externalId": "CogniteVisualizable"}
    return [
        {
            "instanceType": "node",
            **thing,
            "sources": [
                {"source": of_object, "properties": {}},
                {"source": named, "properties": {"name": asset.external_id}},
            ],
        },
        {
            "instanceType": "node",
            **asset.model_dump(by_alias=True),
            "sources": [{"source": of_asset, "properties": {"object3D": thing}}],
        },
    ]


def _edge(config: Config, thing: dict[str, str], item: Link) -> dict[str, Any]:
    properties = {"polygon": item.polygon.data, "formatVersion": item.polygon.version, "status": "Approved"}
    return {
        "instanceType": "edge",
        "space": config.contextualization_space,
        "externalId": f"cog_360_annotation_{uuid.uuid4()}",
        "type": _EDGE_TYPE,
        "startNode": thing,
        "endNode": item.image360.instance_id.model_dump(by_alias=True),
        "sources": [{"source": _ANNOTATION.dump(), "properties": properties}],
    }


@contextualization_router.post("/delete")
def remove_links(sandbox: SandboxDep, access: AccessDep, body: Pairs) -> Response:
    """Remove all links of each pair; a pair without one is ignored, and objects stay with their assets."""
    config = _admit(sandbox, access, body)
    with _changing(sandbox, body.items) as db:
        check_each_given_once(item.model_dump(by_alias=True) for item in body.items)
        _check_images(db, config, body.items)
        edges: dict[str, DmsRef] = {}
        for item in body.items:
            thing = _object_of(db, access, item.asset)
            for external_id in _edges_of(db, config, thing, item) if thing else ():
                reference = {
                    "instanceType": "edge", "space": config.contextualization_space, "externalId": external_id
                }  # fmt: skip
                edges[external_id] = DmsRef.model_validate(reference)
        delete_instances(db, Schema(db), list(edges.values()), sandbox.clock.now_ms())
    return Json({})


def _edges_of(db: Connection, config: Config, thing: dict[str, str], item: Pair) -> list[str]:
    image = item.image360.instance_id
    rows = db.execute(
        "SELECT external_id FROM dms_instance WHERE kind = 'edge' AND deleted_time IS NULL AND space = ?"
        " AND type_space = ? AND type_xid = ? AND start_space = ? AND start_xid = ? AND end_space = ? AND end_xid = ?",
        (
            config.contextualization_space,
            *_EDGE_TYPE.values(),
            thing["space"],
            thing["externalId"],
            image.space,
            image.external_id,
        ),
    )
    return [row["external_id"] for row in rows]
