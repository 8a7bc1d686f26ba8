"""Aggregates of assets: how many there are, which values a property has, and which keys the metadata.

Texts are compared without regard to case and answered in lower case.
"""

import json
import operator
from collections import Counter
from collections.abc import Iterator, Mapping
from sqlite3 import Connection
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.sql import Label, Where
from cdf_sandbox.services.assets.advanced_filters import MAX_CLAUSES, Advanced, Primitive, Property, column_of, kind_of
from cdf_sandbox.services.assets.models import AssetFilter
from cdf_sandbox.services.assets.store import ASSETS

MAX_BUCKETS = 1000
_TESTS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}

Value = Primitive | Label
_LISTS: Mapping[tuple[str, ...], tuple[str, tuple[str, ...]]] = {
    ("metadata", "keys"): ("(SELECT json_group_array(key) FROM json_each(doc, '$.metadata'))", ()),
    ("metadata", "values"): ("(SELECT json_group_array(value) FROM json_each(doc, '$.metadata'))", ()),
    ("labels", "values"): (
        "(SELECT json_group_array(json_extract(value, '$.externalId')) FROM json_each(doc, '$.labels'))",
        (),
    ),
}
"""Properties with several values, as a JSON array."""


class Prefix(StrictModel):
    """The value starts with a text."""

    value: str

    def fits(self, value: Any) -> bool:
        """Whether the filter takes `value`."""
        return isinstance(value, str) and value.lower().startswith(self.value.lower())


class In(StrictModel):
    """The value is one of these."""

    values: Annotated[list[Value], Field(min_length=1, max_length=100)]

    def fits(self, value: Any) -> bool:
        """Whether the filter takes `value`."""
        return _comparable(value) in {_comparable(each) for each in self.values}


class Range(StrictModel):
    """The value lies within bounds."""

    gt: Primitive | None = None
    gte: Primitive | None = None
    lt: Primitive | None = None
    lte: Primitive | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give one of gt, gte, lt, lte")
        return self

    def fits(self, value: Any) -> bool:
        """Whether the filter takes `value`; a text lies in no range of numbers."""
        bounds = {name: _comparable(getattr(self, name)) for name in self.model_fields_set}
        if any(isinstance(bound, str) != isinstance(value, str) for bound in bounds.values()):
            return False
        return all(_TESTS[name](_comparable(value), bound) for name, bound in bounds.items())


class AggregateFilter(StrictModel):
    """A condition on the values that are answered, or a combination of such; exactly one of the fields."""

    all_of: Annotated["list[AggregateFilter] | None", Field(alias="and", min_length=1)] = None
    any_of: Annotated["list[AggregateFilter] | None", Field(alias="or", min_length=1)] = None
    none_of: Annotated["AggregateFilter | None", Field(alias="not")] = None
    prefix: Prefix | None = None
    one_of: Annotated[In | None, Field(alias="in")] = None
    range: Range | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("an aggregate filter has exactly one of and, or, not, prefix, in and range")
        return self

    def fits(self, value: Any) -> bool:
        """Whether the filter takes `value`."""
        if self.all_of is not None:
            return all(each.fits(value) for each in self.all_of)
        if self.any_of is not None:
            return any(each.fits(value) for each in self.any_of)
        if self.none_of is not None:
            return not self.none_of.fits(value)
        leaf = self.prefix or self.one_of or self.range
        assert leaf is not None
        return leaf.fits(value)

    def size(self) -> int:
        """Return the number of conditions and combinations."""
        parts = [*(self.all_of or ()), *(self.any_of or ()), *([self.none_of] if self.none_of else ())]
        number: int = 1 + sum(part.size() for part in parts)
        return number


class AggregatedProperty(StrictModel):
    """The property whose values are aggregated, and which of them."""

    property: Property
    filter: AggregateFilter | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        kind_of(self.property)
        return self


class AssetAggregate(StrictModel):
    """What to find out about the assets that match; without `aggregate` their number."""

    aggregate: Literal["count", "cardinalityValues", "cardinalityProperties", "uniqueValues", "uniqueProperties"] = (
        "count"
    )
    properties: Annotated[list[AggregatedProperty] | None, Field(min_length=1, max_length=1)] = None
    path: Annotated[list[Literal["metadata"]] | None, Field(min_length=1, max_length=1)] = None
    filter: AssetFilter | None = None
    advanced_filter: Advanced | None = None
    aggregate_filter: AggregateFilter | None = None

    @model_validator(mode="after")
    def _fields_of_the_aggregate(self) -> Self:
        of_keys = self.aggregate.endswith("Properties")
        if (self.path is not None) != of_keys:
            raise ValueError(f"{self.aggregate} {'needs' if of_keys else 'has no'} path")
        if of_keys and self.properties is not None:
            raise ValueError(f"{self.aggregate} has no properties")
        if self.aggregate.endswith("Values") and self.properties is None:
            raise ValueError(f"{self.aggregate} needs properties")
        if self.aggregate == "count" and self.aggregate_filter is not None:
            raise ValueError("count has no aggregateFilter")
        filters = [self.aggregate_filter, *(each.filter for each in self.properties or ())]
        if any(each is not None and each.size() > MAX_CLAUSES for each in filters):
            raise ValueError(f"an aggregate filter has at most {MAX_CLAUSES} clauses")
        return self

    def answer(self, db: Connection, where: Where) -> list[dict[str, Any]]:
        """Return the items of the answer about the assets of `where`."""
        if self.aggregate == "count" and self.properties is None:
            return [{"count": ASSETS.count(db, where)}]
        buckets: Counter[Any] = Counter()
        assets = 0
        names = self.properties[0].property if self.properties else ["metadata"]
        for found in _values(db, where, names, keys=self.path is not None):
            fitting = [value for value in found if self._takes(value)]
            assets += bool(fitting)
            buckets.update(fitting)
        if self.aggregate == "count":
            return [{"count": assets}]
        if self.aggregate.startswith("cardinality"):
            return [{"count": len(buckets)}]
        ordered = sorted(buckets.items(), key=lambda each: (-each[1], str(each[0])))[:MAX_BUCKETS]
        return [{"values": [self._shown(value)], "count": number} for value, number in ordered]

    def _takes(self, value: Any) -> bool:
        own = self.properties[0].filter if self.properties else None
        return all(each is None or each.fits(value) for each in (own, self.aggregate_filter))

    def _shown(self, value: Any) -> Any:
        if self.path is not None:
            return {"property": [*self.path, value]}
        assert self.properties is not None
        return {"externalId": value} if self.properties[0].property == ["labels"] else value


def _comparable(value: Any) -> Any:
    if isinstance(value, Label):
        return value.external_id.lower()
    return value.lower() if isinstance(value, str) else value


def _values(db: Connection, where: Where, names: list[str], *, keys: bool) -> Iterator[list[Any]]:
    """The values of a property, or the keys of the metadata, asset by asset."""
    column, of_key = _LISTS.get((*names, "keys" if keys else "values"), (None, ()))
    if column is None:
        single, of_key = column_of(names)
        column, of_key = f"CASE WHEN {single} IS NULL THEN '[]' ELSE json_array({single}) END", (*of_key, *of_key)
    rows = db.execute(f"SELECT {column} FROM assets WHERE {where.sql()}", [*of_key, *where.values])  # noqa: S608 - the expressions are constants of the code; values are bound
    for (text,) in rows:
        values = json.loads(text)
        yield values if names == ["labels"] else [_comparable(value) for value in values]
