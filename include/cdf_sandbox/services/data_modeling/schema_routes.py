"""The endpoints of spaces, containers, views and data models."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest, InvalidCursor
from cdf_sandbox.core.http import Json, StrictModel
from cdf_sandbox.core.paging import decode_cursor, first_page, list_answer
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.services.data_modeling.access import SCHEMA_ACL, readable_spaces
from cdf_sandbox.services.data_modeling.constraint_states import ConstraintStates
from cdf_sandbox.services.data_modeling.definitions import ViewDefinition
from cdf_sandbox.services.data_modeling.ids import ContainerId, FreeSpace, ViewId
from cdf_sandbox.services.data_modeling.schema import shown_container, shown_view
from cdf_sandbox.services.data_modeling.schema_models import (
    AnyVersionKey,
    AnyVersionKeys,
    ContainerEntryKeys,
    ContainerKeys,
    Containers,
    DataModels,
    SpaceKeys,
    Spaces,
    VersionKeys,
    Views,
)  # fmt: skip
from cdf_sandbox.services.data_modeling.schema_refusals import SchemaRoute
from cdf_sandbox.services.data_modeling.schema_store import Key, Schema, SchemaKind, key_of, newest_versions
from cdf_sandbox.services.data_modeling.schema_writes import SchemaWriter

schemas_router = APIRouter(route_class=SchemaRoute)


Limit = Annotated[int, Query(ge=1, le=1000)]
SpaceFilter = Annotated[FreeSpace | None, Query()]
UsedFor = Annotated[list[Literal["node", "edge", "all", "record"]] | None, Query(alias="usedFor")]
Wire = Mapping[str, Any]


_CALLED: Mapping[SchemaKind, str] = {
    "space": "spaces", "container": "containers", "view": "views", "datamodel": "data models"
}  # fmt: skip


def _write(
    sandbox: Sandbox,
    access: Access,
    kind: SchemaKind,
    items: Sequence[StrictModel],
    write: Callable[[SchemaWriter], Sequence[Wire]],
    further_spaces: Iterable[str] = (),
) -> Response:
    keys = [key_of(item.model_dump(by_alias=True, include={"space", "external_id", "version"})) for item in items]
    access.require_spaces(SCHEMA_ACL, "WRITE", {*(key[0] for key in keys), *further_spaces})
    with sandbox.change(_CALLED[kind], keys) as db:
        return Json({"items": write(SchemaWriter(db, sandbox.clock.now_ms()))})


def _delete(sandbox: Sandbox, access: Access, kind: SchemaKind, keys: Sequence[Key]) -> Response:
    access.require_spaces(SCHEMA_ACL, "WRITE", {key[0] for key in keys})
    names = ("space", "externalId", "version")
    with sandbox.change(_CALLED[kind], keys) as db:
        may_drop = sandbox.options.mapped_containers_can_be_deleted
        writer = SchemaWriter(db, sandbox.clock.now_ms(), mapped_containers_can_be_deleted=may_drop)
        removed = writer.delete(kind, keys)
    return Json({"items": [{name: part for name, part in zip(names, key, strict=True) if part} for key in removed]})


def _found(sandbox: Sandbox, access: Access, kind: SchemaKind, keys: Sequence[Key]) -> list[Wire]:
    spaces = readable_spaces(access, SCHEMA_ACL)
    with sandbox.read() as db:
        schema = Schema(db)
        wires = [schema.wire(kind, key) for key in keys]
    return [wire for wire in wires if wire is not None and (spaces is None or wire["space"] in spaces)]


def _versions(schema: Schema, kind: SchemaKind, keys: Sequence[AnyVersionKey]) -> list[dict[str, Any]]:
    """The named versions, or all versions where none is named."""
    wanted: dict[Key, dict[str, Any]] = {}
    every = schema.all(kind) if any(key.version is None for key in keys) else []
    for key in keys:
        if key.version is not None:
            wire = schema.wire(kind, (key.space, key.external_id, key.version))
            if wire is not None:
                wanted[key_of(wire)] = wire
        else:
            for wire in every:
                if (wire["space"], wire["externalId"]) == (key.space, key.external_id):
                    wanted[key_of(wire)] = wire
    return list(wanted.values())


def _page(
    sandbox: Sandbox, access: Access, kind: SchemaKind, limit: int, cursor: str | None,
    keep: Callable[[Wire], bool], all_versions: bool = True,
) -> tuple[Sequence[Wire], Key | None]:  # fmt: skip
    spaces = readable_spaces(access, SCHEMA_ACL)
    with sandbox.read() as db:
        wires = [wire for wire in Schema(db).all(kind) if keep(wire) and (spaces is None or wire["space"] in spaces)]
    if not all_versions:
        wires = newest_versions(wires)
    if cursor is not None:
        last = decode_cursor(cursor)
        if not isinstance(last, list) or not all(isinstance(part, str) for part in last):
            raise InvalidCursor
        wires = [wire for wire in wires if key_of(wire) > tuple(last)]
    return first_page(wires, limit, key_of)


@schemas_router.post("/spaces")
def put_spaces(sandbox: SandboxDep, access: AccessDep, request: Annotated[Spaces, Body()]) -> Response:
    """Create or change spaces."""
    return _write(sandbox, access, "space", request.items, lambda writer: writer.put_spaces(request.items))


@schemas_router.post("/spaces/byids")
def spaces_by_ids(sandbox: SandboxDep, access: AccessDep, request: Annotated[SpaceKeys, Body()]) -> Response:
    """Read spaces."""
    return Json({"items": _found(sandbox, access, "space", [each.key for each in request.items])})


@schemas_router.post("/spaces/delete")
def delete_spaces(sandbox: SandboxDep, access: AccessDep, request: Annotated[SpaceKeys, Body()]) -> Response:
    """Delete empty spaces."""
    return _delete(sandbox, access, "space", [each.key for each in request.items])


@schemas_router.get("/spaces")
def list_spaces(
    sandbox: SandboxDep, access: AccessDep, limit: Limit = 10, cursor: str | None = None,
    include_global: Annotated[bool, Query(alias="includeGlobal")] = False,
) -> Response:  # fmt: skip
    """A page of spaces."""
    return list_answer(
        *_page(sandbox, access, "space", limit, cursor, lambda each: include_global or not each["isGlobal"])
    )


@schemas_router.post("/containers")
def put_containers(sandbox: SandboxDep, access: AccessDep, request: Annotated[Containers, Body()]) -> Response:
    """Create or change containers."""

    def write(writer: SchemaWriter) -> Sequence[Wire]:
        return [shown_container(each, writer.states) for each in writer.put_containers(request.items)]

    return _write(sandbox, access, "container", request.items, write)


@schemas_router.post("/containers/byids")
def containers_by_ids(sandbox: SandboxDep, access: AccessDep, request: Annotated[ContainerKeys, Body()]) -> Response:
    """Read containers."""
    found = _found(sandbox, access, "container", [each.key for each in request.items])
    return Json({"items": _shown_containers(sandbox, found)})


@schemas_router.post("/containers/delete")
def delete_containers(sandbox: SandboxDep, access: AccessDep, request: Annotated[ContainerKeys, Body()]) -> Response:
    """Delete containers with their data."""
    return _delete(sandbox, access, "container", [each.key for each in request.items])


@schemas_router.post("/containers/{entries}/delete")
def delete_container_entries(
    sandbox: SandboxDep, access: AccessDep, entries: Literal["constraints", "indexes"],
    request: Annotated[ContainerEntryKeys, Body()],
) -> Response:  # fmt: skip
    """Delete constraints or indexes of containers."""
    access.require_spaces(SCHEMA_ACL, "WRITE", {each.space for each in request.items})
    containers = {(each.space, each.container_external_id, "") for each in request.items}
    with sandbox.change(_CALLED["container"], containers) as db:
        removed = SchemaWriter(db, sandbox.clock.now_ms()).delete_entries(
            entries, [(ContainerId(each.space, each.container_external_id), each.identifier) for each in request.items]
        )
    return Json(
        {
            "items": [
                {"space": container.space, "containerExternalId": container.external_id, "identifier": name}
                for container, name in removed
            ]
        }
    )


@schemas_router.get("/containers")
def list_containers(
    sandbox: SandboxDep, access: AccessDep, limit: Limit = 10, cursor: str | None = None, space: SpaceFilter = None,
    include_global: Annotated[bool, Query(alias="includeGlobal")] = False, used_for: UsedFor = None,
) -> Response:  # fmt: skip
    """A page of containers."""
    kinds = used_for or ["node", "edge", "all"]
    keep = _kept(space, include_global)
    page, following = _page(
        sandbox, access, "container", limit, cursor, lambda each: keep(each) and each["usedFor"] in kinds
    )
    return list_answer(_shown_containers(sandbox, page), following)


def _shown_containers(sandbox: Sandbox, wires: Sequence[Wire]) -> list[Wire]:
    with sandbox.read() as db:
        states = ConstraintStates(db)
        return [shown_container(each, states) for each in wires]


def _kept(space: str | None, include_global: bool) -> Callable[[Wire], bool]:
    return lambda wire: (include_global or not wire["isGlobal"]) and space in (None, wire["space"])


def _shown_views(sandbox: Sandbox, wires: Sequence[Wire], inherited: bool) -> list[Wire]:
    """Views as they are answered, with or without the properties that they inherit."""
    with sandbox.read() as db:
        schema, states = Schema(db), ConstraintStates(db)
        shown = [(wire, shown_view(schema.view(ViewId(*key_of(wire))), states)) for wire in wires]
    if inherited:
        return [full for _, full in shown]
    return [
        {**full, "properties": {name: each for name, each in full["properties"].items() if name in wire["properties"]}}
        for wire, full in shown
    ]


@schemas_router.post("/views")
def put_views(sandbox: SandboxDep, access: AccessDep, request: Annotated[Views, Body()]) -> Response:
    """Create or change views."""
    return _write(sandbox, access, "view", request.items, lambda writer: writer.put_views(request.items))


@schemas_router.post("/views/byids")
def views_by_ids(
    sandbox: SandboxDep, access: AccessDep, request: Annotated[AnyVersionKeys, Body()],
    inherited: Annotated[bool, Query(alias="includeInheritedProperties")] = True,
) -> Response:  # fmt: skip
    """Read views."""
    mixed = len({each.version is None for each in request.items}) > 1
    if mixed and not sandbox.options.views_by_ids_may_mix_versions:
        raise BadRequest("Views are named either all with a version or all without one")
    spaces = readable_spaces(access, SCHEMA_ACL)
    with sandbox.read() as db:
        wires = _versions(Schema(db), "view", request.items)
    visible = [wire for wire in wires if spaces is None or wire["space"] in spaces]
    return Json({"items": _shown_views(sandbox, visible, inherited)})


@schemas_router.post("/views/delete")
def delete_views(sandbox: SandboxDep, access: AccessDep, request: Annotated[VersionKeys, Body()]) -> Response:
    """Delete views."""
    return _delete(sandbox, access, "view", [each.key for each in request.items])


@schemas_router.get("/views")
def list_views(
    sandbox: SandboxDep, access: AccessDep, limit: Limit = 10, cursor: str | None = None, space: SpaceFilter = None,
    include_global: Annotated[bool, Query(alias="includeGlobal")] = False,
    all_versions: Annotated[bool, Query(alias="allVersions")] = False,
    inherited: Annotated[bool, Query(alias="includeInheritedProperties")] = True,
) -> Response:  # fmt: skip
    """A page of views, of each the newest version unless all are wanted."""
    page, following = _page(sandbox, access, "view", limit, cursor, _kept(space, include_global), all_versions)
    return list_answer(_shown_views(sandbox, page, inherited), following)


def _shown_models(sandbox: Sandbox, access: Access, wires: Sequence[Wire], inline: bool) -> list[Wire]:
    """Data models as they are answered; of a view that the caller may not read only the reference."""
    if not inline:
        return list(wires)
    spaces = readable_spaces(access, SCHEMA_ACL)
    with sandbox.read() as db:
        schema, states = Schema(db), ConstraintStates(db)

        def shown(view: Wire) -> Wire:
            may_read = spaces is None or view["space"] in spaces
            return shown_view(schema.view(ViewId(*key_of(view))), states) if may_read else view

        return [{**wire, "views": [shown(view) for view in wire["views"]]} for wire in wires]


@schemas_router.post("/datamodels")
def put_data_models(sandbox: SandboxDep, access: AccessDep, request: Annotated[DataModels, Body()]) -> Response:
    """Create or change data models."""
    views = (view for model in request.items for view in model.views if isinstance(view, ViewDefinition))
    further = {each.space for each in views}
    return _write(
        sandbox, access, "datamodel", request.items, lambda writer: writer.put_data_models(request.items), further
    )


@schemas_router.post("/datamodels/byids")
def data_models_by_ids(
    sandbox: SandboxDep, access: AccessDep, request: Annotated[AnyVersionKeys, Body()],
    inline: Annotated[bool, Query(alias="inlineViews")] = False,
) -> Response:  # fmt: skip
    """Read data models."""
    spaces = readable_spaces(access, SCHEMA_ACL)
    with sandbox.read() as db:
        wires = _versions(Schema(db), "datamodel", request.items)
    visible = [wire for wire in wires if spaces is None or wire["space"] in spaces]
    return Json({"items": _shown_models(sandbox, access, visible, inline)})


@schemas_router.post("/datamodels/delete")
def delete_data_models(sandbox: SandboxDep, access: AccessDep, request: Annotated[VersionKeys, Body()]) -> Response:
    """Delete data models."""
    return _delete(sandbox, access, "datamodel", [each.key for each in request.items])


@schemas_router.get("/datamodels")
def list_data_models(
    sandbox: SandboxDep, access: AccessDep, limit: Limit = 10, cursor: str | None = None, space: SpaceFilter = None,
    include_global: Annotated[bool, Query(alias="includeGlobal")] = False,
    all_versions: Annotated[bool, Query(alias="allVersions")] = False,
    inline: Annotated[bool, Query(alias="inlineViews")] = False,
) -> Response:  # fmt: skip
    """A page of data models, of each the newest version unless all are wanted."""
    page, following = _page(sandbox, access, "datamodel", limit, cursor, _kept(space, include_global), all_versions)
    return list_answer(_shown_models(sandbox, access, page, inline), following)
