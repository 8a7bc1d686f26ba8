"""Bodies of the Data sets API."""

from typing import Annotated

from pydantic import Field

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import (
    ClassicId,
    ExternalId,
    metadata_checker,
    text,
)
from cdf_sandbox.core.paging import PageRequest
from cdf_sandbox.core.patches import ObjectPatch, Patch, SetPatch
from cdf_sandbox.core.sql import TimeRange

Name = Annotated[str, text(50, minimum=1)]


Description = Annotated[str, text(500, minimum=1)]


Metadata = Annotated[dict[str, str], metadata_checker(key_bytes=128, value_bytes=10240, pairs=256, total_bytes=10240)]


class DataSetWrite(StrictModel):
    """A data set to create."""

    external_id: ExternalId | None = None
    name: Name | None = None
    description: Description | None = None
    metadata: Metadata | None = None
    write_protected: bool = False


class DataSetWrites(StrictModel):
    """Data sets to create, all or none."""

    items: Annotated[list[DataSetWrite], Field(min_length=1, max_length=10)]


class DataSetFilter(StrictModel):
    """Filter of listed data sets."""

    metadata: Metadata | None = None
    created_time: TimeRange | None = None
    last_updated_time: TimeRange | None = None
    external_id_prefix: Annotated[str, text(255)] | None = None
    write_protected: bool | None = None


class DataSetList(PageRequest):
    """A page of data sets."""

    filter: DataSetFilter | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str | None = None


class DataSetAggregate(StrictModel):
    """Data sets to count."""

    filter: DataSetFilter | None = None


class DataSetUpdate(StrictModel):
    """Patches to one data set."""

    external_id: Patch[ExternalId] | None = None
    name: Patch[Name] | None = None
    description: Patch[Description] | None = None
    metadata: ObjectPatch | None = None
    write_protected: SetPatch[bool] | None = None


class DataSetChange(ClassicId):
    """One data set and its patches."""

    update: DataSetUpdate
