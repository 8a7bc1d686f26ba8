"""Endpoints of the Annotations API. Annotations have no key: a request that is sent twice creates two."""

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import CdfRoute, Items, Json
from cdf_sandbox.core.identifiers import ClassicId, FileId, InternalId, new_id
from cdf_sandbox.core.modes import refuse_classic_write
from cdf_sandbox.core.paging import cursor_id, encode_cursor, first_page, list_answer
from cdf_sandbox.core.sandbox import Sandbox, SandboxDep
from cdf_sandbox.core.sql import Where
from cdf_sandbox.services.annotations.data import parse_data
from cdf_sandbox.services.annotations.models import (
    AnnotationChange,
    AnnotationFilter,
    AnnotationId,
    AnnotationList,
    AnnotationSuggestion,
    AnnotationWrite,
    ReverseLookup,
)
from cdf_sandbox.services.annotations.store import annotation_json, find_annotations
from cdf_sandbox.services.files import store as files_store

router = APIRouter(prefix="/annotations", route_class=CdfRoute)


def _check_files(sandbox: Sandbox, db: Connection, access: Access, identifiers: Iterable[ClassicId]) -> list[int]:
    """The ids of files that the caller may read; 400 when one is missing."""
    access.require("filesAcl", "READ")
    wanted = [FileId.model_validate(identifier.wire()) for identifier in identifiers]
    rows = files_store.readable(access, files_store.find_all(db, wanted, sandbox.clock.now_ms()))
    return [row["id"] for row in rows]


def _create(
    sandbox: Sandbox, access: Access, items: Sequence[AnnotationSuggestion], statuses: Sequence[str]
) -> Response:
    refuse_classic_write(sandbox, "Annotations")
    now = sandbox.clock.now_ms()
    ids: list[int] = []
    with sandbox.write() as db:
        _check_files(
            sandbox, db, access, {i: ClassicId(id=i) for i in (a.annotated_resource_id for a in items)}.values()
        )
        data = [parse_data(item.annotation_type, item.data) for item in items]
        for item, status, checked in zip(items, statuses, data, strict=True):
            document = {
                "annotationType": item.annotation_type,
                "creatingApp": item.creating_app,
                "creatingAppVersion": item.creating_app_version,
                "creatingUser": item.creating_user,
                "data": checked,
                "status": status,
            }
            ids.append(new_id())
            db.execute(
                "INSERT INTO annotations VALUES (?, ?, ?, ?, ?)",
                (ids[-1], json.dumps(document, ensure_ascii=False), item.annotated_resource_id, now, now),
            )
        created = [annotation_json(row) for row in find_annotations(db, ids)]
    return Json({"items": created}, status_code=201)


@router.post("", status_code=201)
def create_annotations(sandbox: SandboxDep, access: AccessDep, body: Items[AnnotationWrite]) -> Response:
    """Create annotations, all or none."""
    access.require("annotationsAcl", "WRITE")
    return _create(sandbox, access, body.items, [item.status for item in body.items])


@router.post("/suggest", status_code=201)
def suggest_annotations(sandbox: SandboxDep, access: AccessDep, body: Items[AnnotationSuggestion]) -> Response:
    """Create annotations with status suggested."""
    access.require("annotationsAcl", "SUGGEST")
    return _create(sandbox, access, body.items, ["suggested"] * len(body.items))


def _require_files(condition: AnnotationFilter) -> None:
    if condition.annotated_resource_type != "file":
        raise BadRequest("The sandbox has annotations on files only")


