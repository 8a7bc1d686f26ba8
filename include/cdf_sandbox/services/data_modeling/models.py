"""The bodies of the instance endpoints (schemas of the published API specification)."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.services.data_modeling.ids import (
    InstanceExternalId,
    InstanceId,
    InstanceKind,
    InstanceRef,
    NodeRef,
    SourceRef,
    Space,
    ViewRef,
)

FilterBody = dict[str, Any]
PropertyPath = Annotated[list[str], Field(min_length=1)]


class SourceData(StrictModel):
    """Properties to write through a view or a container."""

    source: SourceRef
    properties: dict[str, Any] | None = None


class _InstanceWrite(StrictModel):
    space: Space
    external_id: InstanceExternalId
    existing_version: Annotated[int, Field(ge=0)] | None = None
    sources: Annotated[list[SourceData], Field(min_length=1, max_length=100)] | None = None

    @property
    def id(self) -> InstanceId:
        """The instance that is written."""
        return InstanceId(self.space, self.external_id)


class NodeWrite(_InstanceWrite):
    """A node to create or change."""

    instance_type: Literal["node"]
    type: NodeRef | None = None


class EdgeWrite(_InstanceWrite):
    """An edge to create or change."""

    instance_type: Literal["edge"]
    type: NodeRef
    start_node: NodeRef
    end_node: NodeRef


InstanceWrite = Annotated[NodeWrite | EdgeWrite, Field(discriminator="instance_type")]
MAX_ITEMS = 1000


class InstanceDelete(InstanceRef):
    """An instance to delete, unless its version is greater than `existingVersion`."""

    existing_version: Annotated[int | None, Field(ge=0)] = None


def _named_once(items: list[InstanceRef]) -> list[InstanceRef]:
    _refuse_twice(each.id for each in items)
    return items


def _refuse_twice(ids: Iterable[InstanceId]) -> None:
    """ValueError for an instance that is named twice; nodes and edges share their names."""
    ((most, times),) = Counter(ids).most_common(1) or ((None, 0),)
    if times > 1:
        raise ValueError(f"the instance '{most}' occurs more than once")


once = AfterValidator(_named_once)
"""Instances that differ from each other."""


class UpsertRequest(StrictModel):
    """Instances to write and to delete in one transaction."""

    items: Annotated[list[InstanceWrite], Field(max_length=MAX_ITEMS)]
    delete: Annotated[list[InstanceDelete], Field(max_length=MAX_ITEMS)] = Field(default_factory=list)
    auto_create_direct_relations: bool = True
    auto_create_start_nodes: bool = False
    auto_create_end_nodes: bool = False
    skip_on_version_conflict: bool = False
    replace: bool = False

    @model_validator(mode="after")
    def _within_limits(self) -> "UpsertRequest":
        if len(self.items) + len(self.delete) > MAX_ITEMS:
            raise ValueError(f"items and delete may hold {MAX_ITEMS} instances together")
        _refuse_twice(each.id for each in (*self.items, *self.delete))
        return self


class DeleteRequest(StrictModel):
    """Instances to delete."""

    items: Annotated[list[InstanceDelete], Field(min_length=1, max_length=MAX_ITEMS), once]


class Source(StrictModel):
    """A view whose properties are wanted, all of them."""

    source: ViewRef


Sources = Annotated[list[Source], Field(max_length=10)]


class ByIdsRequest(StrictModel):
    """Instances to read."""

    items: Annotated[list[InstanceRef], Field(min_length=1, max_length=MAX_ITEMS), once]
    sources: Sources = Field(default_factory=list)
    include_typing: bool = False


class SearchSort(StrictModel):
    """One key of the order of a search."""

    property: PropertyPath
    direction: Literal["ascending", "descending"] = "ascending"


class Sort(SearchSort):
    """One key of an order."""

    nulls_first: bool = False


Sorts = Annotated[list[Sort], Field(max_length=5)]


def _refuse_alpha(wanted: bool) -> bool:
    if wanted:
        raise ValueError("it is in alpha, and the sandbox does not have it")
    return wanted


_InAlpha = Annotated[bool, AfterValidator(_refuse_alpha)]
"""A flag of the alpha version: the SDK sends it with every `debug`, mostly as false."""


class Debug(StrictModel):
    """Request for notices about how a request was executed; `timeout` in milliseconds."""

    emit_results: bool = True
    timeout: Annotated[int, Field(ge=1)] | None = None
    profile: bool = False
    include_translated_query: _InAlpha = False
    include_plan: _InAlpha = False
    include_llm_prompt: _InAlpha = False


class ListRequest(StrictModel):
    """A page of instances."""

    instance_type: InstanceKind = "node"
    sources: Sources = Field(default_factory=list)
    filter: FilterBody | None = None
    sort: Sorts = Field(default_factory=list)
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    cursor: str | None = None
    include_typing: bool = False
    debug: Debug | None = None


class SearchRequest(StrictModel):
    """A search in the texts of a view."""

    view: ViewRef
    query: str | None = None
    instance_type: InstanceKind = "node"
    properties: Annotated[list[str], Field(max_length=200)] | None = None
    filter: FilterBody | None = None
    sort: Annotated[list[SearchSort], Field(max_length=5)] = Field(default_factory=list)
    operator: Literal["AND", "OR"] = "OR"
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    include_typing: bool = False


class OfProperty(StrictModel):
    """The property that an aggregate is taken of."""

    property: str


class MaybeOfProperty(StrictModel):
    """The property whose values are counted; all instances without one."""

    property: str | None = None


class Histogram(StrictModel):
    """The property and the width of a bucket."""

    property: str
    interval: Annotated[float, Field(gt=0)]


class Aggregate(StrictModel):
    """One aggregate: exactly one of the fields."""

    avg: OfProperty | None = None
    min: OfProperty | None = None
    max: OfProperty | None = None
    sum: OfProperty | None = None
    count: MaybeOfProperty | None = None
    histogram: Histogram | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Aggregate":
        if len(self.model_fields_set) != 1 or None in (getattr(self, name) for name in self.model_fields_set):
            raise ValueError("an aggregate has exactly one of avg, min, max, sum, count and histogram")
        return self


class AggregateRequest(StrictModel):
    """Aggregates over the instances of a view."""

    view: ViewRef
    instance_type: InstanceKind = "node"
    query: str | None = None
    properties: Annotated[list[str], Field(min_length=1, max_length=200)] | None = None
    filter: FilterBody | None = None
    operator: Literal["AND", "OR"] = "OR"
    group_by: Annotated[list[str], Field(min_length=1, max_length=5)] | None = None
    aggregates: Annotated[list[Aggregate], Field(max_length=5)] = Field(default_factory=list)
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    include_typing: bool = False
