"""The capabilities that the endpoints of data modeling ask for."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Annotated, Any

from fastapi import Depends, Request

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.auth import AccessDep
from cdf_sandbox.core.sandbox import SandboxDep
from cdf_sandbox.services.data_modeling.ids import ViewId
from cdf_sandbox.services.data_modeling.schema_store import Schema

SCHEMA_ACL = "dataModelsAcl"
INSTANCE_ACL = "dataModelInstancesAcl"
_COMPARED = ("property", "startProperty", "endProperty")
_PATHS = (*_COMPARED, "scope")
"""Fields of filters and orders that name properties."""
_OPERANDS = frozenset({"value", "values", "gt", "gte", "lt", "lte"})
"""Fields of filters that hold what a property is compared with."""


def readable_spaces(access: Access, acl: str) -> frozenset[str] | None:
    """The spaces that the caller may read; `None` for all. 403 if there are none."""
    access.require(acl, "READ")
    return access.spaces(acl, "READ")


def readable_instances(access: Access) -> frozenset[str] | None:
    """The spaces whose instances the caller may read; the data models that show them must be open to it too."""
    access.require(SCHEMA_ACL, "READ")
    return readable_spaces(access, INSTANCE_ACL)


async def _body(request: Request) -> Any:
    return await request.json() if request.method == "POST" else None


def require_named_schemas(sandbox: SandboxDep, access: AccessDep, body: Annotated[Any, Depends(_body)]) -> None:
    """Refuse with 403 unless the caller may read the views and containers that a body names.

    So for the containers that the views map, unless an option drops it all.
    """
    readable = access.spaces(SCHEMA_ACL, "READ")
    if not sandbox.options.named_schemas_must_be_readable or readable is None or not access.allows(SCHEMA_ACL, "READ"):
        return
    spaces: set[str] = set()
    with sandbox.read() as db:
        schema = Schema(db)
        for space, view in _named(body):
            spaces.add(space)
            if view is not None and (found := schema.find_view(view)) is not None:
                spaces.update(container.space for container in found.containers)
    access.require_spaces(SCHEMA_ACL, "READ", spaces)


def _named(part: Any) -> Iterator[tuple[str, ViewId | None]]:
    """Yield the space of each view and container in a body, and the view; values of instances name none."""
    if isinstance(part, list):
        for each in part:
            yield from _named(each)
    if not isinstance(part, dict):
        return
    if _is_schema(part):
        space, name, version = str(part["space"]), part.get("externalId"), part.get("version")
        is_view = part["type"] == "view" and isinstance(name, str) and isinstance(version, str)
        yield space, ViewId(space, str(name), str(version)) if is_view else None
    values = _names_of_values(part)
    for key, each in part.items():
        if key in _PATHS and _is_path(each):
            name, _, version = each[1].partition("/")
            yield each[0], ViewId(each[0], name, version) if version else None
        elif key not in values:
            yield from _named(each)
        else:
            yield from _named([other for other in _operands(key, each) if _is_property(other)])


def _names_of_values(part: Mapping[str, Any]) -> Set[str]:
    """Return which fields of an object hold values of instances, whatever these look like."""
    if any(isinstance(part.get(key), list) for key in _COMPARED):
        return _OPERANDS
    if _is_schema(part.get("source")):
        return {"properties"}
    if isinstance(part.get("with"), dict):
        return {"parameters"}
    type_ = part.get("type")
    return {"defaultValue"} if isinstance(type_, dict) and isinstance(type_.get("type"), str) else frozenset()


def _operands(key: str, value: Any) -> Iterable[Any]:
    """What a property is compared with: the value itself, or the values of all parameters."""
    return value.values() if key == "parameters" and isinstance(value, dict) else [value]


def _is_property(value: Any) -> bool:
    """Whether an operand is another property, not a value."""
    return isinstance(value, dict) and [name for name, each in value.items() if each is not None] == ["property"]


def _is_schema(value: Any) -> bool:
    """Whether a value is a reference to a view or container."""
    is_one = isinstance(value, dict) and value.get("type") in ("view", "container")
    return is_one and isinstance(value.get("space"), str)


def _is_path(value: Any) -> bool:
    """Whether a value names a property of a view or container: its space, its name, and the property."""
    return isinstance(value, list) and len(value) == 3 and all(isinstance(each, str) for each in value)
