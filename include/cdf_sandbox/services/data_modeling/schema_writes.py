"""Create, change and delete schemas, with checks that keep them consistent with each other and with the data."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection
from typing import Any, Literal

from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.services.data_modeling.complexity import refuse_too_complex
from cdf_sandbox.services.data_modeling.constraint_states import ConstraintStates
from cdf_sandbox.services.data_modeling.constraints import collect_unique_values
from cdf_sandbox.services.data_modeling.definitions import (
    ContainerDefinition,
    DataModelDefinition,
    RequiresDefinition,
    SpaceDefinition,
    ViewDefinition,
    ViewPropertyDefinition,
)  # fmt: skip
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.ids import ContainerId, ViewId
from cdf_sandbox.services.data_modeling.schema import shown_view
from cdf_sandbox.services.data_modeling.schema_changes import changed_container, changed_view, changed_views
from cdf_sandbox.services.data_modeling.schema_store import BUILTIN, SYSTEM_SPACES, Key, Schema, SchemaKind, key_of

_TIMES = ("createdTime", "lastUpdatedTime", "isGlobal")


class SchemaWriter:
    """Write schemas within one transaction."""

    def __init__(self, db: Connection, now_ms: int, *, mapped_containers_can_be_deleted: bool = False) -> None:
        self._db = db
        self._drops_mapped = mapped_containers_can_be_deleted
        self.schema = Schema(db)
        self.states = ConstraintStates(db)
        self._now = now_ms

    def put_spaces(self, definitions: Sequence[SpaceDefinition]) -> list[dict[str, Any]]:
        """Create or change spaces."""
        _refuse_doubles("space", [_wire(each) for each in definitions])
        return [self._put("space", _wire(each)) for each in definitions]

    def put_containers(self, definitions: Sequence[ContainerDefinition]) -> list[dict[str, Any]]:
        """Create or change containers; they may refer to each other."""
        _refuse_doubles("container", [_wire(each) for each in definitions])
        self.schema.require_spaces(definition.space for definition in definitions)
        together = {definition.id for definition in definitions}
        for definition in definitions:
            for name, target in _container_targets(definition):
                if target not in together and self.schema.find_container(target) is None:
                    raise BadRequest(f"Target container '{target}' of '{name}' in '{definition.id}' does not exist.")
        answers = []
        for definition in definitions:
            wire = _wire(definition) | {"indexes": {name: index.wire for name, index in definition.indexes.items()}}
            old = self.schema.wire("container", (*definition.id, ""))
            if old is not None:
                wire = changed_container(definition.id, old, wire)
                self._refuse_required(definition.id, old, wire)
            answers.append(self._put("container", wire))
            if old is not None and old["constraints"] != wire["constraints"]:
                collect_unique_values(self._db, self.schema.container(definition.id))
        return answers

    def _refuse_required(self, container: ContainerId, old: Mapping[str, Any], wire: Mapping[str, Any]) -> None:
        """Refuse required properties that are new while the container has data."""
        has_data = self._db.execute("SELECT 1 FROM dms_data WHERE container = ? LIMIT 1", (str(container),)).fetchone()
        for name, prop in wire["properties"].items():
            if has_data and name not in old["properties"] and not prop["nullable"]:
                raise BadRequest(f"A required property '{name}' cannot be added to '{container}': it has data")

    def put_views(self, definitions: Sequence[ViewDefinition]) -> list[dict[str, Any]]:
        """Create or change views; they may implement and refer to each other."""
        _refuse_doubles("view", [_wire(each) for each in definitions])
        self.schema.require_spaces(definition.space for definition in definitions)
        stored = [self._put("view", self._view_wire(definition)) for definition in definitions]
        for definition in definitions:
            view = self.schema.view(definition.id)
            if definition.filter is not None:
                condition = FilterCompiler(self.schema).compile(definition.filter, "i", view.filtered_kind, view)
                with refuse_too_complex():
                    statement = f"SELECT 1 FROM dms_instance i WHERE {condition.text} LIMIT 0"  # noqa: S608 - compiled from constants; values are bound
                    self._db.execute(statement, condition.params)
        views = [self.schema.view(ViewId(*key_of(wire))) for wire in stored]
        return [shown_view(view, self.states) for view in views]

    def _view_wire(self, definition: ViewDefinition) -> dict[str, Any]:
        for name, prop in definition.properties.items():
            if isinstance(prop, ViewPropertyDefinition):
                container = self.schema.container(prop.container.id)
                mapped = container.properties.get(prop.container_property_identifier)
                if mapped is None:
                    raise BadRequest(
                        f"Property '{name}' of the view '{definition.id}' maps"
                        f" '{prop.container_property_identifier}', which container '{container.id}' does not have",
                    )
                if prop.source is not None and mapped.type.kind != "direct":
                    raise BadRequest(f"Property '{name}' of the view '{definition.id}' has a source but no relation")
        wire = _wire(definition)
        for prop in wire["properties"].values():
            if "through" in prop:
                prop["targetsList"] = self._targets_list(prop["through"])
        old = self.schema.wire("view", key_of(wire))
        return wire if old is None or key_of(wire) in BUILTIN["view"] else changed_view(self.schema, old, wire)

    def _targets_list(self, through: Mapping[str, Any]) -> bool:
        source = through["source"]
        if source["type"] == "container":
            container = self.schema.find_container(ContainerId(source["space"], source["externalId"]))
            found = container.properties.get(through["identifier"]) if container else None
            return found is not None and found.type.is_list
        view = self.schema.find_view(ViewId(source["space"], source["externalId"], source["version"]))
        mapped = view.properties.get(through["identifier"]) if view else None
        return mapped is not None and mapped.property.type.is_list

    def put_data_models(self, definitions: Sequence[DataModelDefinition]) -> list[dict[str, Any]]:
        """Create or change data models, and the views that they define in place."""
        _refuse_doubles("datamodel", [_wire(each) for each in definitions])
        self.schema.require_spaces(definition.space for definition in definitions)
        inline: list[ViewDefinition] = []
        for view in (view for each in definitions for view in each.views if isinstance(view, ViewDefinition)):
            if view not in inline:
                inline.append(view)
        self.put_views(inline)
        self.schema.require_views(view.id for each in definitions for view in each.views)
        answers = []
        for definition in definitions:
            wire = _wire(definition)
            old = self.schema.wire("datamodel", key_of(wire)) or {"views": ()}
            wire["views"] = changed_views(old["views"], [view.id.dump() for view in definition.views])
            answers.append(self._put("datamodel", wire))
        return answers

    def _put(self, kind: SchemaKind, wire: dict[str, Any]) -> dict[str, Any]:
        """Store a definition; an unchanged one keeps its times."""
        key = key_of(wire)
        if key in BUILTIN[kind] or key[0] in SYSTEM_SPACES:
            raise BadRequest(f"{_called(kind, key)} belongs to CDF and cannot be changed")
        old = self.schema.wire(kind, key)
        if old is not None and {name: value for name, value in old.items() if name not in _TIMES} == wire:
            return old
        created = self._now if old is None else old["createdTime"]
        stored = {**wire, "createdTime": created, "lastUpdatedTime": self._now, "isGlobal": False}
        self.schema.put(kind, stored)
        return stored

    def delete(self, kind: SchemaKind, keys: Sequence[Key]) -> list[Key]:
        """Delete definitions; returns those that existed. What is still in use is refused."""
        removed = []
        for key in dict.fromkeys(keys):
            if key in BUILTIN[kind]:
                raise BadRequest(f"{_called(kind, key)} belongs to CDF and cannot be deleted")
            if self.schema.wire(kind, key) is None:
                continue
            self.schema.remove(kind, key)
            removed.append(key)
        for key in removed:
            user = self._user_of(kind, key)
            if user is not None:
                raise BadRequest(f"{_called(kind, key)} cannot be deleted: {user}")
            if kind == "container":
                self._drop_data(":".join(key[:2]))
        return removed

    def delete_entries(
        self, group: Literal["constraints", "indexes"], keys: Sequence[tuple[ContainerId, str]]
    ) -> list[tuple[ContainerId, str]]:
        """Delete constraints or indexes of containers; returns those that existed."""
        removed = []
        for container, name in keys:
            if (*container, "") in BUILTIN["container"]:
                raise BadRequest(f"{_called('container', (*container, ''))} belongs to CDF and cannot be changed")
            wire = self.schema.wire("container", (*container, ""))
            if wire is None or name not in wire[group]:
                continue
            kept = {key: entry for key, entry in wire[group].items() if key != name}
            self.schema.put("container", {**wire, group: kept, "lastUpdatedTime": self._now})
            if group == "constraints":
                self._db.execute("DELETE FROM dms_unique WHERE container = ? AND name = ?", (str(container), name))
            removed.append((container, name))
        return removed

    def _user_of(self, kind: SchemaKind, key: Key) -> str | None:
        """Return the reason why a definition, already removed, is still in use, or `None`."""
        if kind == "space":
            content: tuple[SchemaKind, ...] = ("container", "view", "datamodel")
            if any(wire["space"] == key[0] for other in content for wire in self.schema.all(other)):
                return "it is not empty"
            used = self._db.execute(
                "SELECT 1 FROM dms_instance WHERE space = ? AND deleted_time IS NULL LIMIT 1", (key[0],)
            ).fetchone()
            return "it is not empty" if used else None
        if kind == "container":
            reference = {"type": "container", "space": key[0], "externalId": key[1]}
            for wire in self.schema.all("view", preloaded=False):
                maps = any(prop.get("container") == reference for prop in wire["properties"].values())
                if maps and not self._drops_mapped:
                    return f"the view '{ViewId(*key_of(wire))}' maps it"
            for wire in self.schema.all("container", preloaded=False):
                if any(each.get("require") == reference for each in wire["constraints"].values()):
                    return f"the container '{wire['space']}:{wire['externalId']}' requires it"
                for name, prop in wire["properties"].items():
                    if prop["type"].get("container") == reference:
                        return f"property '{name}' of the container '{wire['space']}:{wire['externalId']}' points to it"
        if kind == "view":
            reference = ViewId(*key).dump()
            for wire in self.schema.all("view", preloaded=False):
                if reference in wire["implements"]:
                    return f"the view '{ViewId(*key_of(wire))}' implements it"
            for wire in self.schema.all("datamodel", preloaded=False):
                if reference in wire["views"]:
                    return f"the data model '{ViewId(*key_of(wire))}' holds it"
        return None

    def _drop_data(self, container: str) -> None:
        for table in ("dms_data", "dms_relation", "dms_unique"):
            self._db.execute(f"DELETE FROM {table} WHERE container = ?", (container,))  # noqa: S608 - table names are constants of the code


def _called(kind: SchemaKind, key: Key) -> str:
    if kind == "space":
        return f"The space '{key[0]}'"
    name = f"{key[0]}:{key[1]}" + (f"/{key[2]}" if key[2] else "")
    return f"The {'data model' if kind == 'datamodel' else kind} '{name}'"


def _refuse_doubles(kind: SchemaKind, wires: Iterable[Mapping[str, Any]]) -> None:
    """Refuse a request that defines the same thing twice."""
    ((key, times),) = Counter(map(key_of, wires)).most_common(1) or ((("", "", ""), 0),)
    if times > 1:
        raise BadRequest(f"{_called(kind, key)} is defined more than once in the request")


def _wire(definition: StrictModel) -> dict[str, Any]:
    return definition.model_dump(by_alias=True, exclude_none=True)


def _container_targets(definition: ContainerDefinition) -> Iterable[tuple[str, ContainerId]]:
    """The containers that a container refers to, with the name of what refers to them."""
    for name, prop in definition.properties.items():
        target = prop.property_type().container
        if target is not None:
            yield name, target
    for name, constraint in definition.constraints.items():
        if isinstance(constraint, RequiresDefinition):
            yield name, constraint.require.id