def _contains(value: Any, wanted: Any) -> bool:
    """Return whether `wanted` is part of `value`: objects by their fields, everything else whole."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(key in value and _contains(value[key], wanted[key]) for key in wanted)
    return bool(value == wanted)


def _matches(document: dict[str, Any], condition: AnnotationFilter) -> bool:
    wanted = condition.model_dump(
        by_alias=True, exclude_none=True, exclude={"annotated_resource_type", "annotated_resource_ids"}
    )
    if "creating_user" in condition.model_fields_set:
        wanted["creatingUser"] = condition.creating_user
    return _contains(document, wanted)


@router.post("/list")
def list_annotations(sandbox: SandboxDep, access: AccessDep, body: AnnotationList) -> Response:
    """A page of the annotations on given files."""
    access.require("annotationsAcl", "READ")
    _require_files(body.filter)
    with sandbox.read() as db:
        files = _check_files(sandbox, db, access, body.filter.annotated_resource_ids)
        rows = db.execute(
            "SELECT * FROM annotations WHERE id > ? AND file_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (cursor_id(body.cursor), json.dumps(files)),
        ).fetchall()
    found = [annotation for row in rows if _matches(annotation := annotation_json(row), body.filter)]
    page, after = first_page(found, body.limit)
    return Json({"items": page, "nextCursor": None if after is None else encode_cursor(after)})


@router.post("/reverselookup")
def reverse_lookup(sandbox: SandboxDep, access: AccessDep, body: ReverseLookup) -> Response:
    """A page of the files with matching annotations, such as those that link to an asset or instance."""
    access.require("annotationsAcl", "READ")
    access.require("filesAcl", "READ")
    where = Where()
    where.visible(access.data_sets("filesAcl", "READ"))
    shown = Where()
    shown.within_categories(access.categories(), "files.doc")
    _require_files(body.filter)
    with sandbox.read() as db:
        rows = db.execute(
            f"SELECT files.id, files.external_id, files.space, annotations.doc, {where.sql()} AS by_files"  # noqa: S608 - the clauses are constants of the code; values are bound
            " FROM annotations JOIN files ON files.id = file_id"
            f" WHERE file_id > ? AND {shown.sql()} ORDER BY file_id",
            (*where.values, cursor_id(body.cursor), *shown.values),
        ).fetchall()
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        by_node = row["space"] is not None and files_store.is_node_allowed(access, row["space"], "READ")
        if not row["by_files"] and not by_node:
            continue
        if row["id"] not in found and _matches(json.loads(row["doc"]), body.filter):
            found[row["id"]] = {"id": row["id"]} | (
                {"externalId": row["external_id"]} if row["external_id"] is not None else {}
            )
    return list_answer(*first_page(list(found.values()), body.limit), annotatedResourceType="file")


@router.post("/byids")
def retrieve_annotations(sandbox: SandboxDep, access: AccessDep, body: Items[AnnotationId]) -> Response:
    """Annotations in the order of the request."""
    access.require("annotationsAcl", "READ")
    access.require("filesAcl", "READ")
    with sandbox.read() as db:
        rows = files_store.readable(access, find_annotations(db, [item.id for item in body.items]))
    return Json({"items": [annotation_json(row) for row in rows]})


@router.post("/update")
def update_annotations(sandbox: SandboxDep, access: AccessDep, body: Items[AnnotationChange]) -> Response:
    """Update annotations, all or none; reviewers may set the status only."""
    if any(change.update.model_fields_set - {"status"} for change in body.items) or not access.allows(
        "annotationsAcl", "REVIEW"
    ):
        access.require("annotationsAcl", "WRITE")
    access.require("filesAcl", "READ")
    refuse_classic_write(sandbox, "Annotations")
    now = sandbox.clock.now_ms()
    with sandbox.change("annotations", (item.id for item in body.items)) as db:
        rows = files_store.readable(access, find_annotations(db, [change.id for change in body.items]))
        for row, change in zip(rows, body.items, strict=True):
            document = _updated(json.loads(row["doc"]), change)
            if document != json.loads(row["doc"]):
                db.execute(
                    "UPDATE annotations SET doc = ?, last_updated_time = ? WHERE id = ?",
                    (json.dumps(document, ensure_ascii=False), now, row["id"]),
                )
        items = [annotation_json(row) for row in find_annotations(db, [change.id for change in body.items])]
    return Json({"items": items})


def _updated(document: dict[str, Any], change: AnnotationChange) -> dict[str, Any]:
    update = change.update
    if update.status is not None:
        document["status"] = update.status.set
    if update.annotation_type is not None:
        document["annotationType"] = update.annotation_type.set
    if update.data is not None:
        document["data"] = update.data.set
    document["data"] = parse_data(document["annotationType"], document["data"])
    return document


@router.post("/delete")
def delete_annotations(sandbox: SandboxDep, access: AccessDep, body: Items[AnnotationId]) -> Response:
    """Delete annotations, all or none."""
    access.require("annotationsAcl", "WRITE")
    access.require("filesAcl", "READ")
    refuse_classic_write(sandbox, "Annotations")
    with sandbox.change("annotations", (item.id for item in body.items)) as db:
        rows = files_store.readable(access, find_annotations(db, [item.id for item in body.items]))
        db.executemany("DELETE FROM annotations WHERE id = ?", [(row["id"],) for row in rows])
    return Json({})


@router.get("/{annotation_id}")
def retrieve_annotation(sandbox: SandboxDep, access: AccessDep, annotation_id: InternalId) -> Response:
    """One annotation."""
    access.require("annotationsAcl", "READ")
    access.require("filesAcl", "READ")
    with sandbox.read() as db:
        rows = files_store.readable(access, find_annotations(db, [annotation_id]))
    return Json(annotation_json(rows[0]))
