"""The body of a query: its result sets, and what is selected of them (schemas of the published API specification)."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.services.data_modeling.ids import (
    SourceRef,
    ViewRef,
)
from cdf_sandbox.services.data_modeling.models import Debug, FilterBody, Sorts


class Through(StrictModel):
    """The relation along which nodes are found; `view` is the older way to say `source`."""

    identifier: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    source: SourceRef | None = None
    view: ViewRef | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Through":
        if (self.source is None) == (self.view is None):
            raise ValueError("through needs a source")
        return self


class NodeSet(StrictModel):
    """Which nodes a result set holds."""

    from_: Annotated[str | None, Field(alias="from")] = None
    chain_to: Literal["source", "destination"] = "destination"
    through: Through | None = None
    direction: Literal["outwards", "inwards"] = "inwards"
    filter: FilterBody | None = None


class SyncEdgeSet(StrictModel):
    """Which edges a result set of changes holds."""

    from_: Annotated[str | None, Field(alias="from")] = None
    chain_to: Literal["source", "destination"] = "destination"
    max_distance: Annotated[int, Field(ge=1)] | None = None
    direction: Literal["outwards", "inwards"] = "outwards"
    filter: FilterBody | None = None
    node_filter: FilterBody | None = None
    termination_filter: FilterBody | None = None


class EdgeSet(SyncEdgeSet):
    """Which edges a result set holds."""

    limit_each: Annotated[int, Field(ge=1, le=2000)] | None = None

    @model_validator(mode="after")
    def _each_source(self) -> "EdgeSet":
        if self.limit_each is not None and (self.max_distance != 1 or self.from_ is None):
            raise ValueError("limitEach needs maxDistance 1 and from")
        return self


QueryLimit = Annotated[int, Field(ge=1, le=10_000)]


class NodeExpression(StrictModel):
    """A result set of nodes."""

    nodes: NodeSet
    sort: Sorts = Field(default_factory=list)
    limit: QueryLimit = 100


class EdgeExpression(StrictModel):
    """A result set of edges."""

    edges: EdgeSet
    sort: Sorts = Field(default_factory=list)
    post_sort: Sorts = Field(default_factory=list)
    limit: QueryLimit = 100


MAX_SETS = 50
_Sets = Annotated[list[str], Field(min_length=1, max_length=MAX_SETS)]


class UnionAll(StrictModel):
    """One set after the other."""

    union_all: _Sets
    except_: Annotated[list[str], Field(alias="except", max_length=MAX_SETS)] = Field(default_factory=list)
    limit: QueryLimit = 100


class Union(StrictModel):
    """Several sets as one, without repetition."""

    union: _Sets
    except_: Annotated[list[str], Field(alias="except", max_length=MAX_SETS)] = Field(default_factory=list)
    limit: QueryLimit = 100


class Intersection(StrictModel):
    """The intersection of several sets."""

    intersection: _Sets
    except_: Annotated[list[str], Field(alias="except", max_length=MAX_SETS)] = Field(default_factory=list)
    limit: QueryLimit = 100


SetOperation = UnionAll | Union | Intersection


class SelectedSource(StrictModel):
    """A view and those of its properties that are wanted; `*` for all."""

    source: ViewRef
    properties: list[str]


class Select(StrictModel):
    """Properties to return of a result set."""

    sources: Annotated[list[SelectedSource], Field(max_length=10)] = Field(default_factory=list)
    sort: Sorts = Field(default_factory=list)
    limit: QueryLimit | None = None


Parameters = dict[str, Any]
Cursors = Annotated[dict[str, str | None], Field(max_length=50)]


class QueryRequest(StrictModel):
    """Result sets that build on each other."""

    with_: Annotated[
        dict[str, NodeExpression | EdgeExpression | SetOperation],
        Field(alias="with", min_length=1, max_length=MAX_SETS),
    ]
    select: Annotated[dict[str, Select], Field(min_length=1, max_length=MAX_SETS)]
    cursors: Cursors | None = None
    parameters: Parameters | None = None
    include_typing: bool = False
    debug: Debug | None = None
