"""The filter language of DMS, compiled to SQL over the tables of `cdf_sandbox.services.data_modeling.store`.

Comparisons with a property that has no value are unknown, as in SQL: neither they nor their negation match. Values are
bound as JSON and unpacked by SQLite, so that both sides of a comparison went through the same parser.
"""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

from collections.abc import Mapping, Set
from typing import Any

from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.services.data_modeling.columns import Column, Columns, Sql, bind, brief
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceKind, ViewId
from cdf_sandbox.services.data_modeling.property_types import TEXT_KINDS, PropertyType, ValueMismatch, parse_timestamp
from cdf_sandbox.services.data_modeling.schema import View
from cdf_sandbox.services.data_modeling.schema_store import Schema

MAX_DEPTH = 30
MAX_LEAVES = 1000
MAX_VALUES = 1000
_ORDERED_KINDS = frozenset({"text", "int32", "int64", "float32", "float64", "timestamp", "date", "epoch"})
_BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


TRUE = Sql("1")


class FilterCompiler:
    """Compiler of the filters of one request.

    `parameters` is `None` where the endpoint has none; `refused` are filters that it does not take.
    """

    def __init__(
        self, schema: Schema, parameters: Mapping[str, Any] | None = None, *, refused: Set[str] = frozenset()
    ) -> None:
        self._schema = schema
        self._refused = refused
        self._columns = Columns(schema)
        self._parameters = parameters
        self._leaves = 0
        self._open_views: list[ViewId] = []
        self._aliases = 0

    def compile(self, definition: Any, alias: str, kind: InstanceKind, view: View | None = None) -> Sql:
        """The condition on the row `alias` of the instance table.

        With `view`, a property may also be named by its identifier in that view alone.
        """
        try:
            return self._any(definition, alias, kind, view, 0)
        except RecursionError:
            raise BadRequest("The filter is nested too deeply") from None

    def has_data(self, view: View, alias: str, *, use_filter: bool = True) -> Sql:
        """Return the condition that an instance is visible in a view: data in all its containers, and its filter."""
        parts = [has_container(container, alias) for container in view.containers]
        if use_filter and view.filter is not None and view.id not in self._open_views:
            self._open_views.append(view.id)
            parts.append(self._any(view.filter, alias, view.filtered_kind, view, 0))
            self._open_views.pop()
        return Sql.joined("AND", parts, "0")

    def _any(self, definition: Any, alias: str, kind: InstanceKind, view: View | None, depth: int) -> Sql:
        definition = _without_nulls(definition)
        if not isinstance(definition, dict) or len(definition) != 1:
            raise BadRequest(f"A filter must be an object with exactly one key, got {brief(definition)}")
        self._leaves += 1
        if depth > MAX_DEPTH or self._leaves > MAX_LEAVES:
            raise BadRequest(f"A filter may be {MAX_DEPTH} levels deep and have {MAX_LEAVES} clauses")
        ((name, body),) = definition.items()
        if name in self._refused and not self._open_views:
            raise BadRequest(f"The filter '{name}' is not available at this endpoint")
        if name in ("and", "or"):
            if not isinstance(body, list) or not body:
                raise BadRequest(f"'{name}' must be a list of at least one filter")
            parts = [self._any(part, alias, kind, view, depth + 1) for part in body]
            return Sql.joined(name.upper(), parts, "1")
        if name == "not":
            inner = self._any(body, alias, kind, view, depth + 1)
            return Sql(f"(NOT {inner.text})", inner.params)
        if name == "matchAll":
            if _without_nulls(body) != {}:
                raise BadRequest("'matchAll' must be an empty object")
            return TRUE
        if name == "hasData":
            return self._has_data(body, alias)
        if name == "instanceReferences":
            return _instance_references(body, alias)
        if name == "nested":
            return self._nested(_fields(name, body, {"scope", "filter"}), alias, kind, view, depth)
        if name in ("equals", "prefix"):
            fields = _fields(name, body, {"property", "value"})
            column = self._columns.find(fields["property"], alias, kind, view)
            return self._equals(column, fields, alias, kind, view) if name == "equals" else self._prefix(column, fields)
        if name == "exists":
            column = self._columns.find(_fields(name, body, {"property"})["property"], alias, kind, view)
            return Sql(f"({column.value.text} IS NOT NULL)", column.value.params)
        if name in ("in", "containsAny", "containsAll"):
            fields = _fields(name, body, {"property", "values"})
            column = self._columns.find(fields["property"], alias, kind, view)
            return self._in(column, fields) if name == "in" else self._contains(name, column, fields)
        if name in ("range", "overlaps"):
            return self._range(name, body, alias, kind, view)
        raise BadRequest(f"Unknown filter '{name}'")

    def _has_data(self, body: Any, alias: str) -> Sql:
        if not isinstance(body, list):
            raise BadRequest("'hasData' must be a list of views and containers")
        parts = []
        for reference in body:
            if not isinstance(reference, dict):
                raise BadRequest(f"'hasData' expects views and containers, got {brief(reference)}")
            reference = _without_nulls(reference)
            keys = ("space", "externalId", "version") if reference.get("type") == "view" else ("space", "externalId")
            names = [reference.get(key) for key in keys]
            if (
                reference.get("type") not in ("view", "container")
                or reference.keys() != {"type", *keys}
                or not all(isinstance(name, str) for name in names)
            ):
                raise BadRequest(f"'hasData' expects views and containers, got {brief(reference)}")
            if reference["type"] == "view":
                parts.append(self.has_data(self._schema.view(ViewId(*map(str, names))), alias))
            else:
                parts.append(has_container(self._schema.container(ContainerId(*map(str, names))).id, alias))
        return Sql.joined("AND", parts, "1")

    def _nested(self, fields: Mapping[str, Any], alias: str, kind: InstanceKind, view: View | None, depth: int) -> Sql:
        scope = self._columns.find(fields["scope"], alias, kind, view)
        if scope.relation is None:
            raise BadRequest(f"The scope of 'nested' must be a direct relation, {brief(fields['scope'])} is not")
        self._aliases += 1
        target = f"n{self._aliases}"
        inner = self._any(fields["filter"], target, "node", None, depth + 1)
        return Sql(
            f"EXISTS (SELECT 1 FROM {scope.relation.text} rel JOIN dms_instance {target}"
            f" ON {target}.space = rel.space AND {target}.external_id = rel.xid AND {target}.kind = 'node'"
            f" AND {target}.deleted_time IS NULL WHERE {inner.text})",
            (*scope.relation.params, *inner.params),
        )

    def _value(self, raw: Any) -> Any:
        """`raw`, or the value of the parameter that it names."""
        raw = _without_nulls(raw)
        if not isinstance(raw, dict) or raw.keys() != {"parameter"}:
            return raw
        name = raw["parameter"]
        if self._parameters is None:
            raise BadRequest("Parameters are only available in query and sync")
        if not isinstance(name, str) or name not in self._parameters:
            raise BadRequest(f"The parameter {brief(name)} has no value")
        return self._parameters[name]

    def _checked(self, column: Column, raw: Any, element: bool = True) -> Any:
        value = self._value(raw)
        if column.type.kind == "json":
            raise BadRequest(f"Property {brief(list(column.path))} is JSON, which cannot be compared")
        try:
            return _normal(column.type, value) if element else [_normal(column.type, each) for each in value]
        except ValueMismatch as error:
            raise BadRequest(f"Invalid value for property {brief(list(column.path))}: {error}") from None

    def _values(self, column: Column, raw: Any) -> list[Any]:
        values = self._value(raw)
        if not isinstance(values, list) or not values:
            raise BadRequest(f"Property {brief(list(column.path))} must be compared with a list of values")
        if len(values) > MAX_VALUES:
            raise BadRequest(f"At most {MAX_VALUES} values can be compared, got {len(values)}")
        return [self._checked(column, value) for value in values]

    def _operand(self, column: Column, raw: Any, alias: str, kind: InstanceKind, view: View | None) -> Sql:
        """Return the operand of a comparison with `column`: a value, a parameter, or another property."""
        raw = _without_nulls(raw)
        if isinstance(raw, dict) and raw.keys() == {"property"}:
            other = self._columns.find(raw["property"], alias, kind, view)
            if other.type.kind != column.type.kind or other.type.is_list != column.type.is_list:
                raise BadRequest(f"Properties {brief(list(column.path))} and {brief(raw['property'])} differ in type")
            return other.value
        return Sql("json_extract(?, '$[0]')", (bind([self._checked(column, raw)]),))

    def _equals(
        self, column: Column, fields: Mapping[str, Any], alias: str, kind: InstanceKind, view: View | None
    ) -> Sql:
        raw = self._value(fields["value"])
        if column.type.is_list and isinstance(raw, list):
            operand = Sql("json_extract(?, '$')", (bind(self._checked(column, raw, element=False)),))
        elif column.type.is_list and not (isinstance(raw, dict) and raw.keys() == {"property"}):
            raise BadRequest(f"Property {brief(list(column.path))} is a list: use containsAny or containsAll")
        else:
            operand = self._operand(column, raw, alias, kind, view)
        return Sql(f"({column.value.text} = {operand.text})", (*column.value.params, *operand.params))

    def _prefix(self, column: Column, fields: Mapping[str, Any]) -> Sql:
        raw = self._value(fields["value"])
        if column.type.is_list:
            if not isinstance(raw, list) or not raw:
                raise BadRequest(f"Property {brief(list(column.path))} is a list: its prefix must be a list")
            parts = [
                Sql(
                    f"(json_extract({column.value.text}, '$[{place}]') IS json_extract(?, '$[0]'))",
                    (*column.value.params, bind([self._checked(column, value)])),
                )
                for place, value in enumerate(raw[:MAX_VALUES])
            ]
            return _if_known(column, Sql.joined("AND", parts, "1"))
        if column.type.kind not in TEXT_KINDS - {"enum"}:
            raise BadRequest(f"'prefix' needs a text property, {brief(list(column.path))} is {column.type.kind}")
        text = self._checked(column, raw)
        return Sql(f"(substr({column.value.text}, 1, ?) = ?)", (*column.value.params, len(text), text))

    def _in(self, column: Column, fields: Mapping[str, Any]) -> Sql:
        if column.type.is_list:
            raise BadRequest(f"Property {brief(list(column.path))} is a list: use containsAny or containsAll")
        values = self._values(column, fields["values"])
        return Sql(f"({column.value.text} IN (SELECT value FROM json_each(?)))", (*column.value.params, bind(values)))

    def _contains(self, name: str, column: Column, fields: Mapping[str, Any]) -> Sql:
        if not column.type.is_list:
            raise BadRequest(f"'{name}' needs a list property, {brief(list(column.path))} is none")
        values = self._values(column, fields["values"])
        wanted, there = "SELECT value FROM json_each(?)", f"SELECT value FROM json_each({column.value.text})"
        if name == "containsAny":
            test = Sql(f"EXISTS ({there} INTERSECT {wanted})", (*column.value.params, bind(values)))
        else:
            test = Sql(f"NOT EXISTS ({wanted} EXCEPT {there})", (bind(values), *column.value.params))
        return _if_known(column, test)

    def _range(self, name: str, body: Any, alias: str, kind: InstanceKind, view: View | None) -> Sql:
        properties = {"property"} if name == "range" else {"startProperty", "endProperty"}
        fields = _fields(name, body, properties, optional=_BOUNDS.keys())
        given = [bound for bound in _BOUNDS if fields.get(bound) is not None]
        if not given or {"gt", "gte"} <= set(given) or {"lt", "lte"} <= set(given):
            raise BadRequest(f"'{name}' needs bounds: at most one of gt and gte, and one of lt and lte")
        parts = []
        for bound in given:
            side = "property" if name == "range" else ("endProperty" if bound in ("gt", "gte") else "startProperty")
            column = self._columns.find(fields[side], alias, kind, view)
            if column.type.is_list or column.type.kind not in _ORDERED_KINDS:
                raise BadRequest(f"Property {brief(fields[side])} is {column.type.kind}, which has no order")
            operand = self._operand(column, fields[bound], alias, kind, view)
            parts.append(
                Sql(f"({column.value.text} {_BOUNDS[bound]} {operand.text})", (*column.value.params, *operand.params))
            )
        return Sql.joined("AND", parts, "1")


