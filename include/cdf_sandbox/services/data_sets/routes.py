"""The Data sets API."""

import json
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.documents import Documents, document_json, documents_ddl
from cdf_sandbox.core.http import CdfRoute, Json, StrictModel, WriteModel
from cdf_sandbox.core.identifiers import (
    ClassicId,
    ExternalId,
    cursor_id,
    each_once,
    encode_cursor,
    metadata_checker,
    text,
)
from cdf_sandbox.core.patches import ObjectPatch, Patch, SetPatch, apply_patches
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.core.sql import TimeRange, Where

DDL = documents_ddl("data_sets")
DATA_SETS = Documents("data_sets", "Data sets")

data_sets_router = APIRouter(prefix="/datasets", route_class=CdfRoute)

Name = Annotated[str, text(50, minimum=1)]
Description = Annotated[str, text(500, minimum=1)]
Metadata = Annotated[dict[str, str], metadata_checker(key_bytes=128, value_bytes=10240, pairs=256, total_bytes=10240)]


class DataSetWrite(WriteModel):
    """A data set to create."""

    external_id: ExternalId | None = None
    name: Name | None = None
    description: Description | None = None
    metadata: Metadata | None = None
    write_protected: bool = False


class DataSetWrites(StrictModel):
    """Data sets to create, all or none."""

    items: Annotated[list[DataSetWrite], Field(min_length=1, max_length=10)]


class DataSetFilter(StrictModel):
    """What listed data sets must match."""

    metadata: Metadata | None = None
    created_time: TimeRange | None = None
    last_updated_time: TimeRange | None = None
    external_id_prefix: Annotated[str, text(255)] | None = None
    write_protected: bool | None = None


class DataSetList(StrictModel):
    """A page of data sets."""

    filter: DataSetFilter | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str | None = None


class DataSetAggregate(StrictModel):
    """Data sets to count."""

    filter: DataSetFilter | None = None


class DataSetIds(StrictModel):
    """Data sets to retrieve."""

    items: Annotated[list[ClassicId], Field(min_length=1, max_length=1000), each_once]
    ignore_unknown_ids: bool = False


class DataSetUpdate(WriteModel):
    """Patches to one data set."""

    external_id: Patch[ExternalId] | None = None
    name: Patch[Name] | None = None
    description: Patch[Description] | None = None
    metadata: ObjectPatch | None = None
    write_protected: SetPatch[bool] | None = None


class DataSetChange(ClassicId):
    """One data set and its patches."""

    update: DataSetUpdate


class DataSetChanges(StrictModel):
    """Data sets to update, all or none."""

    items: Annotated[list[DataSetChange], Field(min_length=1, max_length=1000), each_once]


def _where(access: Access, condition: DataSetFilter | None) -> Where:
    access.require("datasetsAcl", "READ")
    where = Where()
    allowed = access.data_sets("datasetsAcl", "READ")
    if allowed is not None:
        where.add("CAST(id AS TEXT) IN (SELECT value FROM json_each(?))", json.dumps(sorted(allowed)))
    if condition is not None:
        where.metadata(condition.metadata)
        where.between("created_time", condition.created_time)
        where.between("last_updated_time", condition.last_updated_time)
        where.prefix("external_id", condition.external_id_prefix)
        protected = condition.write_protected
        where.equal("json_extract(doc, '$.writeProtected')", None if protected is None else int(protected))
    return where


@data_sets_router.post("")
def create_data_sets(sandbox: SandboxDep, access: AccessDep, body: DataSetWrites) -> Response:
    """Create data sets."""
    access.require("datasetsAcl", "WRITE")
    documents = [item.model_dump(by_alias=True, exclude_none=True) for item in body.items]
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        DATA_SETS.check_free(db, documents)
        ids = [DATA_SETS.insert(db, document, now) for document in documents]
        rows = DATA_SETS.find_all(db, [ClassicId(id=i) for i in ids])
    return Json({"items": [document_json(row) for row in rows]})


@data_sets_router.post("/list")
def list_data_sets(sandbox: SandboxDep, access: AccessDep, body: DataSetList) -> Response:
    """A page of data sets."""
    where = _where(access, body.filter)
    with sandbox.read() as db:
        rows, more = DATA_SETS.page(db, where, cursor_id(body.cursor), body.limit)
    answer: dict[str, Any] = {"items": [document_json(row) for row in rows]}
    if more:
        answer["nextCursor"] = encode_cursor(rows[-1]["id"])
    return Json(answer)


@data_sets_router.post("/aggregate")
def aggregate_data_sets(sandbox: SandboxDep, access: AccessDep, body: DataSetAggregate) -> Response:
    """The number of data sets."""
    where = _where(access, body.filter)
    with sandbox.read() as db:
        return Json({"items": [{"count": DATA_SETS.count(db, where)}]})


@data_sets_router.post("/byids")
def retrieve_data_sets(sandbox: SandboxDep, access: AccessDep, body: DataSetIds) -> Response:
    """Data sets in the order of the request."""
    access.require("datasetsAcl", "READ")
    with sandbox.read() as db:
        rows = DATA_SETS.find_all(db, body.items, ignore_unknown=body.ignore_unknown_ids)
    access.require_data_sets("datasetsAcl", "READ", (row["id"] for row in rows))
    return Json({"items": [document_json(row) for row in rows]})


@data_sets_router.post("/update")
def update_data_sets(sandbox: SandboxDep, access: AccessDep, body: DataSetChanges) -> Response:
    """Patch data sets, all or none."""
    access.require("datasetsAcl", "WRITE")
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        rows = DATA_SETS.find_all(db, body.items)
        access.require_data_sets("datasetsAcl", "WRITE", (row["id"] for row in rows))
        for row, change in zip(rows, body.items, strict=True):
            document = apply_patches(json.loads(row["doc"]), change.update)
            DataSetWrite.model_validate(document)
            DATA_SETS.save(db, row, document, now)
        changed = DATA_SETS.find_all(db, [ClassicId(id=row["id"]) for row in rows])
    return Json({"items": [document_json(row) for row in changed]})
