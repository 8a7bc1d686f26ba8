"""`query`: named result sets that build on each other.

A set continues at its cursor, which is good for the same expression alone. A cursor of a set that builds on another one
is valid for one page of that other set only: once the other set is on its next page, the cursor is ignored and the set
starts again, so that a client which returns all cursors misses nothing.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import BadRequest, InvalidCursor
from cdf_sandbox.core.paging import decode_cursor, encode_cursor
from cdf_sandbox.services.data_modeling.answers import dump_instances, dump_typing, select_some
from cdf_sandbox.services.data_modeling.columns import Columns, Sql, bind
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.ids import InstanceKind
from cdf_sandbox.services.data_modeling.models import Sort
from cdf_sandbox.services.data_modeling.paging import Order, set_token
from cdf_sandbox.services.data_modeling.query_models import (
    EdgeExpression,
    Intersection,
    NodeExpression,
    QueryRequest,
    SetOperation,
    Union,
    UnionAll,
)
from cdf_sandbox.services.data_modeling.reads import Spaces
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.traversal import Found, Traversal, evaluating, require_defined


@dataclass(frozen=True)
class _Page:
    """One page of a set: `token` names the page, `following` is where the next one begins."""

    found: Found
    token: str
    following: Any


def run_query(db: Connection, request: QueryRequest, spaces: Spaces) -> dict[str, Any]:
    """Answer a query."""
    return _Query(db, request, spaces).answer()


class _Query:
    def __init__(self, db: Connection, request: QueryRequest, spaces: Spaces) -> None:
        self._db = db
        self._request = request
        self._schema = Schema(db)
        self._compiler = FilterCompiler(self._schema, request.parameters or {})
        self._traversal = Traversal(db, self._schema, self._compiler, spaces)
        self._pages: dict[str, _Page] = {}
        self._open: list[str] = []
        self._cursors = {name: text for name, text in (request.cursors or {}).items() if text is not None}
        require_defined(request.with_, select=request.select, cursors=request.cursors)

    def answer(self) -> dict[str, Any]:
        items: dict[str, Any] = {}
        typing: dict[str, Any] = {}
        cursors: dict[str, str | None] = {}
        selections = {name: select_some(self._schema, select.sources) for name, select in self._request.select.items()}
        for name in self._request.with_:
            self._page(name)
        for name, select in self._request.select.items():
            page = self._pages[name]
            ids = self._sorted(page.found.ids, select.sort, page.found.kind)
            items[name] = dump_instances(self._db, ids[: select.limit], selections[name])
            typing[name] = dump_typing(self._db, selections[name]) if self._request.include_typing else {}
            following = {"q": self._set_token(name), "p": self._parent_token(name), "k": page.following}
            cursors[name] = None if page.following is None else encode_cursor(following)
        answer: dict[str, Any] = {"items": items, "nextCursor": cursors}
        if self._request.include_typing:
            answer["typing"] = typing
        return answer

    def _page(self, name: str) -> _Page:
        if name not in self._pages:
            with evaluating(name, self._request.with_, self._open):
                expression = self._request.with_[name]
                if isinstance(expression, NodeExpression | EdgeExpression):
                    self._pages[name] = self._instances(name, expression)
                else:
                    self._pages[name] = self._combined(name, expression)
        return self._pages[name]

    def _parents(self, name: str) -> list[str]:
        expression = self._request.with_[name]
        if isinstance(expression, NodeExpression):
            return [expression.nodes.from_] if expression.nodes.from_ else []
        if isinstance(expression, EdgeExpression):
            return [expression.edges.from_] if expression.edges.from_ else []
        return [*_members(expression), *expression.except_]

    def _parent_token(self, name: str) -> str:
        return "".join(self._page(parent).token for parent in self._parents(name))

    def _set_token(self, name: str) -> str:
        return set_token(name, self._request.with_, self._request.parameters)

    def _start(self, name: str) -> tuple[Any, str]:
        """Return the position at which the page begins, and the token of the page."""
        parents = self._parent_token(name)
        after = None
        if name in self._cursors:
            content = decode_cursor(self._cursors[name])
            if not isinstance(content, dict) or content.keys() != {"q", "p", "k"}:
                raise InvalidCursor
            if content["q"] != self._set_token(name):
                raise InvalidCursor
            if content["p"] == parents:
                after = content["k"]
        return after, hashlib.sha256(bind([name, parents, after]).encode()).hexdigest()[:16]

    def _instances(self, name: str, expression: NodeExpression | EdgeExpression) -> _Page:
        kind: InstanceKind = "node" if isinstance(expression, NodeExpression) else "edge"
        definition = expression.nodes if isinstance(expression, NodeExpression) else expression.edges
        parent = None if definition.from_ is None else self._page(definition.from_).found
        if isinstance(expression, NodeExpression) and expression.nodes.through and expression.nodes.from_:
            combines = isinstance(self._request.with_[expression.nodes.from_], SetOperation)
            if combines and expression.nodes.direction == "outwards":
                raise BadRequest(f"The result set '{name}' can follow relations to a set operation only inwards")
        after, token = self._start(name)
        if isinstance(expression, NodeExpression):
            where = self._traversal.nodes(expression.nodes, parent)
        else:
            where = self._traversal.edges(expression.edges, parent)
        order = Order(Columns(self._schema), expression.sort, kind)
        ids, following = order.page(self._db, where, expression.limit, after)
        if isinstance(expression, EdgeExpression):
            ids = self._sorted(ids, expression.post_sort, kind)
        return _Page(Found(kind, ids, definition.direction), token, following)

    def _combined(self, name: str, expression: SetOperation) -> _Page:
        members = [self._page(member).found for member in _members(expression)]
        if len({member.kind for member in members}) != 1:
            raise BadRequest(f"The result set '{name}' mixes nodes and edges")
        excluded = {each for other in expression.except_ for each in self._page(other).found.ids}
        if isinstance(expression, Intersection):
            common = set(members[0].ids).intersection(*(member.ids for member in members[1:]))
            ids: Iterable[int] = [each for each in members[0].ids if each in common]
        else:
            ids = chain.from_iterable(member.ids for member in members)
            if isinstance(expression, Union):
                ids = dict.fromkeys(ids)
        after, token = self._start(name)
        offset = 0 if after is None else after
        if type(offset) is not int or offset < 0:
            raise InvalidCursor
        page = list(islice((each for each in ids if each not in excluded), offset, offset + expression.limit))
        following = offset + expression.limit if len(page) == expression.limit else None
        return _Page(Found(members[0].kind, page, members[0].direction), token, following)

    def _sorted(self, ids: Sequence[int], sorts: Sequence[Sort], kind: InstanceKind) -> list[int]:
        if not sorts or not ids:
            return list(ids)
        order = Order(Columns(self._schema), sorts, kind)
        where = Sql("i.id IN (SELECT value FROM json_each(?))", (bind(list(ids)),))
        return order.page(self._db, where, len(ids))[0]


def _members(expression: SetOperation) -> list[str]:
    if isinstance(expression, UnionAll):
        return expression.union_all
    return expression.union if isinstance(expression, Union) else expression.intersection
