"""Containers and views as the rest of the service uses them, resolved from their stored definitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceKind, ViewId
from cdf_sandbox.services.data_modeling.property_types import PropertyType, parse_type

UsedFor = Literal["node", "edge", "all"]


@dataclass(frozen=True)
class ContainerProperty:
    """One property of a container; `default` is in normal form, `None` for no default."""

    type: PropertyType
    nullable: bool
    immutable: bool
    default: Any
    wire: Mapping[str, Any]


@dataclass(frozen=True)
class Uniqueness:
    """A uniqueness constraint over properties of one container, within a space if `by_space`."""

    name: str
    properties: tuple[str, ...]
    by_space: bool


@dataclass(frozen=True)
class Container:
    """A container as writes and filters see it."""

    id: ContainerId
    used_for: UsedFor
    properties: Mapping[str, ContainerProperty]
    requires: Mapping[str, ContainerId]
    uniqueness: tuple[Uniqueness, ...]
    indexed: bool

    def holds(self, kind: InstanceKind) -> bool:
        """Whether instances of `kind` may have data here."""
        return self.used_for in (kind, "all")


@dataclass(frozen=True)
class MappedProperty:
    """A view property that stands for a container property."""

    container: ContainerId
    identifier: str
    property: ContainerProperty
    wire: Mapping[str, Any]


@dataclass(frozen=True)
class View:
    """A view with everything it inherits; `connections` are its properties that hold no data of their own."""

    id: ViewId
    properties: Mapping[str, MappedProperty]
    connections: Mapping[str, Mapping[str, Any]]
    containers: tuple[ContainerId, ...]
    filter: Mapping[str, Any] | None
    used_for: UsedFor
    writable: bool
    wire: Mapping[str, Any]

    @property
    def filtered_kind(self) -> InstanceKind:
        """Kind of the instances that the filter of the view applies to."""
        return "edge" if self.used_for == "edge" else "node"


def parse_container(wire: Mapping[str, Any]) -> Container:
    """A container from its stored definition."""
    constraints = wire.get("constraints", {})
    return Container(
        id=ContainerId(wire["space"], wire["externalId"]),
        used_for=wire["usedFor"],
        properties={name: _container_property(definition) for name, definition in wire["properties"].items()},
        requires={
            name: ContainerId(constraint["require"]["space"], constraint["require"]["externalId"])
            for name, constraint in constraints.items()
            if constraint["constraintType"] == "requires"
        },
        uniqueness=tuple(
            Uniqueness(name, tuple(constraint["properties"]), constraint.get("bySpace", False))
            for name, constraint in constraints.items()
            if constraint["constraintType"] == "uniqueness"
        ),
        indexed=bool(wire.get("indexes")),
    )


def _container_property(wire: Mapping[str, Any]) -> ContainerProperty:
    type_ = parse_type(wire["type"])
    default = wire.get("defaultValue")
    return ContainerProperty(
        type=type_,
        nullable=wire["nullable"],
        immutable=wire["immutable"],
        default=None if default is None else type_.check(default),
        wire=wire,
    )


class States(Protocol):
    """The states of constraints: `current`, `failed` or `pending`."""

    def of_property(self, container: ContainerId, name: str, prop: Mapping[str, Any]) -> dict[str, str]:
        """The states of what is demanded of the values of a property."""

    def of_constraint(self, container: ContainerId, name: str, constraint: Mapping[str, Any]) -> str:
        """The state of a constraint of a container."""


def shown_container(wire: Mapping[str, Any], states: States) -> dict[str, Any]:
    """A container as it is answered: with the states of its constraints."""
    container = ContainerId(wire["space"], wire["externalId"])
    return {
        **wire,
        "properties": {
            name: {**prop, "constraintState": states.of_property(container, name, prop)}
            for name, prop in wire["properties"].items()
        },
        "constraints": {
            name: {**entry, "state": states.of_constraint(container, name, entry)}
            for name, entry in wire.get("constraints", {}).items()
        },
        "indexes": {name: {**entry, "state": "current"} for name, entry in wire.get("indexes", {}).items()},
    }


def shown_view(view: "View", states: States) -> dict[str, Any]:
    """A view as it is answered: with the states of the constraints of what it maps."""
    shown = dict(view.wire["properties"])
    for name, mapped in view.properties.items():
        state = states.of_property(mapped.container, mapped.identifier, mapped.property.wire)
        shown[name] = {**mapped.wire, "constraintState": state}
    return {**view.wire, "properties": shown}


def resolve_view(
    wire: Mapping[str, Any], inherited: Mapping[str, Mapping[str, Any]], containers: Mapping[ContainerId, Container]
) -> View:
    """A view from its stored definition.

    `inherited` are the property definitions of the implemented views, already merged; `containers` holds every
    container that is mapped.
    """
    definitions = {**inherited, **wire["properties"]}
    mapped: dict[str, MappedProperty] = {}
    connections: dict[str, Mapping[str, Any]] = {}
    shown: dict[str, Mapping[str, Any]] = {}
    for name, definition in definitions.items():
        if "container" not in definition:
            connections[name] = shown[name] = definition
            continue
        target = ContainerId(definition["container"]["space"], definition["container"]["externalId"])
        identifier = definition["containerPropertyIdentifier"]
        base = containers[target].properties[identifier]
        type_wire = dict(base.type.wire)
        if definition.get("source"):
            type_wire["source"] = definition["source"]
        shown[name] = {
            "container": target.dump(),
            "containerPropertyIdentifier": identifier,
            **{key: base.wire[key] for key in ("nullable", "immutable", "autoIncrement")},
            **({"defaultValue": base.wire["defaultValue"]} if base.default is not None else {}),
            **{key: definition[key] for key in ("name", "description") if definition.get(key) is not None},
            "type": type_wire,
        }
        mapped[name] = MappedProperty(target, identifier, base, shown[name])
    used = tuple(dict.fromkeys(prop.container for prop in mapped.values()))
    kinds = {containers[container].used_for for container in used} - {"all"}
    seen = {(prop.container, prop.identifier) for prop in mapped.values()}
    writable = bool(used) and all(
        prop.nullable or prop.default is not None or (container, name) in seen
        for container in used
        for name, prop in containers[container].properties.items()
    )
    used_for: UsedFor = "all" if not kinds else ("node" if "node" in kinds else "edge")
    answer = {
        **{key: value for key, value in wire.items() if key != "properties"},
        "properties": shown,
        "writable": writable,
        "queryable": bool(used) or wire.get("filter") is not None,
        "usedFor": used_for,
        "mappedContainers": [container.dump() for container in used],
    }
    return View(
        id=ViewId(wire["space"], wire["externalId"], wire["version"]),
        properties=mapped,
        connections=connections,
        containers=used,
        filter=wire.get("filter"),
        used_for=used_for,
        writable=writable,
        wire=answer,
    )
