"""Read instances by id and page by page."""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import InvalidCursor
from cdf_sandbox.core.paging import decode_cursor, encode_cursor
from cdf_sandbox.services.data_modeling.answers import Selection, dump_instances, dump_typing, select_all
from cdf_sandbox.services.data_modeling.columns import Columns, Sql, bind
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.ids import InstanceKind
from cdf_sandbox.services.data_modeling.models import ByIdsRequest, ListRequest
from cdf_sandbox.services.data_modeling.paging import Order, list_token
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.store import find_instances

Spaces = frozenset[str] | None
"""The spaces that a caller may read; `None` for all."""


def visible(kind: InstanceKind, spaces: Spaces, created_until: int | None = None, *, with_deleted: bool = False) -> Sql:
    """Return the condition that row `i` is an instance of `kind` in `spaces`, created by then (epoch ms)."""
    parts = [Sql("i.kind = ?", (kind,))]
    if not with_deleted:
        parts.append(Sql("i.deleted_time IS NULL"))
    if created_until is not None:
        parts.append(Sql("i.created_time <= ?", (created_until,)))
    if spaces is not None:
        parts.append(in_spaces(spaces))
    return Sql.joined("AND", parts, "1")


def in_spaces(spaces: frozenset[str]) -> Sql:
    """Return the condition that row `i` is in one of `spaces`."""
    return Sql("i.space IN (SELECT value FROM json_each(?))", (bind(sorted(spaces)),))


def read_by_ids(db: Connection, request: ByIdsRequest, spaces: Spaces, *, apply_view_filter: bool) -> dict[str, Any]:
    """Read those of the instances that exist and have data in every source."""
    schema = Schema(db)
    selections = select_all(schema, request.sources)
    stored = find_instances(db, (each.id for each in request.items))
    ids = [
        row.id
        for each in request.items
        if (row := stored.get(each.id)) is not None and row.kind == each.instance_type and row.deleted_time is None
    ]
    if spaces is not None:
        allowed = {row.id for row in stored.values() if row.instance.space in spaces}
        ids = [each for each in ids if each in allowed]
    if selections:
        compiler = FilterCompiler(schema)
        has = [compiler.has_data(each.view, "i", use_filter=apply_view_filter) for each in selections]
        condition = Sql.joined("AND", has, "1")
        rows = db.execute(
            "SELECT i.id FROM dms_instance i WHERE i.id IN (SELECT value FROM json_each(?)) AND " + condition.text,
            (bind(ids), *condition.params),
        )
        there = {row["id"] for row in rows}
        ids = [each for each in ids if each in there]
    return with_typing({"items": dump_instances(db, ids, selections)}, db, selections, request.include_typing)


def list_instances(db: Connection, request: ListRequest, spaces: Spaces) -> dict[str, Any]:
    """One page of instances that have data in every source and match the filter."""
    schema = Schema(db)
    selections = select_all(schema, request.sources)
    compiler = FilterCompiler(schema)
    kind = request.instance_type
    only_view = selections[0].view if len(selections) == 1 else None
    parts = [visible(kind, spaces), *(compiler.has_data(each.view, "i") for each in selections)]
    if request.filter is not None:
        parts.append(compiler.compile(request.filter, "i", kind, only_view))
    order = Order(Columns(schema), request.sort, kind, only_view)
    after = _after(request)
    ids, following = order.page(db, Sql.joined("AND", parts, "1"), request.limit, after)
    answer: dict[str, Any] = {"items": dump_instances(db, ids, selections)}
    if following is not None:
        answer["nextCursor"] = encode_cursor({"q": list_token(request), "k": following})
    return with_typing(answer, db, selections, request.include_typing)


def _after(request: ListRequest) -> Any:
    """Return the position after which the page begins; 400 for a cursor of another list."""
    if request.cursor is None:
        return None
    content = decode_cursor(request.cursor)
    if not isinstance(content, dict) or content.keys() != {"q", "k"} or content["q"] != list_token(request):
        raise InvalidCursor
    return content["k"]


def with_typing(answer: dict[str, Any], db: Connection, selections: list[Selection], wanted: bool) -> dict[str, Any]:
    """`answer` with the types of its properties if they are wanted."""
    if wanted:
        answer["typing"] = dump_typing(db, selections)
    return answer
