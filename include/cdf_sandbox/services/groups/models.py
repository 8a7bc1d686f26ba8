"""Bodies of the Groups API."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.access import ALL_ACLS, FURTHER_ACLS
from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import InternalId, each_once, text

Capability = dict[str, Any]


class Grant(StrictModel):
    """What one capability allows, and where."""

    actions: Annotated[list[str], Field(min_length=1)]
    scope: dict[str, Any]
    version: int | None = None


def check_capability(capability: Capability) -> Capability:
    """ValueError unless `capability` is one ACL with actions that it has and one scope."""
    (name, grant), *others = capability.items() or [("", None)]
    if others or (name not in ALL_ACLS and name not in FURTHER_ACLS):
        raise ValueError(f"a capability is one ACL of CDF, not {', '.join(capability) or 'nothing'}")
    checked = Grant.model_validate(grant)
    unknown = sorted(set(checked.actions) - set(ALL_ACLS.get(name, checked.actions)))
    if unknown:
        raise ValueError(f"{name} has no action {', '.join(unknown)}")
    if len(checked.scope) != 1 or not isinstance(next(iter(checked.scope.values())), dict):
        raise ValueError(f"{name} has one scope, such as {{'all': {{}}}}")
    for scope, parts in checked.scope.items():
        if not all(isinstance(part, list | dict) for part in parts.values()):
            raise ValueError(f"{name} names the parts of its {scope} in a list")
    return capability


class GroupWrite(StrictModel):
    """A group to create: its members are those with `sourceId` among their groups, or those that are listed."""

    name: Annotated[str, text(255, minimum=1)]
    source_id: Annotated[str, text(255, minimum=1)] | None = None
    members: Literal["allUserAccounts"] | Annotated[list[str], Field(max_length=1000), each_once] | None = None
    capabilities: list[Capability] | None = None
    metadata: dict[str, str] | None = None
    attributes: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _valid(self) -> Self:
        if self.source_id is not None and self.members is not None:
            raise ValueError("give at most one of sourceId and members")
        for capability in self.capabilities or ():
            check_capability(capability)
        return self


class GroupWrites(StrictModel):
    """Groups to create, all or none."""

    items: Annotated[list[GroupWrite], Field(min_length=1, max_length=1000)]


class GroupIds(StrictModel):
    """Groups to delete, by their bare ids."""

    items: Annotated[list[InternalId], Field(min_length=1, max_length=1000)]
