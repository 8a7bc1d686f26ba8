"""Bodies of the Annotations API."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cdf_sandbox.core.http import StrictModel, without_nulls
from cdf_sandbox.core.identifiers import NO_NUL, ClassicId, InternalId
from cdf_sandbox.core.paging import PageRequest
from cdf_sandbox.core.patches import SetPatch
from cdf_sandbox.services.annotations.data import AnnotationType, ListedType, parse_data

App = Annotated[str, Field(min_length=1, max_length=255, pattern=NO_NUL)]
Status = Literal["suggested", "approved", "rejected"]
# The regular expression that semver.org suggests, without its groups.
Version = Annotated[
    str,
    Field(
        max_length=255,
        pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z.-]+)?$",
    ),
]


class AnnotationSuggestion(StrictModel):
    """An annotation to create as a suggestion."""

    nulls_with_meaning = frozenset({"creatingUser"})

    annotated_resource_type: Literal["file"]
    annotated_resource_id: InternalId
    annotation_type: AnnotationType
    creating_app: App
    creating_app_version: Version
    creating_user: App | None
    data: dict[str, Any]

    @model_validator(mode="after")
    def _data_of_its_type(self) -> Self:
        parse_data(self.annotation_type, self.data)
        return self


class AnnotationWrite(AnnotationSuggestion):
    """An annotation to create."""

    status: Status


PartOfData = Annotated[dict[str, Any], BeforeValidator(without_nulls)]


class AnnotationFilter(StrictModel):
    """Filter of annotations. `creatingUser` null matches annotations without one."""

    nulls_with_meaning = frozenset({"creatingUser"})

    annotated_resource_type: Literal["file", "threedmodel"]
    annotation_type: ListedType | None = None
    creating_app: App | None = None
    creating_app_version: App | None = None
    creating_user: App | None = None
    status: Status | None = None
    data: PartOfData | None = None


class AnnotationListFilter(AnnotationFilter):
    """Filter of listed annotations; the resources are required."""

    annotated_resource_ids: Annotated[list[ClassicId], Field(min_length=1, max_length=1000)]


class AnnotationList(PageRequest):
    """A page of annotations."""

    filter: AnnotationListFilter
    limit: Annotated[int, Field(ge=1, le=1000)] = 25
    cursor: Annotated[str | None, Field(min_length=1, max_length=255)] = None


class AnnotationId(StrictModel):
    """An annotation."""

    id: InternalId


class AnnotationUpdate(StrictModel):
    """New values of one annotation."""

    annotation_type: SetPatch[AnnotationType] | None = None
    data: SetPatch[dict[str, Any]] | None = None
    status: SetPatch[Status] | None = None


class AnnotationChange(StrictModel):
    """One annotation and its new values."""

    id: InternalId
    update: AnnotationUpdate


class ReverseLookup(PageRequest):
    """A page of the resources that have matching annotations."""

    filter: AnnotationFilter
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str | None, Field(min_length=1, max_length=255)] = None
