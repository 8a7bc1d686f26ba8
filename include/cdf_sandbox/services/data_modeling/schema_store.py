"""Storage of schemas: the built-in ones in memory, those of the project in one table."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, Literal

from cdf_sandbox.core.errors import BadRequest, DoNotExist
from cdf_sandbox.services.data_modeling import builtin
from cdf_sandbox.services.data_modeling.ids import ContainerId, ViewId
from cdf_sandbox.services.data_modeling.schema import Container, View, parse_container, resolve_view

SchemaKind = Literal["space", "container", "view", "datamodel"]
Key = tuple[str, str, str]
"""Space, external id and version; empty where the kind has none."""

DDL = """
CREATE TABLE IF NOT EXISTS dms_schema (
    kind TEXT NOT NULL, space TEXT NOT NULL, external_id TEXT NOT NULL, version TEXT NOT NULL,
    wire TEXT NOT NULL,
    PRIMARY KEY (kind, space, external_id, version)
) WITHOUT ROWID;
"""


def key_of(wire: Mapping[str, Any]) -> Key:
    """The key of a definition of any kind."""
    return wire["space"], wire.get("externalId", ""), wire.get("version", "")


BUILTIN: Mapping[SchemaKind, Mapping[Key, dict[str, Any]]] = {
    "space": {key_of(wire): wire for wire in builtin.SPACES},
    "container": {key_of(wire): wire for wire in builtin.CONTAINERS},
    "view": {key_of(wire): wire for wire in builtin.VIEWS},
    "datamodel": {key_of(wire): wire for wire in builtin.DATA_MODELS},
}
SYSTEM_SPACES = frozenset(wire["space"] for wire in builtin.SPACES if wire["isGlobal"])


@lru_cache(maxsize=4096)
def _parsed_container(text: str) -> Container:
    return parse_container(json.loads(text))


class Schema:
    """The schemas in one transaction; names that do not exist are refused with CDF's messages."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._containers: dict[ContainerId, Container | None] = {}
        self._views: dict[ViewId, View | None] = {}
        self._spaces: dict[str, bool] = {}

    def wire(self, kind: SchemaKind, key: Key) -> dict[str, Any] | None:
        """A stored definition."""
        preloaded = BUILTIN[kind].get(key)
        if preloaded is not None:
            return preloaded
        text = self._text(kind, key)
        return None if text is None else json.loads(text)

    def _text(self, kind: SchemaKind, key: Key) -> str | None:
        row = self._db.execute(
            "SELECT wire FROM dms_schema WHERE kind = ? AND space = ? AND external_id = ? AND version = ?", (kind, *key)
        ).fetchone()
        return None if row is None else str(row[0])

    def all(self, kind: SchemaKind, *, preloaded: bool = True) -> list[dict[str, Any]]:
        """Every definition of a kind in the order of their keys."""
        rows = self._db.execute("SELECT wire FROM dms_schema WHERE kind = ?", (kind,))
        found = [json.loads(row[0]) for row in rows]
        return sorted([*found, *(BUILTIN[kind].values() if preloaded else ())], key=key_of)

    def put(self, kind: SchemaKind, wire: Mapping[str, Any]) -> None:
        """Store or replace a definition."""
        self._db.execute(
            "INSERT INTO dms_schema VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET wire = excluded.wire",
            (kind, *key_of(wire), json.dumps(wire, ensure_ascii=False)),
        )
        self._forget()

    def remove(self, kind: SchemaKind, key: Key) -> bool:
        """Remove a definition of the project; whether there was one."""
        removed = self._db.execute(
            "DELETE FROM dms_schema WHERE kind = ? AND space = ? AND external_id = ? AND version = ?", (kind, *key)
        ).rowcount
        self._forget()
        return removed > 0

    def _forget(self) -> None:
        self._containers.clear()
        self._views.clear()
        self._spaces.clear()

    def has_space(self, space: str) -> bool:
        """Whether the space exists."""
        if space not in self._spaces:
            self._spaces[space] = self.wire("space", (space, "", "")) is not None
        return self._spaces[space]

    def require_spaces(self, spaces: Iterable[str]) -> None:
        """Refuse unless every space exists."""
        unknown = sorted({space for space in spaces if not self.has_space(space)})
        if unknown:
            raise DoNotExist("spaces", unknown)

    def find_container(self, container: ContainerId) -> Container | None:
        """The container, if it exists."""
        if container not in self._containers:
            self._containers[container] = self._load_container(container)
        return self._containers[container]

    def _load_container(self, container: ContainerId) -> Container | None:
        key = (*container, "")
        preloaded = _BUILTIN_CONTAINERS.get(container)
        if preloaded is not None:
            return preloaded
        text = self._text("container", key)
        return None if text is None else _parsed_container(text)

    def container(self, container: ContainerId) -> Container:
        """The container; refused if it does not exist."""
        found = self.find_container(container)
        if found is None:
            raise DoNotExist("containers", [container])
        return found

    def find_view(self, view: ViewId) -> View | None:
        """The view with everything it inherits, if it exists."""
        if view not in self._views:
            wire = self.wire("view", view)
            self._views[view] = None if wire is None else self._resolve(wire)
        return self._views[view]

    def view(self, view: ViewId) -> View:
        """The view; refused if it does not exist."""
        found = self.find_view(view)
        if found is None:
            raise DoNotExist("views", [view])
        return found

    def require_views(self, views: Iterable[ViewId]) -> None:
        """Refuse unless every view exists."""
        unknown = sorted({str(view) for view in views if self.wire("view", view) is None})
        if unknown:
            raise DoNotExist("views", unknown)

    def _resolve(self, wire: Mapping[str, Any]) -> View:
        inherited = self._inherited(wire, (ViewId(*key_of(wire)),))
        containers = {
            reference: self.find_container(reference)
            for each in (*inherited.values(), *wire["properties"].values())
            if (reference := _mapped_container(each)) is not None
        }
        there = {reference: container for reference, container in containers.items() if container is not None}

        def kept(properties: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
            """Leave out what mapped a container that was deleted."""
            return {
                name: each
                for name, each in properties.items()
                if (reference := _mapped_container(each)) is None or reference in there
            }

        return resolve_view({**wire, "properties": kept(wire["properties"])}, kept(inherited), there)

    def _inherited(self, wire: Mapping[str, Any], path: tuple[ViewId, ...]) -> dict[str, Mapping[str, Any]]:
        merged: dict[str, Mapping[str, Any]] = {}
        for reference in wire.get("implements", ()):
            parent = ViewId(reference["space"], reference["externalId"], reference["version"])
            if parent in path:
                raise BadRequest(f"The view '{path[0]}' implements itself through '{path[-1]}'")
            parent_wire = self.wire("view", parent)
            if parent_wire is None:
                raise DoNotExist("views", [parent])
            merged.update(self._inherited(parent_wire, (*path, parent)))
            merged.update(parent_wire["properties"])
        return merged


def _mapped_container(definition: Mapping[str, Any]) -> ContainerId | None:
    container = definition.get("container")
    return None if container is None else ContainerId(container["space"], container["externalId"])


def newest_versions(wires: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each view or data model the version that was created last."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for wire in sorted(wires, key=lambda each: each["createdTime"]):
        newest[wire["space"], wire["externalId"]] = wire
    return sorted(newest.values(), key=key_of)


_BUILTIN_CONTAINERS = {ContainerId(*key[:2]): parse_container(wire) for key, wire in BUILTIN["container"].items()}
