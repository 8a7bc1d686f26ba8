"""Bodies of the 3D API: models, revisions and jobs."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import InstanceRef, InternalId, Space, metadata_checker, text
from cdf_sandbox.core.patches import ObjectPatch, Patch, SetPatch, new_document

Name = Annotated[str, text(255, minimum=1)]
Metadata = Annotated[dict[str, str], metadata_checker(key_bytes=32, value_bytes=512, pairs=16, total_bytes=None)]
Vector = Annotated[list[float], Field(min_length=3, max_length=3)]


class ThumbnailNode(InstanceRef):
    """The file of a thumbnail, by its node; data modeling takes one character more than the Files API."""

    external_id: Annotated[str, text(256, minimum=1)]


class ModelWrite(StrictModel):
    """A classic model, or one that lives in data modeling: then with `space` and `type`."""

    name: Name
    data_set_id: InternalId | None = None
    metadata: Metadata | None = None
    space: Space | None = None
    type: Literal["CAD", "PointCloud", "Image360"] | None = None
    thumbnail_reference: ThumbnailNode | None = None

    @property
    def is_node(self) -> bool:
        """Whether the model lives in data modeling."""
        return self.space is not None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.space is None) != (self.type is None):
            raise ValueError("give both space and type, or neither")
        if self.is_node and (self.data_set_id is not None or self.metadata is not None):
            raise ValueError("a model with space and type has no dataSetId and no metadata")
        if not self.is_node and self.thumbnail_reference is not None:
            raise ValueError("thumbnailReference needs space and type")
        return self


class ModelWrites(StrictModel):
    """Models to create: up to 1000 classic ones, or one that lives in data modeling."""

    items: Annotated[list[ModelWrite], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _one_node(self) -> Self:
        if len(self.items) > 1 and any(item.is_node for item in self.items):
            raise ValueError("models with space and type are created one at a time")
        return self


class ModelUpdate(StrictModel):
    """Patches to one model."""

    name: SetPatch[Name] | None = None
    data_set_id: Patch[InternalId] | None = None
    metadata: ObjectPatch | None = None


class ModelChange(StrictModel):
    """One model and its patches."""

    id: InternalId
    update: ModelUpdate = ModelUpdate()


class ModelChanges(StrictModel):
    """Models to update, all or none."""

    items: Annotated[list[ModelChange], Field(min_length=1, max_length=1000)]


class ModelId(StrictModel):
    """A model by `id`, or by `instanceId` if it lives in data modeling."""

    id: InternalId | None = None
    instance_id: InstanceRef | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.id is None) == (self.instance_id is None):
            raise ValueError("give exactly one of id, instanceId")
        return self

    def wire(self) -> dict[str, Any]:
        """The identifier as it was sent."""
        return self.model_dump(by_alias=True, exclude_none=True)


class ModelIds(StrictModel):
    """Models to delete."""

    items: Annotated[list[ModelId], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _one_node(self) -> Self:
        if len(self.items) > 1 and any(item.instance_id is not None for item in self.items):
            raise ValueError("models are deleted by instanceId one at a time")
        return self


class Camera(StrictModel):
    """Initial camera of a viewer."""

    target: Vector
    position: Vector


class IndexingOptions(StrictModel, extra="allow"):
    """Beta: options of the processing. Other options are accepted."""

    extract_photosphere_images: bool | Literal["true", "false"] = False
    dms_instances_space_id: Space | None = None


class PipelineConfiguration(StrictModel):
    """Beta: how a point cloud is processed."""

    version: str | None = None
    indexing_options: IndexingOptions


class RevisionWrite(StrictModel):
    """A revision to create, which starts its processing."""

    file_id: InternalId
    published: bool = False
    rotation: Vector | None = None
    scale: Vector | None = None
    translation: Vector | None = None
    metadata: Metadata | None = None
    camera: Camera | None = None
    nonce: Annotated[str, text(1000)] | None = None
    pipeline_configuration: PipelineConfiguration | None = None

    @property
    def extraction_space(self) -> str | None:
        """The space for extracted photospheres, if there are to be any."""
        if self.pipeline_configuration is None:
            return None
        options = self.pipeline_configuration.indexing_options
        wanted = options.extract_photosphere_images in (True, "true")
        return options.dms_instances_space_id if wanted else None

    @model_validator(mode="after")
    def _extraction_is_complete(self) -> Self:
        if self.pipeline_configuration is not None:
            options = self.pipeline_configuration.indexing_options
            if options.extract_photosphere_images in (True, "true") and options.dms_instances_space_id is None:
                raise ValueError("extractPhotosphereImages needs dmsInstancesSpaceId")
        return self


class RevisionWrites(StrictModel):
    """Revisions to create, all or none."""

    items: Annotated[list[RevisionWrite], Field(min_length=1, max_length=1000)]


class RevisionUpdate(StrictModel):
    """New values of one revision."""

    published: SetPatch[bool] | None = None
    rotation: Patch[Vector] | None = None
    scale: Patch[Vector] | None = None
    translation: Patch[Vector] | None = None
    camera: Patch[Camera] | None = None
    metadata: ObjectPatch | None = None


class RevisionChange(StrictModel):
    """One revision and its new values."""

    id: InternalId
    update: RevisionUpdate = RevisionUpdate()


class RevisionChanges(StrictModel):
    """Revisions to update, all or none."""

    items: Annotated[list[RevisionChange], Field(min_length=1, max_length=1000)]


class RevisionId(StrictModel):
    """A revision."""

    id: InternalId


class RevisionIds(StrictModel):
    """Revisions to delete."""

    items: Annotated[list[RevisionId], Field(min_length=1, max_length=1000)]


class Thumbnail(StrictModel):
    """The picture of a revision."""

    file_id: InternalId


def stored(item: RevisionWrite) -> dict[str, Any]:
    """Fields of a new revision that are stored and shown."""
    return new_document(item, exclude={"nonce", "pipeline_configuration"})


ExternalId = Annotated[str, text(256, minimum=1)]
Key = Annotated[str, text(1000, minimum=1)]


class JobRef(StrictModel):
    """A job by its external id."""

    space: Space
    external_id: ExternalId


class Source(StrictModel):
    """The collection whose images are read."""

    type: Literal["Cognite360ImageCollection"]
    instance_id: InstanceRef


class Configuration(StrictModel):
    """Nothing can be configured."""


class NewJob(JobRef):
    """What all jobs to start have in common."""

    name: Annotated[str, text(1000)]
    nonce: Annotated[str, text(1000, minimum=1)]


class TextJobWrite(NewJob):
    """A job that reads the texts of a collection."""

    type: Literal["ImageTextDetection"]
    source: Source
    configuration: Configuration


class ScanSource(StrictModel):
    """The file of scans that is processed."""

    type: Literal["CogniteFile"]
    instance_id: InstanceRef


class Pipeline(StrictModel):
    """How a point cloud is processed. CDF lists 15 indexing options; their names are not checked."""

    version: Literal["v1"]
    indexing_options: dict[str, str | bool | int | float] | None = None

    @model_validator(mode="after")
    def _none_of_the_classic_extraction(self) -> Self:
        foreign = {"extractPhotosphereImages", "dmsInstancesSpaceId"} & (self.indexing_options or {}).keys()
        if foreign:
            raise ValueError(
                f"an Optimizer job has no option {', '.join(sorted(foreign))}: its models say what is made"
            )
        return self


class ScanConfiguration(StrictModel):
    """The models of what comes out: both, which is the only combination of several that CDF supports."""

    point_cloud_model_instance_id: InstanceRef
    image360_model_instance_id: InstanceRef
    pipeline_configuration: Pipeline | None = None


class OptimizerJobWrite(NewJob):
    """A job that makes a point cloud and 360 images out of a file of scans (beta)."""

    type: Literal["Optimizer"]
    source: ScanSource
    configuration: ScanConfiguration


JobWrite = Annotated[TextJobWrite | OptimizerJobWrite, Field(discriminator="type")]


class JobWrites(StrictModel):
    """The one job to start."""

    items: Annotated[list[JobWrite], Field(min_length=1, max_length=1)]


class JobList(StrictModel):
    """A page of jobs; nothing to filter by."""

    cursor: str | None = None


class JobIds(StrictModel):
    """Jobs to delete."""

    items: Annotated[list[JobRef], Field(min_length=1, max_length=1000)]


class ResultList(StrictModel):
    """A page of the results of a job."""

    job: JobRef
    cursor: str | None = None


class ResultRef(StrictModel):
    """A result by its instance."""

    instance_id: InstanceRef


class Rejections(StrictModel):
    """Keys within a result."""

    job: JobRef
    result: ResultRef


class RejectionsChange(Rejections):
    """Keys that are rejected from now on, or no longer."""

    add: list[Key] | None = None
    remove: list[Key] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.add is None) == (self.remove is None):
            raise ValueError("give either add or remove")
        return self


class RejectionList(Rejections):
    """A page of rejected keys."""

    cursor: str | None = None
