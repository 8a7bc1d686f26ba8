"""A short notation for the definitions of this package: functions that return CDF's own form."""

from collections.abc import Iterable, Mapping
from typing import Any

CREATED_TIME = 1_724_939_364_720
"""The time at which CDF made its core data model, in epoch milliseconds."""

TEXT: dict[str, Any] = {"type": "text", "list": False, "collation": "ucs_basic"}
TEXTS: dict[str, Any] = {**TEXT, "list": True}
FLOAT64: dict[str, Any] = {"type": "float64", "list": False}
FLOAT64S: dict[str, Any] = {"type": "float64", "list": True}
INT64: dict[str, Any] = {"type": "int64", "list": False}
BOOLEAN: dict[str, Any] = {"type": "boolean", "list": False}
TIMESTAMP: dict[str, Any] = {"type": "timestamp", "list": False}
FILE: dict[str, Any] = {"type": "file", "list": False}
"""A reference to a classic file, by its external id."""


def direct(container: tuple[str, str] | None = None, *, many: int | None = None) -> dict[str, Any]:
    """A direct relation, or a list of at most `many`; its targets must have data in `container` if given."""
    target: dict[str, Any] = {"container": container_ref(*container)} if container else {}
    return {"type": "direct", "list": many is not None, **({"maxListSize": many} if many else {}), **target}


def enum(*values: str) -> dict[str, Any]:
    """An enumeration whose values are called what they are."""
    return {"type": "enum", "list": False, "values": {value: {"name": value} for value in values}}


def container_ref(space: str, external_id: str) -> dict[str, str]:
    """A reference to a container."""
    return {"type": "container", "space": space, "externalId": external_id}


def view_ref(space: str, external_id: str) -> dict[str, str]:
    """A reference to version v1 of a view."""
    return {"type": "view", "space": space, "externalId": external_id, "version": "v1"}


def space(name: str, description: str, *, is_global: bool = True) -> dict[str, Any]:
    """A space."""
    return {
        "space": name, "name": name, "description": description,
        "createdTime": CREATED_TIME, "lastUpdatedTime": CREATED_TIME, "isGlobal": is_global,
    }  # fmt: skip


def container(
    space: str,
    external_id: str,
    properties: Mapping[str, Mapping[str, Any]],
    *,
    used_for: str = "node",
    requires: Iterable[tuple[str, tuple[str, str]]] = (),
    unique: Mapping[str, tuple[str, ...]] | None = None,
    unique_in_space: Mapping[str, tuple[str, ...]] | None = None,
    defaults: Mapping[str, Any] | None = None,
    required: Iterable[str] = (),
    indexes: Iterable[tuple[str, Mapping[str, Any]]] = (),
    is_global: bool = True,
) -> dict[str, Any]:
    """A container; `unique` maps a constraint's name to its properties, over all spaces or in each."""
    constraints: dict[str, Any] = {
        name: {"constraintType": "requires", "require": container_ref(*target)} for name, target in requires
    }
    for by_space, group in ((False, unique), (True, unique_in_space)):
        for name, members in (group or {}).items():
            constraints[name] = {"constraintType": "uniqueness", "properties": list(members), "bySpace": by_space}
    mandatory = frozenset(required)
    return {
        "space": space,
        "externalId": external_id,
        "usedFor": used_for,
        "properties": {
            name: {
                "type": dict(type_),
                "nullable": name not in mandatory,
                "immutable": False,
                "autoIncrement": False,
                **({"defaultValue": defaults[name]} if defaults and name in defaults else {}),
            }
            for name, type_ in properties.items()
        },
        "constraints": constraints,
        "indexes": {name: dict(definition) for name, definition in indexes},
        "createdTime": CREATED_TIME,
        "lastUpdatedTime": CREATED_TIME,
        "isGlobal": is_global,
    }


def index(name: str, *properties: str, cursorable: bool = False) -> tuple[str, dict[str, Any]]:
    """A B-tree index with its name, which is also its property if none is given."""
    members = list(properties or (name,))
    return name, {"indexType": "btree", "properties": members, "cursorable": cursorable, "bySpace": False}


def mapped(
    container: tuple[str, str], *names: str, sources: Mapping[str, tuple[str, str]] | None = None, **renamed: str
) -> dict[str, dict[str, Any]]:
    """View properties for properties of a container; `renamed` gives view name = container name.

    `sources` is the view through which the target of a relation is to be read.
    """
    pairs = {**{name: name for name in names}, **renamed}
    return {
        name: {
            "container": container_ref(*container),
            "containerPropertyIdentifier": identifier,
            **({"source": view_ref(*sources[name])} if sources and name in sources else {}),
        }
        for name, identifier in pairs.items()
    }


def reverse(
    source: tuple[str, str],
    through: str,
    *,
    single: bool = False,
    targets_list: bool = False,
    through_source: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """The nodes of view `source` whose relation `through` (of view `through_source` if given) points here."""
    return {
        "connectionType": f"{'single' if single else 'multi'}_reverse_direct_relation",
        "source": view_ref(*source),
        "through": {"source": view_ref(*(through_source or source)), "identifier": through},
        "targetsList": targets_list,
    }


def edges(type_: tuple[str, str], source: tuple[str, str], edge_source: tuple[str, str] | None) -> dict[str, Any]:
    """Outgoing edges of a type to nodes of view `source`."""
    return {
        "connectionType": "multi_edge_connection",
        "type": {"space": type_[0], "externalId": type_[1]},
        "source": view_ref(*source),
        **({"edgeSource": view_ref(*edge_source)} if edge_source else {}),
        "direction": "outwards",
    }


def view(
    space: str,
    external_id: str,
    properties: Mapping[str, Mapping[str, Any]],
    *,
    implements: Iterable[tuple[str, str]] = (),
    filter: Mapping[str, Any] | None = None,
    is_global: bool = True,
) -> dict[str, Any]:
    """Version v1 of a view; `implements` names its direct and indirect parents, furthest first."""
    return {
        "space": space,
        "externalId": external_id,
        "version": "v1",
        "implements": [view_ref(*parent) for parent in implements],
        "properties": {name: dict(definition) for name, definition in properties.items()},
        **({"filter": filter} if filter else {}),
        "createdTime": CREATED_TIME,
        "lastUpdatedTime": CREATED_TIME,
        "isGlobal": is_global,
    }


def data_model(
    space: str, external_id: str, views: Iterable[tuple[str, str]], *, is_global: bool = True
) -> dict[str, Any]:
    """Version v1 of a data model."""
    return {
        "space": space, "externalId": external_id, "version": "v1", "name": external_id,
        "views": [view_ref(*member) for member in views],
        "createdTime": CREATED_TIME, "lastUpdatedTime": CREATED_TIME, "isGlobal": is_global,
    }  # fmt: skip
