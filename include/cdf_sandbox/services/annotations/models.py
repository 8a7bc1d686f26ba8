"""Bodies of the Annotations API and the data of the annotation types on images."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import NO_NUL, ClassicId, InternalId, Space
from cdf_sandbox.core.patches import SetPatch

Fraction = Annotated[float, Field(ge=0, le=1)]
Label = Annotated[str, Field(min_length=1, max_length=128, pattern=NO_NUL)]
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


class Box(StrictModel):
    """A rectangle in fractions of the image, y down."""

    x_min: Fraction
    x_max: Fraction
    y_min: Fraction
    y_max: Fraction
    confidence: Fraction | None = None

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        if self.x_min >= self.x_max or self.y_min >= self.y_max:
            raise ValueError("xMin must be less than xMax, and yMin less than yMax")
        return self


class Point(StrictModel):
    """A point in fractions of the image."""

    x: Fraction
    y: Fraction
    confidence: Fraction | None = None


class Polygon(StrictModel):
    """A closed outline."""

    vertices: Annotated[list[Point], Field(min_length=3, max_length=1000)]
    confidence: Fraction | None = None


class Polyline(StrictModel):
    """An open line."""

    vertices: Annotated[list[Point], Field(min_length=2, max_length=1000)]
    confidence: Fraction | None = None


class Geometry(StrictModel):
    """Exactly one of the three shapes."""

    bounding_box: Box | None = None
    polygon: Polygon | None = None
    polyline: Polyline | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if sum(shape is not None for shape in (self.bounding_box, self.polygon, self.polyline)) != 1:
            raise ValueError("give exactly one of boundingBox, polygon, polyline")
        return self


class AssetRef(StrictModel):
    """A classic asset, by exactly one of its ids."""

    id: InternalId | None = None
    external_id: Annotated[str | None, Field(min_length=1, max_length=256, pattern=NO_NUL)] = None

    @model_validator(mode="after")
    def _one_id(self) -> Self:
        if (self.id is None) == (self.external_id is None):
            raise ValueError("give exactly one of id, externalId")
        return self


class View(StrictModel):
    """A view of the linked instance."""

    type: Literal["view"]
    space: Space
    external_id: Annotated[str, Field(pattern=r"^[a-zA-Z]([a-zA-Z0-9_]{0,253}[a-zA-Z0-9])?$")]
    version: Annotated[str, Field(pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9_-]{0,41}[a-zA-Z0-9])?$")]


class LinkedInstance(StrictModel):
    """An instance in data modeling and the views in which it is meant."""

    space: Space
    external_id: Annotated[str, Field(min_length=1, max_length=255, pattern=NO_NUL)]
    instance_type: Literal["node", "edge"]
    sources: Annotated[list[View], Field(max_length=10)]


class TextRegion(StrictModel):
    """`images.TextRegion`: text that was read in an image."""

    text: Label
    text_region: Box
    confidence: Fraction | None = None


class AssetLink(TextRegion):
    """`images.AssetLink`: text that names a classic asset."""

    asset_ref: AssetRef
    object_region: Geometry | None = None


class InstanceLink(TextRegion):
    """`images.InstanceLink`: text that names an instance."""

    instance_ref: LinkedInstance
    object_region: Geometry | None = None


class Classification(StrictModel):
    """`images.Classification`: a label for the whole image."""

    label: Label
    confidence: Fraction | None = None


class BooleanAttribute(StrictModel):
    """A yes or no about a detected object."""

    type: Literal["boolean"]
    value: bool
    description: Annotated[str | None, Field(max_length=500)] = None


class NumericalAttribute(StrictModel):
    """A number about a detected object."""

    type: Literal["numerical"]
    value: float
    description: Annotated[str | None, Field(max_length=500)] = None


class ObjectDetection(Geometry):
    """`images.ObjectDetection`: an object in an image."""

    label: Label
    confidence: Fraction | None = None
    attributes: dict[str, BooleanAttribute | NumericalAttribute] | None = None


DATA_OF: dict[str, type[StrictModel]] = {
    "images.TextRegion": TextRegion,
    "images.AssetLink": AssetLink,
    "images.InstanceLink": InstanceLink,
    "images.Classification": Classification,
    "images.ObjectDetection": ObjectDetection,
}
ImageAnnotationType = Literal[
    "images.TextRegion", "images.AssetLink", "images.InstanceLink", "images.Classification", "images.ObjectDetection"
]


def parse_data(annotation_type: str, data: dict[str, Any]) -> dict[str, Any]:
    """Validate `data` against its type; raises pydantic's `ValidationError`."""
    kind: type[BaseModel] = DATA_OF[annotation_type]
    return kind.model_validate(data).model_dump(by_alias=True, exclude_none=True)


class AnnotationSuggestion(StrictModel):
    """An annotation to create as a suggestion."""

    nulls_with_meaning = frozenset({"creatingUser"})

    annotated_resource_type: Literal["file"]
    annotated_resource_id: InternalId
    annotation_type: ImageAnnotationType
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


class AnnotationWrites(StrictModel):
    """Annotations to create, all or none."""

    items: Annotated[list[AnnotationWrite], Field(min_length=1, max_length=1000)]


class AnnotationSuggestions(StrictModel):
    """Annotations to suggest, all or none."""

    items: Annotated[list[AnnotationSuggestion], Field(min_length=1, max_length=1000)]


class AnnotationFilter(StrictModel):
    """Filter of listed annotations; the resources are required. `creatingUser` null matches annotations without one."""

    nulls_with_meaning = frozenset({"creatingUser"})

    annotated_resource_type: Literal["file", "threedmodel"]
    annotated_resource_ids: Annotated[list[ClassicId], Field(min_length=1, max_length=1000)]
    annotation_type: str | None = None
    creating_app: App | None = None
    creating_app_version: str | None = None
    creating_user: App | None = None
    status: Status | None = None
    data: dict[str, Any] | None = None


class AnnotationList(StrictModel):
    """A page of annotations."""

    filter: AnnotationFilter
    limit: Annotated[int, Field(ge=1, le=1000)] = 25
    cursor: Annotated[str | None, Field(min_length=1, max_length=255)] = None


class AnnotationId(StrictModel):
    """An annotation."""

    id: InternalId


class AnnotationIds(StrictModel):
    """Annotations to retrieve or delete."""

    items: Annotated[list[AnnotationId], Field(min_length=1, max_length=1000)]


class AnnotationUpdate(StrictModel):
    """New values of one annotation."""

    annotation_type: SetPatch[ImageAnnotationType] | None = None
    data: SetPatch[dict[str, Any]] | None = None
    status: SetPatch[Status] | None = None


class AnnotationChange(StrictModel):
    """One annotation and its new values."""

    id: InternalId
    update: AnnotationUpdate


class AnnotationChanges(StrictModel):
    """Annotations to update, all or none."""

    items: Annotated[list[AnnotationChange], Field(min_length=1, max_length=1000)]


class ReverseFilter(StrictModel):
    """Links of the annotations whose files are requested."""

    annotated_resource_type: Literal["file", "threedmodel"]
    annotation_type: str
    data: dict[str, Any]


class ReverseLookup(StrictModel):
    """A page of the resources that have matching annotations."""

    filter: ReverseFilter
    limit: Annotated[int, Field(ge=1, le=1000)] = 25
    cursor: Annotated[str | None, Field(min_length=1, max_length=255)] = None
