"""Instances in the form of CDF's answers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.services.data_modeling.constraint_states import ConstraintStates
from cdf_sandbox.services.data_modeling.ids import dump_instance
from cdf_sandbox.services.data_modeling.models import Source
from cdf_sandbox.services.data_modeling.query_models import SelectedSource
from cdf_sandbox.services.data_modeling.schema import View, shown_view
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.store import StoredInstance, load_documents, load_instances


@dataclass(frozen=True)
class Selection:
    """A view and which of its properties to answer: answered name -> (container, property)."""

    view: View
    properties: Mapping[str, tuple[str, str]]


def select_all(schema: Schema, sources: Iterable[Source]) -> list[Selection]:
    """Every property of every view."""
    return [_selection(schema.view(source.source.id), ["*"]) for source in sources]


def select_some(schema: Schema, sources: Iterable[SelectedSource]) -> list[Selection]:
    """The properties that a query names."""
    return [_selection(schema.view(source.source.id), source.properties) for source in sources]


def _selection(view: View, names: Sequence[str]) -> Selection:
    unknown = [name for name in names if name != "*" and name not in view.properties]
    if unknown:
        raise BadRequest(f"Unknown property '{unknown[0]}' in view '{view.id}'")
    wanted = view.properties if "*" in names else {name: view.properties[name] for name in names}
    return Selection(view, {name: (str(prop.container), prop.identifier) for name, prop in wanted.items()})


def dump_instances(db: Connection, ids: Sequence[int], selections: Sequence[Selection]) -> list[dict[str, Any]]:
    """The instances with these ids, in their order; properties without a value are left out."""
    containers = {container for each in selections for container, _ in each.properties.values()}
    documents: dict[int, dict[str, dict[str, Any]]] = {}
    if containers:
        for instance_id, container, doc in load_documents(db, ids, sorted(containers)):
            documents.setdefault(instance_id, {})[container] = json.loads(doc)
    return [_dump(stored, documents.get(stored.id, {}), selections) for stored in load_instances(db, ids)]


def _dump(
    stored: StoredInstance, documents: Mapping[str, Mapping[str, Any]], selections: Sequence[Selection]
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        **dump_instance(stored.kind, stored.instance),
        "version": stored.version,
        "createdTime": stored.created_time,
        "lastUpdatedTime": stored.last_updated_time,
    }
    for name, pair in (("type", stored.type), ("startNode", stored.start), ("endNode", stored.end)):
        if pair is not None:
            answer[name] = pair.dump()
    properties: dict[str, Any] = {}
    if stored.deleted_time is not None:
        answer["deletedTime"] = stored.deleted_time
    else:
        for each in selections:
            values = {}
            known = False
            for name, (container, identifier) in each.properties.items():
                doc = documents.get(container)
                if doc is not None:
                    known = True
                    if identifier in doc:
                        values[name] = doc[identifier]
            if known:
                properties.setdefault(each.view.id.space, {})[each.view.id.key] = values
    answer["properties"] = properties
    return answer


def dump_typing(db: Connection, selections: Sequence[Selection]) -> dict[str, Any]:
    """The types of the answered properties: space -> view -> property."""
    typing: dict[str, Any] = {}
    states = ConstraintStates(db)
    for each in selections:
        shown = shown_view(each.view, states)["properties"]
        wires = {name: shown[name] for name in each.properties}
        keys = (
            "type",
            "nullable",
            "immutable",
            "autoIncrement",
            "defaultValue",
            "name",
            "description",
            "constraintState",
        )
        typing.setdefault(each.view.id.space, {})[each.view.id.key] = {
            name: {key: wire[key] for key in keys if key in wire} for name, wire in wires.items()
        }
    return typing
