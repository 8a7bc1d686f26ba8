"""The endpoints below `/models/instances` and `/models/statistics`."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Depends
from starlette.responses import Response

from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.http import CdfRoute, Json
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.services.data_modeling import asset_paths
from cdf_sandbox.services.data_modeling.access import (
    INSTANCE_ACL,
    SCHEMA_ACL,
    readable_instances,
    require_named_schemas,
)
from cdf_sandbox.services.data_modeling.aggregate import aggregate_instances
from cdf_sandbox.services.data_modeling.complexity import read_with_filters
from cdf_sandbox.services.data_modeling.debug import answer_with_debug
from cdf_sandbox.services.data_modeling.deletes import delete_instances
from cdf_sandbox.services.data_modeling.hooks import AfterCommit, announce
from cdf_sandbox.services.data_modeling.inspection import InspectRequest, inspect_instances
from cdf_sandbox.services.data_modeling.models import (
    AggregateRequest,
    ByIdsRequest,
    DeleteRequest,
    ListRequest,
    SearchRequest,
    UpsertRequest,
)
from cdf_sandbox.services.data_modeling.query import run_query
from cdf_sandbox.services.data_modeling.query_models import QueryRequest
from cdf_sandbox.services.data_modeling.reads import list_instances, read_by_ids
from cdf_sandbox.services.data_modeling.schema_routes import schemas_router
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.search import search_instances
from cdf_sandbox.services.data_modeling.statistics import SpaceStatisticsIds, read_statistics, spaces_with_statistics
from cdf_sandbox.services.data_modeling.sync import run_sync
from cdf_sandbox.services.data_modeling.sync_models import SyncRequest
from cdf_sandbox.services.data_modeling.writes import InstanceWriter

asset_paths.install()
router = APIRouter(prefix="/models", route_class=CdfRoute, dependencies=[Depends(require_named_schemas)])


@router.post("/instances")
def upsert(sandbox: SandboxDep, access: AccessDep, request: Annotated[UpsertRequest, Body()]) -> Response:
    """Create, change and delete instances in one transaction."""
    access.require(SCHEMA_ACL, "READ")
    access.require_spaces(INSTANCE_ACL, "WRITE", {each.space for each in (*request.items, *request.delete)})
    named = [each.id for each in (*request.items, *request.delete)]
    with sandbox.change("instances", named) as db:
        writer = InstanceWriter(sandbox, db, access)
        answer = writer.upsert(request)
    _call(writer.after_commit)
    return Json(answer)


@router.post("/instances/byids")
def by_ids(sandbox: SandboxDep, access: AccessDep, request: Annotated[ByIdsRequest, Body()]) -> Response:
    """Read instances by id."""
    spaces = readable_instances(access)
    with read_with_filters(sandbox) as db:
        applied = sandbox.options.byids_applies_view_filter
        return Json(read_by_ids(db, request, spaces, apply_view_filter=applied))


@router.post("/instances/list")
def list_(sandbox: SandboxDep, access: AccessDep, request: Annotated[ListRequest, Body()]) -> Response:
    """Read a page of instances."""
    spaces = readable_instances(access)
    with read_with_filters(sandbox) as db:
        run = partial(list_instances, db, request, spaces)
        return Json(answer_with_debug(Schema(db), request, run, sandbox.options.latency))


@router.post("/instances/query")
def query(sandbox: SandboxDep, access: AccessDep, request: Annotated[QueryRequest, Body()]) -> Response:
    """Read result sets that build on each other."""
    spaces = readable_instances(access)
    with read_with_filters(sandbox) as db:
        run = partial(run_query, db, request, spaces)
        return Json(answer_with_debug(Schema(db), request, run, sandbox.options.latency))


@router.post("/instances/delete")
def delete(sandbox: SandboxDep, access: AccessDep, request: Annotated[DeleteRequest, Body()]) -> Response:
    """Delete instances; those that do not exist are ignored."""
    access.require(SCHEMA_ACL, "READ")
    access.require_spaces(INSTANCE_ACL, "WRITE", {each.space for each in request.items})
    with sandbox.change("instances", [each.id for each in request.items]) as db:
        deleted, changed = delete_instances(db, Schema(db), request.items, sandbox.clock.now_ms())
        after_commit = announce(sandbox, db, changed)
    _call(after_commit)
    return Json({"items": deleted})


def _call(actions: Iterable[AfterCommit]) -> None:
    for action in actions:
        action()


@router.post("/instances/search")
def search(sandbox: SandboxDep, access: AccessDep, request: Annotated[SearchRequest, Body()]) -> Response:
    """Find instances by the words of their texts."""
    spaces = readable_instances(access)
    with read_with_filters(sandbox) as db:
        return Json(search_instances(db, request, spaces, _listed_until(sandbox)))


@router.post("/instances/aggregate")
def aggregate(sandbox: SandboxDep, access: AccessDep, request: Annotated[AggregateRequest, Body()]) -> Response:
    """Count and sum up instances."""
    spaces = readable_instances(access)
    with read_with_filters(sandbox) as db:
        return Json(aggregate_instances(db, request, spaces, _listed_until(sandbox)))


@router.post("/instances/sync")
def sync(sandbox: SandboxDep, access: AccessDep, request: Annotated[SyncRequest, Body()]) -> Response:
    """Read what changed since a cursor."""
    spaces = readable_instances(access)
    with read_with_filters(sandbox) as db:
        run = partial(run_sync, db, request, spaces, sandbox.clock.now_ms())
        return Json(answer_with_debug(Schema(db), request, run, sandbox.options.latency))


@router.post("/instances/inspect")
def inspect(sandbox: SandboxDep, access: AccessDep, request: Annotated[InspectRequest, Body()]) -> Response:
    """List the views through which instances are visible, and the containers in which they have data."""
    spaces = readable_instances(access)
    with read_with_filters(sandbox) as db:
        return Json(inspect_instances(db, request, spaces))


@router.get("/statistics")
def statistics(sandbox: SandboxDep, access: AccessDep) -> Response:
    """Counts of the project and its limits."""
    access.require(SCHEMA_ACL, "READ")
    with sandbox.read() as db:
        return Json(read_statistics(db, sandbox.options.instance_limit, sandbox.clock.now_ms()))


@router.get("/statistics/spaces")
def statistics_of_all_spaces(sandbox: SandboxDep, access: AccessDep) -> Response:
    """Counts of every space that the caller may read."""
    access.require(SCHEMA_ACL, "READ")
    readable = access.spaces(SCHEMA_ACL, "READ")
    with sandbox.read() as db:
        items = spaces_with_statistics(db, sandbox.clock.now_ms())
    return Json({"items": [each for each in items if readable is None or each["space"] in readable]})


@router.post("/statistics/spaces/byids")
def statistics_of_spaces(sandbox: SandboxDep, access: AccessDep, body: SpaceStatisticsIds) -> Response:
    """Counts of single spaces; those that do not exist are passed over."""
    names = [item.space for item in body.items]
    access.require_spaces(SCHEMA_ACL, "READ", names)
    with sandbox.read() as db:
        return Json({"items": spaces_with_statistics(db, sandbox.clock.now_ms(), names)})


def _listed_until(sandbox: Sandbox) -> int:
    """The creation time up to which searches and aggregates know of instances already."""
    return sandbox.clock.now_ms() - int(sandbox.options.list_lag * 1000)


router.include_router(schemas_router)
