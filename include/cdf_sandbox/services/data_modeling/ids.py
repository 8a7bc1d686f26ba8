"""Identifiers of the data modeling service and the forms they have in requests.

Patterns and lengths: schemas `SpaceSpecification`, `DMSExternalId`, `DMSVersion` and `NodeOrEdgeExternalId` of
the published API specification.
"""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import override

from cdf_sandbox.core.http import StrictModel

InstanceKind = Literal["node", "edge"]

SPACE_PATTERN = r"^[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?$"
RESERVED_SPACES = frozenset({"space", "cdf", "dms", "pg3", "shared", "system", "node", "edge"})


class ContainerId(NamedTuple):
    """Names a container; its text form is also its key in the tables."""

    space: str
    external_id: str

    @override
    def __str__(self) -> str:
        return f"{self.space}:{self.external_id}"

    def dump(self) -> dict[str, str]:
        """The reference as CDF writes it."""
        return {"type": "container", "space": self.space, "externalId": self.external_id}


class ViewId(NamedTuple):
    """Names one version of a view."""

    space: str
    external_id: str
    version: str

    @override
    def __str__(self) -> str:
        return f"{self.space}:{self.external_id}/{self.version}"

    @property
    def key(self) -> str:
        """Name of the view below its space in properties and filters: `Name/version`."""
        return f"{self.external_id}/{self.version}"

    def dump(self) -> dict[str, str]:
        """The reference as CDF writes it."""
        return {"type": "view", "space": self.space, "externalId": self.external_id, "version": self.version}


class InstanceId(NamedTuple):
    """Names a node or an edge: both share one name space within a space."""

    space: str
    external_id: str

    @override
    def __str__(self) -> str:
        return f"{self.space}:{self.external_id}"

    def dump(self) -> dict[str, str]:
        """The reference as CDF writes it and as the tables keep it."""
        return {"space": self.space, "externalId": self.external_id}


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character U+0000")
    return text


def _not_reserved(space: str) -> str:
    if space in RESERVED_SPACES:
        raise ValueError(f"the space id {space!r} is reserved")
    return space


Space = Annotated[str, StringConstraints(pattern=SPACE_PATTERN, max_length=43)]
FreeSpace = Annotated[Space, AfterValidator(_not_reserved)]
DmsName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z]([a-zA-Z0-9_]{0,253}[a-zA-Z0-9])?$", max_length=255)]
Version = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]([.a-zA-Z0-9_-]{0,41}[a-zA-Z0-9])?$", max_length=43)]
InstanceExternalId = Annotated[
    str, StringConstraints(min_length=1, max_length=256, strict=True), AfterValidator(_without_nul)
]


class ContainerRef(StrictModel):
    """A container in a request."""

    type: Literal["container"]
    space: Space
    external_id: DmsName

    @property
    def id(self) -> ContainerId:
        """The container that is named."""
        return ContainerId(self.space, self.external_id)


class ViewRef(StrictModel):
    """A view in a request."""

    type: Literal["view"]
    space: Space
    external_id: DmsName
    version: Version

    @property
    def id(self) -> ViewId:
        """The view that is named."""
        return ViewId(self.space, self.external_id, self.version)


SourceRef = Annotated[ViewRef | ContainerRef, Field(discriminator="type")]


class NodeRef(StrictModel):
    """A node that is pointed at: a direct relation, the end of an edge, a type."""

    space: Space
    external_id: InstanceExternalId

    @property
    def id(self) -> InstanceId:
        """The node that is named."""
        return InstanceId(self.space, self.external_id)


class InstanceRef(StrictModel):
    """A node or an edge in a request."""

    instance_type: InstanceKind
    space: Space
    external_id: InstanceExternalId

    @property
    def id(self) -> InstanceId:
        """The instance that is named."""
        return InstanceId(self.space, self.external_id)


def dump_instance(kind: InstanceKind, instance: InstanceId) -> dict[str, Any]:
    """An instance reference with its kind, as CDF writes it."""
    return {"instanceType": kind, **instance.dump()}
