"""Bodies of the 3D jobs."""

from typing import Annotated, Literal

from pydantic import Field

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import InstanceRef, Space, text

ExternalId = Annotated[str, text(256, minimum=1)]
Key = Annotated[str, text(1000, minimum=1)]


class JobRef(StrictModel):
    """A job by the id that its maker chose."""

    space: Space
    external_id: ExternalId


class Source(StrictModel):
    """The collection whose images are read."""

    type: Literal["Cognite360ImageCollection"]
    instance_id: InstanceRef


class Configuration(StrictModel):
    """Nothing can be configured."""


class JobWrite(JobRef):
    """A job to start."""

    name: Annotated[str, text(1000)]
    type: Literal["ImageTextDetection"]
    source: Source
    configuration: Configuration
    nonce: Annotated[str, text(1000, minimum=1)]


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


class RejectionList(Rejections):
    """A page of rejected keys."""

    cursor: str | None = None
