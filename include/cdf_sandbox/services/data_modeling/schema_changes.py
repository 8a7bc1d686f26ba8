"""Changes of schemas that exist: what is refused, and what the changed definition keeps of the one before.

Definitions are as stored. A part that a definition leaves out stays, without a word: CDF only adds and changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cdf_sandbox.core.errors import ApiError, BadRequest
from cdf_sandbox.services.data_modeling.ids import ContainerId, ViewId
from cdf_sandbox.services.data_modeling.schema_store import Schema

_Wire = Mapping[str, Any]
_CHANGEABLE = frozenset({"maxListSize", "maxTextSize", "values", "unknownValue", "unit", "collation"})
"""Parts of a type that do not make it another type."""


def changed_container(container: ContainerId, old: _Wire, new: _Wire) -> dict[str, Any]:
    """The container `new` in place of `old`: properties, values of enumerations and units that are left out stay."""
    if old["usedFor"] != new["usedFor"]:
        raise BadRequest(f"usedFor of the container '{container}' cannot be changed")
    properties = {**old["properties"], **new["properties"]}
    for name, prop in old["properties"].items():
        if name in new["properties"]:
            properties[name] = _changed_property(
                f"property '{name}' of the container '{container}'", prop, properties[name]
            )
    for group, noun in (("constraints", "constraint"), ("indexes", "index")):
        for name, entry in new[group].items():
            if old[group].get(name, entry) != entry:
                raise BadRequest(f"The {noun} '{name}' of the container '{container}' cannot be changed")
    return {**new, "properties": properties}


def _changed_property(called: str, old: _Wire, new: _Wire) -> dict[str, Any]:
    before, after = old["type"], new["type"]
    if _without_changeable(before) != _without_changeable(after):
        raise BadRequest(f"The type of {called} cannot be changed")
    if before.get("collation") != after.get("collation"):
        raise ApiError(500, "Internal server error")
    kept = {"unit": before["unit"]} if "unit" in before else {}
    values = {"values": {**before["values"], **after["values"]}} if "values" in after else {}
    return {**new, "type": {**kept, **after, **values}}


def _without_changeable(type_: _Wire) -> dict[str, Any]:
    return {name: value for name, value in type_.items() if name not in _CHANGEABLE}


def changed_view(schema: Schema, old: _Wire, new: _Wire) -> dict[str, Any]:
    """The view `new` in place of `old`, of the same version: properties that are left out stay."""
    view = ViewId(new["space"], new["externalId"], new["version"])
    if {_id(each) for each in old["implements"]} != {_id(each) for each in new["implements"]}:
        raise BadRequest(f"implements of the view '{view}' cannot be changed")
    for name, prop in new["properties"].items():
        before = old["properties"].get(name)
        if before is None:
            continue
        kinds = [_kind(schema, each) for each in (before, prop)]
        if None not in kinds and kinds[0] != kinds[1]:
            raise BadRequest(
                f"The view '{view}' cannot be changed:"
                f" property '{name}' would change type from {kinds[0]} to {kinds[1]}"
            )
        if before.get("source") != prop.get("source"):
            raise BadRequest(f"The source of property '{name}' of the view '{view}' cannot be changed")
    return {**new, "properties": {**old["properties"], **new["properties"]}}


def _kind(schema: Schema, prop: _Wire) -> str | None:
    """The kind of a view's property; None where what it maps was deleted."""
    if "container" not in prop:
        return str(prop["connectionType"])
    container = schema.find_container(ContainerId(prop["container"]["space"], prop["container"]["externalId"]))
    mapped = container.properties.get(prop["containerPropertyIdentifier"]) if container else None
    return None if mapped is None else mapped.type.kind + (" list" if mapped.type.is_list else "")


def _id(view: _Wire) -> ViewId:
    return ViewId(view["space"], view["externalId"], view["version"])


def changed_views(old: Sequence[_Wire], new: Sequence[_Wire]) -> list[_Wire]:
    """The views of a data model: those that are left out stay, unless another version takes their place."""
    named = {_id(each)[:2] for each in new}
    return [*new, *(each for each in old if _id(each)[:2] not in named)]
