"""Bodies of the Vision API."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import ExternalId, FileId, InstanceRef, InternalId

Fraction = Annotated[float, Field(ge=0, le=1)]
Feature = Literal[
    "TextDetection", "AssetTagDetection", "PeopleDetection", "IndustrialObjectDetection",
    "PersonalProtectiveEquipmentDetection", "DialGaugeDetection", "LevelGaugeDetection", "DigitalGaugeDetection",
    "ValveDetection",
]  # fmt: skip
DEFAULT_THRESHOLD = 0.4


class ImageFile(StrictModel):
    """A file by exactly one of its ids."""

    file_id: InternalId | None = None
    file_external_id: ExternalId | None = None
    file_instance_id: InstanceRef | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1 or len(self.wire()) != 1:
            raise ValueError("give exactly one of fileId, fileExternalId, fileInstanceId")
        return self

    def wire(self) -> dict[str, Any]:
        """The identifier as it was sent."""
        return self.model_dump(by_alias=True, exclude_none=True)

    @property
    def identifier(self) -> FileId:
        """The same for the Files API."""
        ((name, value),) = self.wire().items()
        name = name.removeprefix("file")
        return FileId.model_validate({name[0].lower() + name[1:]: value})


class TextParameters(StrictModel):
    """Parameters of text detection."""

    threshold: Fraction = DEFAULT_THRESHOLD


class DetectionParameters(StrictModel):
    """Parameters of features that the sandbox does not detect: they are taken and change nothing."""

    threshold: Fraction | None = None


class AssetTagParameters(DetectionParameters):
    """Parameters of the detection of asset tags."""

    partial_match: bool | None = None
    asset_subtree_ids: list[int] | None = None


class LevelGaugeParameters(DetectionParameters):
    """Parameters of the reading of level gauges."""

    min_level: float | None = None
    max_level: float | None = None


class DialGaugeParameters(LevelGaugeParameters):
    """Parameters of the reading of dial gauges."""

    dead_angle: float | None = None
    non_lin_angle: float | None = None


class DigitalGaugeParameters(DetectionParameters):
    """Parameters of the reading of digital gauges."""

    comma_pos: int | None = None
    min_num_digits: int | None = None
    max_num_digits: int | None = None


class Parameters(StrictModel):
    """Parameters by feature."""

    text_detection_parameters: TextParameters | None = None
    asset_tag_detection_parameters: AssetTagParameters | None = None
    people_detection_parameters: DetectionParameters | None = None
    industrial_object_detection_parameters: DetectionParameters | None = None
    personal_protective_equipment_detection_parameters: DetectionParameters | None = None
    dial_gauge_detection_parameters: DialGaugeParameters | None = None
    level_gauge_detection_parameters: LevelGaugeParameters | None = None
    digital_gauge_detection_parameters: DigitalGaugeParameters | None = None
    valve_detection_parameters: DetectionParameters | None = None


class Extract(StrictModel):
    """Images to process."""

    items: Annotated[list[ImageFile], Field(min_length=1, max_length=100)]
    features: Annotated[list[Feature], Field(min_length=1, max_length=3)]
    parameters: Parameters | None = None

    @property
    def threshold(self) -> float:
        """Confidence below which texts are left out."""
        given = self.parameters and self.parameters.text_detection_parameters
        return given.threshold if given else DEFAULT_THRESHOLD

    @model_validator(mode="after")
    def _features_differ(self) -> Self:
        if len(set(self.features)) != len(self.features):
            raise ValueError("features must differ from each other")
        return self
