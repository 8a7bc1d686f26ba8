"""Endpoints of the Assets API."""

import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.http import CdfRoute, Items, Json
from cdf_sandbox.core.identifiers import ClassicId, InternalId
from cdf_sandbox.core.modes import refuse_classic_write
from cdf_sandbox.core.paging import cursor_id, list_answer, partition_of
from cdf_sandbox.core.patches import apply_patches, new_document, without_lists
from cdf_sandbox.core.references import check_attached, check_references
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.core.sql import Where, id_lists
from cdf_sandbox.services.assets import store
from cdf_sandbox.services.assets.advanced_filters import AdvancedFilter
from cdf_sandbox.services.assets.aggregates import AssetAggregate
from cdf_sandbox.services.assets.models import (
    AssetChange,
    AssetDelete,
    AssetFilter,
    AssetIds,
    AssetList,
    AssetQuery,
    AssetSearch,
    AssetWrite,
)
from cdf_sandbox.services.assets.sorting import keys_of, sorted_page
from cdf_sandbox.services.assets.store import ASSETS, OF_ROOTS, SUBTREE_IDS

router = APIRouter(prefix="/assets", route_class=CdfRoute)


def _where(
    sandbox: Sandbox, access: Access, condition: AssetFilter | None, advanced: AdvancedFilter | None = None
) -> Where:
    access.require("assetsAcl", "READ")
    where = Where()
    where.add("created_time <= ?", sandbox.clock.now_ms() - int(sandbox.options.list_lag * 1000))
    where.visible(access.data_sets("assetsAcl", "READ"))
    where.classic(condition)
    if advanced is not None:
        wanted = advanced.condition()
        where.add(wanted.sql, *wanted.values)
    if condition is None:
        return where
    if condition.root is not None:
        where.add("(parent_id IS NULL) = ?", int(condition.root))
    if condition.parent_ids is not None:
        where.add("parent_id IN (SELECT value FROM json_each(?))", json.dumps(condition.parent_ids))
    if condition.parent_external_ids is not None:
        where.add(
            "parent_id IN (SELECT id FROM assets WHERE external_id IN (SELECT value FROM json_each(?)))",
            json.dumps(condition.parent_external_ids),
        )
    for roots, ids in ((condition.root_ids, OF_ROOTS), (condition.asset_subtree_ids, SUBTREE_IDS)):
        if roots is not None:
            where.add(f"id IN ({ids})", *id_lists(roots))
    return where


@router.post("", status_code=201)
def create_assets(sandbox: SandboxDep, access: AccessDep, body: Items[AssetWrite]) -> Response:
    """Create assets, all or none."""
    access.require("assetsAcl", "WRITE")
    refuse_classic_write(sandbox, "Assets")
    access.require_data_sets("assetsAcl", "WRITE", (item.data_set_id for item in body.items))
    documents = [new_document(item) for item in body.items]
    with sandbox.write() as db:
        check_references(db, documents)
        for document in documents:
            check_attached(sandbox, db, document)
        ASSETS.check_free(db, documents)
        ids = store.insert_forest(db, body.items, sandbox.clock.now_ms())
        items = [store.asset_json(db, row) for row in ASSETS.find_all(db, [ClassicId(id=i) for i in ids])]
    return Json({"items": items}, status_code=201)


@router.post("/list")
def list_assets(sandbox: SandboxDep, access: AccessDep, body: AssetList) -> Response:
    """A page of assets."""
    return _page(sandbox, access, body)


def _page(sandbox: Sandbox, access: Access, body: AssetList, *, with_metadata: bool = True) -> Response:
    where = _where(sandbox, access, body.filter, body.advanced_filter)
    keys, partition = keys_of(body.sort, body.advanced_filter), partition_of(body.partition)
    with sandbox.read() as db:
        rows, after = (
            sorted_page(db, where, keys, body.cursor, body.limit, partition)
            if keys
            else ASSETS.page(db, where, cursor_id(body.cursor), body.limit, partition)
        )
        items = [store.asset_json(db, row, body.aggregated_properties or ()) for row in rows]
    if not with_metadata:
        items = [{name: value for name, value in item.items() if name != "metadata"} for item in items]
    return list_answer(items, after)


@router.get("")
def list_assets_by_query(sandbox: SandboxDep, access: AccessDep, query: Annotated[AssetQuery, Query()]) -> Response:
    """A page of assets, its filter in the query string."""
    return _page(sandbox, access, AssetList.model_validate(query.body()), with_metadata=query.include_metadata)


