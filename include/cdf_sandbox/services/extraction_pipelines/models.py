"""Bodies of the Extraction pipelines API."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import ClassicId, EpochMs, ExternalId, InternalId, metadata_checker, text
from cdf_sandbox.core.paging import PageRequest
from cdf_sandbox.core.patches import ArrayPatch, ObjectPatch, Patch, SetPatch
from cdf_sandbox.core.sql import TimeRange

Name = Annotated[str, text(140, minimum=1)]
Schedule = Annotated[
    str,
    Field(
        pattern=r"^((On trigger|Continuous)|(@(annually|yearly|monthly|weekly|daily|hourly|reboot))"
        r"|(@every (\d+(ns|us|µs|ms|s|m|h))+)|((((\d+,)+\d+|(\d+([/\-])\d+)|\d+|\*(/\d+)?) ?){5,7}))$"
    ),
]
Metadata = Annotated[dict[str, str], metadata_checker(key_bytes=128, value_bytes=10240, pairs=256, total_bytes=10240)]
RunStatus = Literal["success", "failure", "seen"]


class RawTable(StrictModel):
    """A table of the staging area."""

    db_name: Annotated[str, text(255, minimum=1)]
    table_name: Annotated[str, text(255, minimum=1)]


class Contact(StrictModel):
    """A contact of a pipeline."""

    name: str | None = None
    email: Annotated[str | None, Field(min_length=1, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")] = None
    role: str | None = None
    send_notification: bool | None = None


class NotificationConfig(StrictModel):
    """When a pipeline without runs is notified."""

    allowed_not_seen_range_in_minutes: Annotated[int | None, Field(ge=0)] = None


class PipelineWrite(StrictModel):
    """A pipeline to create."""

    external_id: ExternalId
    name: Name
    data_set_id: InternalId
    description: Annotated[str, text(500)] | None = None
    raw_tables: list[RawTable] | None = None
    schedule: Schedule | None = None
    contacts: list[Contact] | None = None
    metadata: Metadata | None = None
    source: Annotated[str, text(255)] | None = None
    documentation: Annotated[str, text(10000)] | None = None
    notification_config: NotificationConfig | None = None
    created_by: Annotated[str, text(255)] | None = None


class PipelineFilter(StrictModel):
    """Filter of listed pipelines."""

    external_id_prefix: Annotated[str, text(255, minimum=1)] | None = None
    name: Name | None = None
    description: Annotated[str, text(500)] | None = None
    data_set_ids: Annotated[list[ClassicId] | None, Field(min_length=1, max_length=100)] = None
    schedule: Schedule | None = None
    contacts: list[Contact] | None = None
    raw_tables: list[RawTable] | None = None
    metadata: dict[str, str] | None = None
    source: Annotated[str, text(255, minimum=1)] | None = None
    documentation: Annotated[str, text(10000, minimum=1)] | None = None
    created_by: Annotated[str, text(255, minimum=1)] | None = None
    created_time: TimeRange | None = None
    last_updated_time: TimeRange | None = None


class PipelineList(PageRequest):
    """A page of pipelines."""

    filter: PipelineFilter | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str | None = None


class PipelineUpdate(StrictModel):
    """Patches to one pipeline."""

    external_id: SetPatch[ExternalId] | None = None
    name: SetPatch[Name] | None = None
    description: Patch[str] | None = None
    data_set_id: SetPatch[InternalId] | None = None
    schedule: Patch[Schedule] | None = None
    raw_tables: ArrayPatch[RawTable] | None = None
    contacts: ArrayPatch[Contact] | None = None
    metadata: ObjectPatch | None = None
    source: Patch[str] | None = None
    documentation: Patch[str] | None = None
    notification_config: Patch[NotificationConfig] | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_empties(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: _EMPTIED.get(name, each) if each == {"set": None} else each for name, each in given.items()}


_EMPTIED = {
    **{name: {"setNull": True} for name in ("description", "schedule", "source", "documentation")},
    "rawTables": {"set": []},
    "metadata": {"set": {}},
}
"""What `{"set": null}` means for the fields of which it is the published way to take their value away."""


class PipelineChange(ClassicId):
    """One pipeline and its patches."""

    update: PipelineUpdate = PipelineUpdate()


class RunWrite(StrictModel):
    """A run to report."""

    external_id: ExternalId
    status: RunStatus
    message: Annotated[str, text(1000)] | None = None
    created_time: EpochMs | None = None


class RunWrites(StrictModel):
    """The one run to report."""

    items: Annotated[list[RunWrite], Field(min_length=1, max_length=1)]


class RunFilter(StrictModel):
    """Filter of listed runs."""

    class Message(StrictModel):
        """Part of the message, case ignored."""

        substring: str | None = None

    external_id: ExternalId
    statuses: list[RunStatus] | None = None
    created_time: TimeRange | None = None
    message: Message | None = None


class RunList(PageRequest):
    """A page of runs."""

    filter: RunFilter
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str | None = None