def _if_known(column: Column, test: Sql) -> Sql:
    """`test`, or unknown where the property has no value."""
    text = f"(CASE WHEN {column.value.text} IS NULL THEN NULL ELSE {test.text} END)"
    return Sql(text, (*column.value.params, *test.params))


def has_container(container: ContainerId, alias: str) -> Sql:
    """Return the condition that an instance has data in a container."""
    return Sql(
        f"EXISTS (SELECT 1 FROM dms_data d WHERE d.instance = {alias}.id AND d.container = ?)", (str(container),)
    )


def _instance_references(body: Any, alias: str) -> Sql:
    if not isinstance(body, list) or len(body) > MAX_VALUES:
        raise BadRequest(f"'instanceReferences' must be a list of at most {MAX_VALUES} references")
    direct = PropertyType("direct")
    try:
        pairs = [direct.check(_without_nulls(reference)) for reference in body]
    except ValueMismatch as error:
        raise BadRequest(f"'instanceReferences': {error}") from None
    return Sql(
        f"(({alias}.space, {alias}.external_id) IN"
        " (SELECT json_extract(value, '$.space'), json_extract(value, '$.externalId') FROM json_each(?)))",
        (bind(pairs),),
    )


def _normal(type_: PropertyType, value: Any) -> Any:
    if type_.kind == "epoch":
        if isinstance(value, str):
            return int(parse_timestamp(value).timestamp() * 1000)
        return PropertyType("int64").check_element(value)
    if value is None:
        raise ValueMismatch(f"expected {type_.kind}, got null")
    return type_.check_element(value)


def _without_nulls(part: Any) -> Any:
    """Drop the fields of an object that are null: they count as left out, unknown ones too."""
    return {name: value for name, value in part.items() if value is not None} if isinstance(part, dict) else part


def _fields(name: str, body: Any, required: Set[str], optional: Set[str] = frozenset()) -> Mapping[str, Any]:
    body = _without_nulls(body)
    if not isinstance(body, dict) or not required <= body.keys() or not body.keys() <= required | optional:
        expected = ", ".join(sorted(required))
        raise BadRequest(f"'{name}' must be an object with {expected}, got {brief(body)}")
    return body
