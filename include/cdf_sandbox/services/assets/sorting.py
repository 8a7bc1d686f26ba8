"""`sort` of assets, and pages in an order that continue after the last row whatever was changed meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.errors import BadRequest, InvalidCursor
from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.paging import decode_cursor, first_page
from cdf_sandbox.core.sql import Where
from cdf_sandbox.services.assets.advanced_filters import AdvancedFilter, Condition, Property, column_of

SCORE = ["_score_"]
_SORTABLE = {"createdTime", "dataSetId", "description", "externalId", "lastUpdatedTime", "metadata", "name", "source"}


class Sort(StrictModel):
    """One property to sort by; assets without a value come last when ascending, unless `nulls` says where."""

    property: Property
    order: Literal["asc", "desc"] | None = None
    nulls: Literal["first", "last", "auto"] = "auto"

    @model_validator(mode="after")
    def _sortable(self) -> Self:
        known = self.property[0] in _SORTABLE and (len(self.property) == 2) == (self.property[0] == "metadata")
        if not known and self.property != SCORE:
            raise ValueError(f"assets cannot be sorted by {self.property}")
        return self


@dataclass(frozen=True)
class Key:
    """An expression that rows are ordered by."""

    expression: Condition
    descending: bool = False


def keys_of(sort: Sequence[Sort] | None, advanced: AdvancedFilter | None) -> list[Key]:
    """Return what the rows are ordered by, before their ids; by relevance where words are searched for."""
    if sort is None:
        return [Key(advanced.score(), descending=True)] if advanced is not None and advanced.searches else []
    keys: list[Key] = []
    for each in sort:
        if each.property == SCORE:
            if advanced is None:
                raise BadRequest("Sorting by _score_ needs an advancedFilter")
            keys.append(Key(advanced.score(), descending=each.order != "asc"))
            continue
        column, values = column_of(each.property)
        descending = each.order == "desc"
        nulls_first = each.nulls == "first" if each.nulls != "auto" else descending
        keys.append(Key(Condition(f"({column} IS NULL)", values), descending=nulls_first))
        keys.append(Key(Condition(column, values), descending=descending))
    return keys


def sorted_page(
    db: Connection, where: Where, keys: Sequence[Key], cursor: str | None, limit: int, partition: tuple[int, int] | None
) -> tuple[Sequence[Row], Any]:
    """Return at most `limit` assets in order after those that `cursor` ends with, and where they end."""
    remainder, divisor = partition or (0, 1)
    named = "".join(f", {key.expression.sql} AS key{place}" for place, key in enumerate(keys))
    order = "".join(f"key{place}{' DESC' if key.descending else ''}, " for place, key in enumerate(keys))
    after, position = _after(keys, cursor)
    rows = db.execute(
        f"SELECT * FROM (SELECT *{named} FROM assets WHERE id % ? = ? AND {where.sql()}) WHERE {after}"  # noqa: S608 - the expressions are constants of the code
        f" ORDER BY {order}id LIMIT ?",
        [
            *(value for key in keys for value in key.expression.values),
            divisor, remainder, *where.values, *position, limit + 1,
        ],
    ).fetchall()  # fmt: skip
    return first_page(rows, limit, lambda row: [*(row[f"key{place}"] for place in range(len(keys))), row["id"]])


def _after(keys: Sequence[Key], cursor: str | None) -> tuple[str, list[Any]]:
    if cursor is None:
        return "1", []
    position = decode_cursor(cursor)
    if not isinstance(position, list) or len(position) != len(keys) + 1 or isinstance(position[-1], bool | list | dict):
        raise InvalidCursor
    if any(isinstance(value, list | dict) or (type(value) is int and abs(value) >= 2**63) for value in position):
        raise InvalidCursor
    names = [(f"key{place}", "<" if key.descending else ">") for place, key in enumerate(keys)] + [("id", ">")]
    clauses, values = [], []
    for place, (name, sign) in enumerate(names):
        same = [f"{earlier} IS ?" for earlier, _ in names[:place]]
        clauses.append(f"({' AND '.join([*same, f'{name} {sign} ?'])})")
        values += position[: place + 1]
    return f"({' OR '.join(clauses)})", values


Sorts = Annotated[list[Sort], Field(min_length=1, max_length=2)]