@router.post("/search")
def search_assets(sandbox: SandboxDep, access: AccessDep, body: AssetSearch) -> Response:
    """Assets by words, best first."""
    where = _where(sandbox, access, body.filter)
    wanted = body.search or AssetSearch.Search()
    description = "json_extract(doc, '$.description')"
    both = f"name || ' ' || coalesce({description}, '')"
    words = {"name": wanted.name, description: wanted.description, both: wanted.query}
    with sandbox.read() as db:
        rows = ASSETS.search(db, where, {column: text for column, text in words.items() if text}, body.limit)
        return Json({"items": [store.asset_json(db, row) for row in rows]})


@router.post("/aggregate")
def aggregate_assets(sandbox: SandboxDep, access: AccessDep, body: AssetAggregate) -> Response:
    """The number of assets, of values or of keys of the metadata, or these themselves."""
    where = _where(sandbox, access, body.filter, body.advanced_filter)
    with sandbox.read() as db:
        return Json({"items": body.answer(db, where)})


@router.post("/byids")
def retrieve_assets(sandbox: SandboxDep, access: AccessDep, body: AssetIds) -> Response:
    """Assets in the order of the request."""
    access.require("assetsAcl", "READ")
    with sandbox.read() as db:
        rows = ASSETS.find_all(db, body.items, ignore_unknown=body.ignore_unknown_ids)
        access.require_data_sets("assetsAcl", "READ", (row["data_set_id"] for row in rows))
        return Json({"items": [store.asset_json(db, row, body.aggregated_properties or ()) for row in rows]})


@router.post("/update")
def update_assets(sandbox: SandboxDep, access: AccessDep, body: Items[AssetChange]) -> Response:
    """Patch assets, all or none."""
    access.require("assetsAcl", "WRITE")
    refuse_classic_write(sandbox, "Assets")
    now = sandbox.clock.now_ms()
    with sandbox.change("assets", (item.wire() for item in body.items)) as db:
        rows = store.find_to_change(db, body.items)
        access.require_data_sets("assetsAcl", "WRITE", (row["data_set_id"] for row in rows))
        for row, change in zip(rows, body.items, strict=True):
            update = change.update
            if update.parent_id is not None or update.parent_external_id is not None:
                store.move(
                    db,
                    row,
                    update.parent_id.set if update.parent_id else None,
                    update.parent_external_id.set if update.parent_external_id else None,
                    now,
                )
            before = json.loads(row["doc"])
            document = apply_patches(before, update)
            for name in ("parentId", "parentExternalId"):
                document.pop(name, None)
            checked = AssetWrite.model_validate(without_lists(document))
            access.require_data_sets("assetsAcl", "WRITE", [checked.data_set_id])
            check_references(db, [document], before)
            check_attached(sandbox, db, document, before)
            ASSETS.save(db, row, document, now)
        changed = ASSETS.find_all(db, [ClassicId(id=row["id"]) for row in rows])
        items = [store.asset_json(db, row) for row in changed]
    return Json({"items": items})


@router.post("/delete")
def delete_assets(sandbox: SandboxDep, access: AccessDep, body: AssetDelete) -> Response:
    """Delete assets, all or none."""
    access.require("assetsAcl", "WRITE")
    refuse_classic_write(sandbox, "Assets")
    with sandbox.change("assets", (item.wire() for item in body.items)) as db:
        rows = store.find_to_change(db, body.items, ignore_unknown=body.ignore_unknown_ids)
        ids: Sequence[int] = [row["id"] for row in rows]
        access.require_data_sets("assetsAcl", "WRITE", (row["data_set_id"] for row in rows))
        store.delete_assets(db, ids, recursive=body.recursive)
    return Json({})


@router.get("/{asset_id}")
def retrieve_asset(sandbox: SandboxDep, access: AccessDep, asset_id: InternalId) -> Response:
    """One asset."""
    access.require("assetsAcl", "READ")
    with sandbox.read() as db:
        row = ASSETS.find(db, ClassicId(id=asset_id))
        if row is None:
            raise ASSETS.unknown([{"id": asset_id}], 404)
        access.require_data_sets("assetsAcl", "READ", [row["data_set_id"]])
        return Json(store.asset_json(db, row))
