"""Property references in filters and sorts, and their SQL expressions."""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cdf_sandbox.core.errors import BadRequest, UnknownProperty
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceKind, ViewId
from cdf_sandbox.services.data_modeling.property_types import PropertyType
from cdf_sandbox.services.data_modeling.schema import Container, View
from cdf_sandbox.services.data_modeling.schema_store import Schema


class Sql(NamedTuple):
    """A piece of SQL and the values of its question marks."""

    text: str
    params: tuple[Any, ...] = ()

    @staticmethod
    def joined(operator: str, parts: Sequence["Sql"], empty: str) -> "Sql":
        """`parts` in parentheses with `operator` between them; `empty` if there are none."""
        if not parts:
            return Sql(empty)
        # A balanced tree, since SQLite refuses expressions that are more than 1000 levels deep.
        level = list(parts)
        while len(level) > 1:
            pairs = [level[place : place + 2] for place in range(0, len(level), 2)]
            level = [
                Sql(f"({f' {operator} '.join(part.text for part in pair)})", sum((part.params for part in pair), ()))
                for pair in pairs
            ]
        return Sql(f"({level[0].text})", level[0].params)


@dataclass(frozen=True)
class Column:
    """A property as SQL: `value` is a scalar, or for a list the JSON array; `path` is how the filter calls it."""

    path: tuple[str, ...]
    type: PropertyType
    value: Sql
    relation: Sql | None = None
    """For direct relations: FROM and WHERE of a join `{join}` that yields the targets as columns space, xid."""


_BASE_TYPES: dict[str, PropertyType] = {
    "instanceType": PropertyType("text"),
    "space": PropertyType("text"),
    "externalId": PropertyType("text"),
    "version": PropertyType("int64"),
    "type": PropertyType("direct"),
    "createdTime": PropertyType("epoch"),
    "lastUpdatedTime": PropertyType("epoch"),
    "deletedTime": PropertyType("epoch"),
}
_EDGE_TYPES = {**_BASE_TYPES, "startNode": PropertyType("direct"), "endNode": PropertyType("direct")}
_BASE_COLUMNS = {
    "instanceType": "kind", "space": "space", "externalId": "external_id", "version": "version",
    "createdTime": "created_time", "lastUpdatedTime": "last_updated_time", "deletedTime": "deleted_time",
    "type": "type", "startNode": "start", "endNode": "end",
}  # fmt: skip


def instance_fields(kind: InstanceKind) -> frozenset[str]:
    """Return the fields that every live instance of a kind has beside the properties of views."""
    return frozenset(_EDGE_TYPES if kind == "edge" else _BASE_TYPES) - {"instanceType", "deletedTime"}


class Columns:
    """Lookup of properties by their paths in requests."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def find(self, path: Any, alias: str, kind: InstanceKind, view: View | None) -> Column:
        """The property that `path` names."""
        if not isinstance(path, list) or not path or not all(isinstance(part, str) for part in path):
            raise BadRequest(f"A property must be a list of texts, got {brief(path)}")
        names = tuple(path)
        if len(names) == 2 and names[0] in ("node", "edge"):
            if names[0] != kind:
                raise BadRequest(f"Property {brief(path)} is none of {kind}s: name it [{kind}, {brief(names[1])}]")
            return _base(names, alias)
        if len(names) == 1 and view is not None:
            return self._view_property(view, names[0], names, alias)
        if len(names) != 3:
            raise BadRequest(
                f"Invalid property reference {brief(path)}: expected [node or edge, property],"
                " [space, container, property] or [space, view/version, property]",
            )
        space, source, identifier = names
        external_id, slash, version = source.partition("/")
        if slash:
            return self._view_property(self._schema.view(ViewId(space, external_id, version)), identifier, names, alias)
        container = self._schema.container(ContainerId(space, external_id))
        return self._container_property(container, identifier, names, alias)

    def _view_property(self, view: View, identifier: str, names: tuple[str, ...], alias: str) -> Column:
        mapped = view.properties.get(identifier)
        if mapped is None:
            raise UnknownProperty(identifier, f"view '{view.id}'")
        return self._container_property(self._schema.container(mapped.container), mapped.identifier, names, alias)

    def _container_property(self, container: Container, identifier: str, names: tuple[str, ...], alias: str) -> Column:
        prop = container.properties.get(identifier)
        if prop is None:
            raise UnknownProperty(identifier, f"container '{container.id}'")
        key = str(container.id)
        value = Sql(
            f"(SELECT json_extract(d.doc, ?) FROM dms_data d WHERE d.instance = {alias}.id AND d.container = ?)",
            (f'$."{identifier}"', key),
        )
        relation = None
        if prop.type.kind == "direct":
            relation = Sql(
                "(SELECT r.target_space AS space, r.target_xid AS xid FROM dms_relation r"
                f" WHERE r.instance = {alias}.id AND r.container = ? AND r.property = ?)",
                (key, identifier),
            )
        return Column(names, prop.type, value, relation)


def _base(names: tuple[str, ...], alias: str) -> Column:
    types = _EDGE_TYPES if names[0] == "edge" else _BASE_TYPES
    type_ = types.get(names[1])
    if type_ is None:
        raise BadRequest(f"Unknown property {brief(list(names))}")
    column = _BASE_COLUMNS[names[1]]
    if type_.kind != "direct":
        return Column(names, type_, Sql(f"{alias}.{column}"))
    space, external_id = f"{alias}.{column}_space", f"{alias}.{column}_xid"
    value = f"CASE WHEN {space} IS NOT NULL THEN json_object('space', {space}, 'externalId', {external_id}) END"
    return Column(names, type_, Sql(value), Sql(f"(SELECT {space} AS space, {external_id} AS xid)"))


def brief(value: Any) -> str:
    """A value as a message shows it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}..."


def bind(value: Any) -> str:
    """A value as it is bound: JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
