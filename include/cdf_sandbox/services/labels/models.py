"""Bodies of the Labels API."""

from typing import Annotated

from pydantic import Field

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import ClassicId, ExternalId, InternalId, text
from cdf_sandbox.core.paging import PageRequest
from cdf_sandbox.core.patches import Patch, SetPatch

Name = Annotated[str, text(140, minimum=1)]
Description = Annotated[str, text(500)]


class LabelId(StrictModel):
    """A label, by its external id."""

    external_id: ExternalId


class LabelWrite(LabelId):
    """A label to define."""

    name: Name
    description: Description | None = None
    data_set_id: InternalId | None = None


class LabelsFilter(StrictModel):
    """Filter of listed labels; all fields must match."""

    name: Annotated[str, text(140)] | None = None
    external_id_prefix: Annotated[str, text(255)] | None = None
    data_set_ids: Annotated[list[ClassicId] | None, Field(max_length=1000)] = None


class LabelList(PageRequest):
    """A page of labels."""

    filter: LabelsFilter | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str | None = None


class LabelUpdate(StrictModel):
    """Patches to one label."""

    name: SetPatch[Name] | None = None
    description: Patch[Description] | None = None
    data_set_id: Patch[InternalId] | None = None


class LabelChange(LabelId):
    """One label and its patches."""

    update: LabelUpdate
