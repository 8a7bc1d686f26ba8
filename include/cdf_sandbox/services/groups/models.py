"""Bodies of the Groups API."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.capabilities import Capability
from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import each_once, text


class GroupWrite(StrictModel):
    """A group to create: its members are those with `sourceId` among their groups, or those that are listed."""

    name: Annotated[str, text(255, minimum=1)]
    source_id: Annotated[str, text(255)] | None = None
    members: Literal["allUserAccounts"] | Annotated[list[str], Field(max_length=1000), each_once] | None = None
    capabilities: list[Capability] | None = None
    metadata: dict[str, str] | None = None
    attributes: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _valid(self) -> Self:
        if self.source_id is not None and self.members is not None:
            raise ValueError("give at most one of sourceId and members")
        return self
