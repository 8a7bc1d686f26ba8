"""Traversal from one result set to the next, along direct relations and edges."""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Literal

from cdf_sandbox.core.errors import BadRequest, UnknownProperty
from cdf_sandbox.services.data_modeling.columns import Sql, bind
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceKind, ViewRef
from cdf_sandbox.services.data_modeling.query_models import EdgeSet, NodeSet, SyncEdgeSet, Through
from cdf_sandbox.services.data_modeling.reads import Spaces, visible
from cdf_sandbox.services.data_modeling.schema_store import Schema

Direction = Literal["outwards", "inwards"]


@dataclass(frozen=True)
class Found:
    """The instances of a result set; `direction` says how edges were followed."""

    kind: InstanceKind
    ids: Sequence[int]
    direction: Direction = "outwards"

    def side(self, chain_to: Literal["source", "destination"]) -> str:
        """The end of these edges that a set chains to: `start` or `end`."""
        return "end" if (self.direction == "outwards") == (chain_to == "destination") else "start"


def require_defined(sets: Collection[str], **named: Collection[str] | None) -> None:
    """Refuse a result set that `select` or `cursors` names and `with` does not define."""
    for what, names in named.items():
        unknown = sorted(set(names or ()) - set(sets))
        if unknown:
            raise BadRequest(f"'{what}' names the result set '{unknown[0]}', which 'with' does not define")


@contextmanager
def evaluating(name: str, sets: Collection[str], in_progress: list[str]) -> Iterator[None]:
    """Evaluate a result set in the block; refuse one that is not defined or that builds on itself."""
    if name not in sets:
        raise BadRequest(f"The result set '{name}' is not defined in 'with'")
    if name in in_progress:
        raise BadRequest(f"The result set '{name}' builds on itself")
    in_progress.append(name)
    yield
    in_progress.pop()


class Traversal:
    """Traversal of result sets within one request."""

    def __init__(
        self, db: Connection, schema: Schema, compiler: FilterCompiler, spaces: Spaces, *, with_deleted: bool = False
    ) -> None:
        self._db = db
        self._schema = schema
        self._compiler = compiler
        self._spaces = spaces
        self._with_deleted = with_deleted

    def nodes(self, definition: NodeSet, parent: Found | None) -> Sql:
        """The condition that row `i` is one of the nodes of a set."""
        parts = [visible("node", self._spaces, with_deleted=self._with_deleted)]
        if parent is None and definition.through is not None:
            raise BadRequest("'through' needs 'from'")
        if parent is not None:
            parts.append(self._reached(definition, parent))
        if definition.filter is not None:
            parts.append(self._compiler.compile(definition.filter, "i", "node"))
        return Sql.joined("AND", parts, "1")

    def _reached(self, definition: NodeSet, parent: Found) -> Sql:
        ids = bind(list(parent.ids))
        if definition.through is None:
            if parent.kind == "node":
                raise BadRequest("A set of nodes can only be chained from nodes with 'through'")
            side = parent.side(definition.chain_to)
            return Sql(
                f"(i.space, i.external_id) IN (SELECT e.{side}_space, e.{side}_xid"
                " FROM json_each(?) k JOIN dms_instance e ON e.id = k.value)",
                (ids,),
            )
        relation = self._relation(definition.through)
        if definition.direction == "outwards":
            return Sql(
                "(i.space, i.external_id) IN (SELECT r.target_space, r.target_xid FROM json_each(?) k"
                " JOIN dms_relation r ON r.instance = k.value AND r.container = ? AND r.property = ?)",
                (ids, *relation),
            )
        return Sql(
            "i.id IN (SELECT r.instance FROM json_each(?) k JOIN dms_instance p ON p.id = k.value JOIN dms_relation r"
            " ON r.target_space = p.space AND r.target_xid = p.external_id AND r.container = ? AND r.property = ?)",
            (ids, *relation),
        )

    def _relation(self, through: Through) -> tuple[str, str]:
        """Container and property of the relation to follow."""
        source = through.source or through.view
        if isinstance(source, ViewRef):
            view = self._schema.view(source.id)
            mapped = view.properties.get(through.identifier)
            if mapped is None:
                raise UnknownProperty(through.identifier, f"view '{view.id}'")
            container, identifier, prop = mapped.container, mapped.identifier, mapped.property
        else:
            assert source is not None
            container = ContainerId(source.space, source.external_id)
            identifier = through.identifier
            found = self._schema.container(container).properties.get(identifier)
            if found is None:
                raise UnknownProperty(identifier, f"container '{container}'")
            prop = found
        if prop.type.kind != "direct":
            raise BadRequest(f"'through' needs a direct relation; '{through.identifier}' is {prop.type.kind}")
        return str(container), identifier

    def edges(self, definition: SyncEdgeSet, parent: Found | None) -> Sql:
        """The condition that row `i` is one of the edges of a set."""
        own = visible("edge", self._spaces, with_deleted=self._with_deleted)
        if definition.filter is not None:
            own = Sql.joined("AND", [own, self._compiler.compile(definition.filter, "i", "edge")], "1")
        if parent is None:
            return own
        reached = self._walk(definition, self._first_nodes(definition, parent), own)
        return Sql("i.id IN (SELECT value FROM json_each(?))", (bind(reached),))

    def _first_nodes(self, definition: SyncEdgeSet, parent: Found) -> list[int]:
        if parent.kind == "node":
            return list(parent.ids)
        side = parent.side(definition.chain_to)
        rows = self._db.execute(
            "SELECT DISTINCT n.id FROM json_each(?) k JOIN dms_instance e ON e.id = k.value"
            f" JOIN dms_instance n ON n.space = e.{side}_space AND n.external_id = e.{side}_xid",
            (bind(list(parent.ids)),),
        )
        return [row["id"] for row in rows]

    def _walk(self, definition: SyncEdgeSet, start: list[int], own: Sql) -> list[int]:
        """Ids of the edges that are met when edges are followed from `start`, level by level."""
        near, far = ("start", "end") if definition.direction == "outwards" else ("end", "start")
        terminal = Sql("0")
        if definition.termination_filter is not None:
            terminal = self._compiler.compile(definition.termination_filter, "n", "node")
        conditions = [own]
        if definition.node_filter is not None:
            conditions.append(self._compiler.compile(definition.node_filter, "n", "node"))
        where = Sql.joined("AND", conditions, "1")
        statement = (
            f"SELECT i.id AS edge, p.id AS source, n.id AS node, {terminal.text} AS terminal"
            f" FROM json_each(?) k JOIN dms_instance p ON p.id = k.value"
            f" JOIN dms_instance i ON i.{near}_space = p.space AND i.{near}_xid = p.external_id AND i.kind = 'edge'"
            f" LEFT JOIN dms_instance n ON n.space = i.{far}_space AND n.external_id = i.{far}_xid"
            f" WHERE {where.text} ORDER BY i.id"
        )
        edges: dict[int, None] = {}
        visited = set(start)
        frontier = start
        level = 0
        limit_each = definition.limit_each if isinstance(definition, EdgeSet) else None
        each: Counter[int] = Counter()
        while frontier and (definition.max_distance is None or level < definition.max_distance):
            level += 1
            found: list[Any] = self._db.execute(statement, (*terminal.params, bind(frontier), *where.params)).fetchall()
            frontier = []
            for row in found:
                each[row["source"]] += 1
                if limit_each is not None and each[row["source"]] > limit_each:
                    continue
                edges[row["edge"]] = None
                if row["node"] is not None and not row["terminal"] and row["node"] not in visited:
                    visited.add(row["node"])
                    frontier.append(row["node"])
        return list(edges)
