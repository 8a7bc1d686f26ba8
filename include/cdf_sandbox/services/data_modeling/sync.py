"""`sync`: what changed since a cursor, deletions included, in the order of the changes.

A set that builds on another one holds the changed instances that are reached from all instances of that other set, not
only from its changed ones.
"""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import BadRequest, InvalidCursor
from cdf_sandbox.core.paging import decode_cursor, encode_cursor
from cdf_sandbox.services.data_modeling.answers import dump_instances, dump_typing, select_some
from cdf_sandbox.services.data_modeling.columns import Sql
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.ids import InstanceKind
from cdf_sandbox.services.data_modeling.paging import set_token
from cdf_sandbox.services.data_modeling.reads import Spaces
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.store import SOFT_DELETED_FOR_MS, last_seq
from cdf_sandbox.services.data_modeling.sync_models import SyncEdgeExpression, SyncNodeExpression, SyncRequest
from cdf_sandbox.services.data_modeling.traversal import Found, Traversal, evaluating, require_defined


@dataclass(frozen=True)
class _Position:
    """Changes up to `seq` were answered; deletions up to `begun` may be left out."""

    seq: int
    begun: int


def run_sync(db: Connection, request: SyncRequest, spaces: Spaces, now_ms: int) -> dict[str, Any]:
    """Answer a sync request; every selected set gets a cursor."""
    return _Sync(db, request, spaces, now_ms).answer()


class _Sync:
    def __init__(self, db: Connection, request: SyncRequest, spaces: Spaces, now_ms: int) -> None:
        self._db = db
        self._request = request
        self._now = now_ms
        self._schema = Schema(db)
        self._compiler = FilterCompiler(self._schema, request.parameters or {})
        self._spaces = spaces
        self._last = last_seq(db)
        self._open: list[str] = []
        self._conditions: dict[tuple[str, bool], Sql] = {}
        self._found: dict[tuple[str, bool], Found] = {}
        require_defined(request.with_, select=request.select, cursors=request.cursors)

    def answer(self) -> dict[str, Any]:
        items: dict[str, Any] = {}
        cursors: dict[str, str] = {}
        typing: dict[str, Any] = {}
        for name in self._request.with_:
            self._changeable(name)
        for name, select in self._request.select.items():
            selections = select_some(self._schema, select.sources)
            ids, position = self._changes(name)
            items[name] = dump_instances(self._db, ids, selections)
            token = set_token(name, self._request.with_, self._request.parameters)
            cursors[name] = encode_cursor({"q": token, "s": position.seq, "b": position.begun, "t": self._now})
            typing[name] = dump_typing(self._db, selections) if self._request.include_typing else {}
        answer: dict[str, Any] = {"items": items, "nextCursor": cursors}
        if self._request.include_typing:
            answer["typing"] = typing
        return answer

    def _position(self, name: str) -> _Position:
        text = (self._request.cursors or {}).get(name)
        expression = self._request.with_[name]
        if text is None:
            return _Position(self._last if expression.mode == "noBackfill" else 0, self._last)
        content = decode_cursor(text)
        token = set_token(name, self._request.with_, self._request.parameters)
        if not isinstance(content, dict) or content.keys() != {"q", "s", "b", "t"} or content.pop("q") != token:
            raise InvalidCursor
        if any(type(part) is not int or not 0 <= part < 1 << 62 for part in content.values()):
            raise InvalidCursor
        expired = self._now - content["t"] > SOFT_DELETED_FOR_MS
        if expired and not self._request.allow_expired_cursors_and_accept_missed_deletes:
            raise BadRequest(f"The cursor of '{name}' has expired: it is older than three days")
        return _Position(content["s"], content["b"])

    def _changes(self, name: str) -> tuple[list[int], _Position]:
        expression = self._request.with_[name]
        position = self._position(name)
        where = self._changeable(name)
        ignored = position.begun if expression.skip_already_deleted else 0
        rows = self._db.execute(
            f"SELECT i.id, i.seq FROM dms_instance i WHERE {where.text} AND i.seq > ?"
            " AND (i.deleted_time IS NULL OR i.deleted_time > ? AND i.seq > ?) ORDER BY i.seq LIMIT ?",
            (*where.params, position.seq, self._now - SOFT_DELETED_FOR_MS, ignored, expression.limit),
        ).fetchall()
        full = len(rows) == expression.limit
        return [row["id"] for row in rows], _Position(rows[-1]["seq"] if full else self._last, position.begun)

    def _changeable(self, name: str) -> Sql:
        """Return the condition that row `i` is in a set, changed or not, or was until it was deleted."""
        was = self._condition(name, with_deleted=True)
        expression = self._request.with_[name]
        definition = expression.nodes if isinstance(expression, SyncNodeExpression) else expression.edges
        if definition.from_ is None:
            return was
        deleted = Sql.joined("AND", [Sql("i.deleted_time IS NOT NULL"), was], "1")
        return Sql.joined("OR", [self._condition(name, with_deleted=False), deleted], "0")

    def _condition(self, name: str, *, with_deleted: bool) -> Sql:
        """Return the condition that row `i` is in a set; `with_deleted`, that it was, by way of whatever was there."""
        key = (name, with_deleted)
        if key not in self._conditions:
            self._conditions[key] = self._compiled(name, with_deleted=with_deleted)
        return self._conditions[key]

    def _compiled(self, name: str, *, with_deleted: bool) -> Sql:
        with evaluating(name, self._request.with_, self._open):
            expression = self._request.with_[name]
            if expression.backfill_sort:
                if expression.mode != "twoPhase":
                    raise BadRequest("Backfill sort can only be used with two-phase sync.")
                raise BadRequest("backfillSort needs a cursorable index on its properties, which the sandbox has not")
            traversal = Traversal(self._db, self._schema, self._compiler, self._spaces, with_deleted=with_deleted)
            if isinstance(expression, SyncNodeExpression):
                return traversal.nodes(expression.nodes, self._parent(expression.nodes.from_, with_deleted))
            return traversal.edges(expression.edges, self._parent(expression.edges.from_, with_deleted))

    def _parent(self, name: str | None, with_deleted: bool) -> Found | None:
        if name is None:
            return None
        key = (name, with_deleted)
        if key not in self._found:
            self._found[key] = self._evaluated(name, with_deleted)
        return self._found[key]

    def _evaluated(self, name: str, with_deleted: bool) -> Found:
        where = self._condition(name, with_deleted=with_deleted)
        rows = self._db.execute(f"SELECT i.id FROM dms_instance i WHERE {where.text}", where.params)
        expression = self._request.with_[name]
        kind: InstanceKind = "edge" if isinstance(expression, SyncEdgeExpression) else "node"
        definition = expression.edges if isinstance(expression, SyncEdgeExpression) else expression.nodes
        return Found(kind, [row["id"] for row in rows], definition.direction)
