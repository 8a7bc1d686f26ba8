"""Bodies of 3D models and revisions."""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

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


class ById(StrictModel):
    """A model or revision by `id`, or by `instanceId` if it lives in data modeling."""

    id: InternalId | None = None
    instance_id: InstanceRef | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.id is None) == (self.instance_id is None):
            raise ValueError("give exactly one of id, instanceId")
        return self

    def wire(self) -> dict[str, Any]:
        """The identifier as it was sent."""
        return self.model_dump(by_alias=True, exclude_none=True, include={"id", "instance_id"})


Named = TypeVar("Named", bound=ById)


def _one_node(items: list[Named]) -> list[Named]:
    if len(items) > 1 and any(item.instance_id is not None for item in items):
        raise ValueError("what instanceId names is changed or deleted one at a time")
    return items


NamedItems = Annotated[list[Named], Field(min_length=1, max_length=1000), AfterValidator(_one_node)]


class Ids(StrictModel):
    """Models or revisions to delete, all or none."""

    items: NamedItems[ById]


def _only(by: str, update: StrictModel, *fields: str) -> None:
    """ValueError unless `update` has no other fields than those that are changed by this identifier."""
    others = sorted(type(update).model_fields[name].alias or name for name in update.model_fields_set - {*fields})
    if others:
        raise ValueError(f"{', '.join(others)} cannot be changed by {by}")


class ModelUpdate(StrictModel):
    """Patches to one model."""

    name: SetPatch[Name] | None = None
    data_set_id: Patch[InternalId] | None = None
    metadata: ObjectPatch | None = None
    thumbnail_reference: Patch[ThumbnailNode] | None = None


class ModelChange(ById):
    """One model and its patches."""

    update: ModelUpdate = ModelUpdate()

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.instance_id is not None:
            _only("instanceId", self.update, "name", "thumbnail_reference")
        else:
            _only("id", self.update, "name", "data_set_id", "metadata")
        return self


class ModelChanges(StrictModel):
    """Models to update, all or none."""

    items: NamedItems[ModelChange]


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


class RevisionUpdate(StrictModel):
    """New values of one revision."""

    published: SetPatch[bool] | None = None
    rotation: SetPatch[Vector] | None = None
    scale: SetPatch[Vector] | None = None
    translation: SetPatch[Vector] | None = None
    camera: SetPatch[Camera] | None = None
    metadata: ObjectPatch | None = None


class RevisionChange(ById):
    """One revision and its new values."""

    update: RevisionUpdate = RevisionUpdate()

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.instance_id is not None:
            _only("instanceId", self.update, "published")
        return self


class RevisionChanges(StrictModel):
    """Revisions to update, all or none."""

    items: NamedItems[RevisionChange]


class Thumbnail(StrictModel):
    """The picture of a revision."""

    file_id: InternalId


def stored(item: RevisionWrite) -> dict[str, Any]:
    """Fields of a new revision that are stored and shown."""
    return new_document(item, exclude={"nonce", "pipeline_configuration"})
