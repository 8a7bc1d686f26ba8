"""The data of the annotation types of files, as the published specification has it."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import NO_NUL, InternalId, Space

Fraction = Annotated[float, Field(ge=0, le=1)]
Label = Annotated[str, Field(min_length=1, max_length=128, pattern=NO_NUL)]
Page = Annotated[int, Field(ge=1, le=100_000)]


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


class Keypoint(StrictModel):
    """A point of a detected object."""

    point: Point
    confidence: Fraction | None = None
    attributes: dict[str, BooleanAttribute | NumericalAttribute] | None = None


class KeypointCollection(StrictModel):
    """`images.KeypointCollection`: named points of one object."""

    label: Label
    keypoints: dict[str, Keypoint]
    confidence: Fraction | None = None
    attributes: dict[str, BooleanAttribute | NumericalAttribute] | None = None


class OnPage(StrictModel):
    """Something on a page of a document, the first one if none is named."""

    page_number: Page = 1


class ExtractedText(OnPage):
    """`documents.ExtractedText`: text of a document."""

    text_region: Box
    extracted_text: Annotated[str, Field(min_length=1, max_length=1024, pattern=NO_NUL)]


class FileRef(StrictModel):
    """A file, by exactly one of its ids."""

    id: int | None = None
    external_id: Annotated[str | None, Field(max_length=256, pattern=NO_NUL)] = None

    @model_validator(mode="after")
    def _one_id(self) -> Self:
        if (self.id is None) == (self.external_id is None):
            raise ValueError("give exactly one of id, externalId")
        return self


class DiagramLink(OnPage):
    """What the links of a diagram have in common: the text, and the symbol if there is one."""

    text_region: Box
    text: Label | None = None
    symbol_region: Box | None = None
    symbol: Label | None = None


class FileLink(DiagramLink):
    """`diagrams.FileLink`: text of a diagram that names a file."""

    file_ref: FileRef


class DiagramAssetLink(DiagramLink):
    """`diagrams.AssetLink`: text of a diagram that names a classic asset."""

    asset_ref: AssetRef


class DiagramInstanceLink(DiagramLink):
    """`diagrams.InstanceLink`: text of a diagram that names an instance."""

    instance_ref: LinkedInstance
    text: Label


class Junction(OnPage):
    """`diagrams.Junction`: where lines of a diagram meet."""

    position: Point


class Line(OnPage):
    """`diagrams.Line`: a line of a diagram."""

    label: Label
    polyline: Polyline


class UnhandledSymbol(OnPage):
    """`diagrams.UnhandledSymbolObject`: a symbol that nothing was made of."""

    symbol_region: Box
    symbol: Label


class UnhandledText(OnPage):
    """`diagrams.UnhandledTextObject`: a text that nothing was made of."""

    text_region: Box
    text: Label


class FormDetection(OnPage):
    """`forms.Detection`: a field of a form with its value."""

    bounding_box: Box
    field_name: Label
    value: Annotated[str, Field(max_length=128, pattern=NO_NUL)]
    confidence: Fraction | None = None
    component_type: Label | None = None
    component_name: Label | None = None
    value_unnormalized: Annotated[str | None, Field(max_length=128, pattern=NO_NUL)] = None
    unit: Label | None = None


AnnotationType = Literal[
    "images.TextRegion", "images.AssetLink", "images.InstanceLink", "images.Classification", "images.ObjectDetection",
    "images.KeypointCollection", "documents.ExtractedText", "diagrams.FileLink", "diagrams.AssetLink",
    "diagrams.InstanceLink", "diagrams.Junction", "diagrams.Line", "diagrams.UnhandledSymbolObject",
    "diagrams.UnhandledTextObject", "forms.Detection",
]  # fmt: skip
"""All published types but those of isometric plans and of point clouds."""
ListedType = AnnotationType | Literal["isoplan.IsoPlanAnnotation", "pointcloud.BoundingVolume"]
"""The types by which annotations are found: no file has one of the latter."""
_DATA_OF: dict[str, type[BaseModel]] = dict(
    zip(
        get_args(AnnotationType),
        (
            TextRegion, AssetLink, InstanceLink, Classification, ObjectDetection, KeypointCollection, ExtractedText,
            FileLink, DiagramAssetLink, DiagramInstanceLink, Junction, Line, UnhandledSymbol, UnhandledText,
            FormDetection,
        ),
        strict=True,
    )
)  # fmt: skip


def parse_data(annotation_type: str, data: dict[str, Any]) -> dict[str, Any]:
    """Validate `data` against its type; raises pydantic's `ValidationError`."""
    return _DATA_OF[annotation_type].model_validate(data).model_dump(by_alias=True, exclude_none=True)
