"""The bodies of the schema endpoints (schemas of the published API specification)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import each_once
from cdf_sandbox.services.data_modeling.definitions import (
    ContainerDefinition,
    DataModelDefinition,
    SpaceDefinition,
    ViewDefinition,
)
from cdf_sandbox.services.data_modeling.ids import DmsName, Space, Version
from cdf_sandbox.services.data_modeling.schema_store import Key

_MAX = 100


class SpaceKey(StrictModel):
    """Names a space."""

    space: Space

    @property
    def key(self) -> Key:
        """The key in the store."""
        return self.space, "", ""


class ContainerKey(StrictModel):
    """Names a container."""

    space: Space
    external_id: DmsName
    type: Literal["container"] = "container"

    @property
    def key(self) -> Key:
        """The key in the store."""
        return self.space, self.external_id, ""


class ContainerEntryKey(StrictModel):
    """Names a constraint or an index of a container."""

    space: Space
    container_external_id: DmsName
    identifier: Annotated[str, StringConstraints(min_length=1, max_length=43)]


class VersionKey(StrictModel):
    """Names a version of a view or data model."""

    space: Space
    external_id: DmsName
    version: Version
    type: Literal["view"] = "view"

    @property
    def key(self) -> Key:
        """The key in the store."""
        return self.space, self.external_id, self.version


class AnyVersionKey(StrictModel):
    """Names a view or data model with one version, or with all of them."""

    space: Space
    external_id: DmsName
    version: Version | None = None
    type: Literal["view"] = "view"


class Spaces(StrictModel):
    """Spaces to write."""

    items: Annotated[list[SpaceDefinition], Field(min_length=1, max_length=_MAX)]


class Containers(StrictModel):
    """Containers to write."""

    items: Annotated[list[ContainerDefinition], Field(min_length=1, max_length=_MAX)]


class Views(StrictModel):
    """Views to write."""

    items: Annotated[list[ViewDefinition], Field(min_length=1, max_length=_MAX)]


class DataModels(StrictModel):
    """Data models to write."""

    items: Annotated[list[DataModelDefinition], Field(min_length=1, max_length=_MAX)]


class SpaceKeys(StrictModel):
    """Spaces to read or delete."""

    items: Annotated[list[SpaceKey], Field(min_length=1, max_length=_MAX), each_once]


class ContainerKeys(StrictModel):
    """Containers to read or delete."""

    items: Annotated[list[ContainerKey], Field(min_length=1, max_length=_MAX), each_once]


class VersionKeys(StrictModel):
    """Views or data models to delete."""

    items: Annotated[list[VersionKey], Field(min_length=1, max_length=_MAX), each_once]


class AnyVersionKeys(StrictModel):
    """Views or data models to read."""

    items: Annotated[list[AnyVersionKey], Field(min_length=1, max_length=_MAX), each_once]


class ContainerEntryKeys(StrictModel):
    """Constraints or indexes to delete."""

    items: Annotated[list[ContainerEntryKey], Field(min_length=1, max_length=10), each_once]
