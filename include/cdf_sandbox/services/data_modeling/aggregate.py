"""Aggregates over the instances of a view, computed by SQLite."""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

import json
import math
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.services.data_modeling.columns import Column, Columns, Sql, instance_fields
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.models import Aggregate, AggregateRequest
from cdf_sandbox.services.data_modeling.property_types import NUMBER_KINDS
from cdf_sandbox.services.data_modeling.reads import Spaces, visible
from cdf_sandbox.services.data_modeling.schema import View
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.search import text_matches

_GROUPED = NUMBER_KINDS | {"text", "direct", "boolean", "enum", "epoch"}
_FUNCTIONS = {"avg": "avg", "min": "min", "max": "max", "sum": "total", "count": "count"}


def aggregate_instances(
    db: Connection, request: AggregateRequest, spaces: Spaces, created_until: int
) -> dict[str, Any]:
    """Counts, sums and histograms, by group if wanted."""
    if not request.aggregates and not request.group_by:
        raise BadRequest("An aggregation needs aggregates or groupBy")
    schema = Schema(db)
    view = schema.view(request.view.id)
    kind = request.instance_type
    compiler, columns = FilterCompiler(schema), Columns(schema)
    parts = [visible(kind, spaces, created_until), compiler.has_data(view, "i")]
    if request.filter is not None:
        parts.append(compiler.compile(request.filter, "i", kind, view))
    if request.query:
        words = text_matches(db, columns, view, kind, request.query, request.properties)
        parts.append(Sql.joined(request.operator, words, "1"))
    return _Aggregation(db, request, columns, view).answer(Sql.joined("AND", parts, "1"))


class _Aggregation:
    def __init__(self, db: Connection, request: AggregateRequest, columns: Columns, view: View) -> None:
        self._db = db
        self._request = request
        self._columns = columns
        self._view = view
        self._groups = [self._column(name, "group by") for name in request.group_by or ()]
        for column in self._groups:
            if column.type.is_list or column.type.kind == "json":
                raise BadRequest(f"Cannot group by '{column.path[-1]}': it is a list or JSON")
            if column.type.kind not in _GROUPED:
                raise BadRequest(f"Cannot group by '{column.path[-1]}': its type is {column.type.kind}")

    def _column(self, name: str, purpose: str) -> Column:
        kind = self._request.instance_type
        if name in self._view.properties:
            return self._columns.find([name], "i", kind, self._view)
        if name in instance_fields(kind):
            return self._columns.find([kind, name], "i", kind, self._view)
        raise BadRequest(f"Cannot {purpose} '{name}': the view '{self._view.id}' has no such property")

    def answer(self, where: Sql) -> dict[str, Any]:
        groups = Sql.joined(",", [column.value for column in self._groups], "")
        labels = [f"g{place}" for place in range(len(self._groups))]
        selected = [f"{column.value.text} AS {label}" for column, label in zip(self._groups, labels, strict=True)]
        params: list[Any] = list(groups.params)
        outer = [*labels]
        for place, each in enumerate(self._request.aggregates):
            name, property_ = _parts(each)
            if property_ is None:
                outer.append(f"count(*) AS v{place}")
                continue
            column = self._column(property_, name)
            if name != "count" and (column.type.kind not in NUMBER_KINDS or column.type.is_list):
                raise BadRequest(f"Cannot take {name} of '{property_}': it is no number")
            selected.append(f"{column.value.text} AS a{place}")
            params.extend(column.value.params)
            if name != "histogram":
                outer.append(f"{_FUNCTIONS[name]}(a{place}) AS v{place}")
        inner = f"SELECT {', '.join([*selected, 'i.id AS id'])} FROM dms_instance i WHERE {where.text}"
        params.extend(where.params)
        by = f" GROUP BY {', '.join(labels)} ORDER BY {', '.join(labels)}" if labels else ""
        rows = self._db.execute(
            f"SELECT {', '.join(outer) or 'count(*)'} FROM ({inner}){by} LIMIT ?", (*params, self._request.limit)
        ).fetchall()
        histograms = self._histograms(inner, params, labels)
        items = []
        for row in rows:
            key = tuple(row[label] for label in labels)
            item: dict[str, Any] = {"instanceType": self._request.instance_type}
            if labels:
                item["group"] = self._group(key)
            item["aggregates"] = [
                self._value(place, each, row, histograms.get(place, {}).get(key, []))
                for place, each in enumerate(self._request.aggregates)
            ]
            items.append(item)
        answer: dict[str, Any] = {"items": items}
        if self._request.include_typing:
            mapped = self._view.properties
            answer["typing"] = {
                name: {"type": mapped[name].wire["type"] if name in mapped else _instance_type(column)}
                for name, column in zip(self._request.group_by or (), self._groups, strict=True)
            }
        return answer

    def _histograms(
        self, inner: str, params: Sequence[Any], labels: Sequence[str]
    ) -> dict[int, dict[tuple[Any, ...], list[dict[str, Any]]]]:
        """By place of the aggregate and by group: the buckets that are not empty, lowest first."""
        found: dict[int, dict[tuple[Any, ...], list[dict[str, Any]]]] = {}
        for place, each in enumerate(self._request.aggregates):
            if each.histogram is None:
                continue
            interval = each.histogram.interval
            self._db.create_function("dms_bucket", 1, lambda value, width=interval: _bucket(value, width))
            keys = ", ".join([*labels, "bucket"])
            rows = self._db.execute(
                f"SELECT {', '.join([*labels, f'dms_bucket(a{place}) AS bucket'])}, count(*) AS n FROM ({inner})"
                f" WHERE a{place} IS NOT NULL GROUP BY {keys} ORDER BY {keys}",
                params,
            )
            for row in rows:
                key = tuple(row[label] for label in labels)
                found.setdefault(place, {}).setdefault(key, []).append({"start": row["bucket"], "count": row["n"]})
        return found

    def _group(self, key: Sequence[Any]) -> dict[str, Any]:
        group = {}
        for column, value in zip(self._groups, key, strict=True):
            if value is None:
                continue
            if column.type.kind == "direct":
                value = json.loads(value)
            elif column.type.kind == "boolean":
                value = bool(value)
            group[column.path[-1]] = value
        return group

    def _value(self, place: int, each: Aggregate, row: Any, buckets: list[dict[str, Any]]) -> dict[str, Any]:
        name, property_ = _parts(each)
        answer: dict[str, Any] = {"aggregate": name}
        if property_ is not None:
            answer["property"] = property_
        if each.histogram is not None:
            return {**answer, "interval": each.histogram.interval, "buckets": buckets}
        value = row[f"v{place}"]
        if value is not None and math.isfinite(value):
            answer["value"] = value
        return answer


def _instance_type(column: Column) -> dict[str, Any]:
    """The type of an instance field, as `typing` gives it; its times are epoch milliseconds."""
    return {"type": "int64" if column.type.kind == "epoch" else column.type.kind, "list": False}


def _parts(each: Aggregate) -> tuple[str, str | None]:
    """Name and property of an aggregate."""
    (name,) = each.model_fields_set
    property_: str | None = getattr(each, name).property
    return name, property_


def _bucket(value: float, width: float) -> float:
    start = math.floor(value / width) * width if math.isfinite(value / width) else value
    return float(start) if math.isfinite(start) else value
