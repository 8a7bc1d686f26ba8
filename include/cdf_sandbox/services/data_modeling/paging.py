"""Orders and cursors: a page continues after the values of the last instance of the page before."""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import BadRequest, InvalidCursor
from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.services.data_modeling.columns import Columns, Sql, brief
from cdf_sandbox.services.data_modeling.ids import InstanceKind
from cdf_sandbox.services.data_modeling.models import ListRequest, SearchSort, Sort
from cdf_sandbox.services.data_modeling.schema import View

_UNPAGED = frozenset({"limit", "cursor", "include_typing", "debug"})
"""Fields that may differ from page to page; without them a request says what it pages through."""
_UNORDERED_KINDS = frozenset({"json", "direct"})


def list_token(request: ListRequest) -> str:
    """Name what the pages of a list are pages of: a cursor is good for that alone."""
    return _token(request.model_dump(mode="json", exclude=set(_UNPAGED)))


def set_token(name: str, sets: Mapping[str, StrictModel], parameters: Mapping[str, Any] | None) -> str:
    """Name a result set by its expression, those that it builds on, and the values of parameters."""
    found: dict[str, Any] = {}
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in found and each in sets:
            found[each] = sets[each].model_dump(mode="json", exclude=set(_UNPAGED))
            waiting += _parents(found[each])
    return _token([found.pop(name), found, parameters or {}])


def _parents(expression: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the sets that an expression builds on."""
    for members in ("union_all", "union", "intersection", "except_"):
        yield from expression.get(members, ())
    for kind in ("nodes", "edges"):
        if parent := expression.get(kind, {}).get("from_"):
            yield parent


def _token(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Key:
    value: Sql
    descending: bool
    nulls_first: bool

    @property
    def order(self) -> str:
        return f"{'DESC' if self.descending else 'ASC'} NULLS {'FIRST' if self.nulls_first else 'LAST'}"

    def after(self, place: int, last: Any) -> str:
        """The condition that column `k<place>` comes strictly after `last`, with one `?` unless last is null."""
        column = f"k{place}"
        if last is None:
            return f"({column} IS NOT NULL)" if self.nulls_first else "0"
        beyond = f"({column} {'<' if self.descending else '>'} ?)"
        return beyond if self.nulls_first else f"({beyond} OR {column} IS NULL)"


class Order:
    """The order of a result: the keys of a request, then the order of creation."""

    def __init__(
        self, columns: Columns, sorts: Sequence[SearchSort], kind: InstanceKind, view: View | None = None
    ) -> None:
        self._keys: list[_Key] = []
        for sort in sorts:
            column = columns.find(sort.property, "i", kind, view)
            if column.type.is_list or column.type.kind in _UNORDERED_KINDS:
                raise BadRequest(f"Cannot sort by {brief(sort.property)}: {column.type.kind} has no order")
            nulls_first = isinstance(sort, Sort) and sort.nulls_first
            self._keys.append(_Key(column.value, sort.direction == "descending", nulls_first))

    @property
    def is_plain(self) -> bool:
        """Whether this is the order of creation alone."""
        return not self._keys

    def page(self, db: Connection, where: Sql, limit: int, after: Any = None) -> tuple[list[int], Any]:
        """Ids of at most `limit` rows of the instance table, and where the next page begins (null if this is short).

        `where` refers to the row as `i`; `after` is the position that an earlier call returned.
        """
        last = self._checked(after)
        columns = "".join(f", {key.value.text} AS k{place}" for place, key in enumerate(self._keys))
        params: list[Any] = [param for key in self._keys for param in key.value.params]
        inner = f"SELECT i.id AS id{columns} FROM dms_instance i WHERE {where.text}"
        params.extend(where.params)
        condition = "1"
        if last is not None:
            alternatives = []
            for depth in range(len(self._keys) + 1):
                parts = []
                for place in range(depth):
                    parts.append(f"k{place} IS ?")
                    params.append(last[place])
                if depth < len(self._keys):
                    parts.append(self._keys[depth].after(depth, last[depth]))
                    params.extend([last[depth]] if last[depth] is not None else [])
                else:
                    parts.append("id > ?")
                    params.append(last[-1])
                alternatives.append(f"({' AND '.join(parts)})")
            condition = " OR ".join(alternatives)
        order = "".join(f"k{place} {key.order}, " for place, key in enumerate(self._keys))
        if self.is_plain:
            # A condition on the row itself lets SQLite start at the cursor instead of skipping to it.
            text = f"{inner} AND i.id > ? ORDER BY i.id LIMIT ?"
            params = [*where.params, last[-1] if last else 0]
        else:
            text = f"SELECT * FROM ({inner}) WHERE {condition} ORDER BY {order}id LIMIT ?"
        rows = db.execute(text, (*params, limit)).fetchall()
        ids = [row["id"] for row in rows]
        if len(ids) < limit:
            return ids, None
        return ids, [*(rows[-1][f"k{place}"] for place in range(len(self._keys))), ids[-1]]

    def _checked(self, after: Any) -> list[Any] | None:
        if after is None:
            return None
        scalars = isinstance(after, list) and all(part is None or type(part) in (str, int, float) for part in after)
        if not scalars or len(after) != len(self._keys) + 1 or type(after[-1]) is not int:
            raise InvalidCursor
        if any(type(part) is int and not -(1 << 63) <= part < 1 << 63 for part in after):
            raise InvalidCursor
        return list(after)
