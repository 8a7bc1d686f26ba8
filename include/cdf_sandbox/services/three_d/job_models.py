"""Bodies of 3D jobs."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import InstanceRef, Space, text
from cdf_sandbox.core.paging import PageRequest

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


class JobList(PageRequest):
    """A page of jobs; nothing to filter by."""

    cursor: str | None = None


class ResultList(PageRequest):
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


class RejectionList(Rejections, PageRequest):
    """A page of rejected keys."""

    cursor: str | None = None
