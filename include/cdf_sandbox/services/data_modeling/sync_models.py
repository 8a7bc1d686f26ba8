"""The body of `sync` (schema `SyncRequest` of the published API specification)."""

from typing import Annotated, Literal

from pydantic import Field

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.services.data_modeling.models import Debug, Sorts
from cdf_sandbox.services.data_modeling.query_models import Cursors, NodeSet, Parameters, SelectedSource, SyncEdgeSet


class _SyncExpression(StrictModel):
    limit: Annotated[int, Field(ge=1, le=2000)] = 100
    skip_already_deleted: bool = True
    mode: Literal["onePhase", "twoPhase", "noBackfill"] = "onePhase"
    backfill_sort: Sorts = Field(default_factory=list)


class SyncNodeExpression(_SyncExpression):
    """Nodes whose changes are wanted."""

    nodes: NodeSet


class SyncEdgeExpression(_SyncExpression):
    """Edges whose changes are wanted."""

    edges: SyncEdgeSet


class SyncSelect(StrictModel):
    """Properties to return of changed instances."""

    sources: Annotated[list[SelectedSource], Field(max_length=10)] = Field(default_factory=list)


class SyncRequest(StrictModel):
    """Changes since a cursor."""

    with_: Annotated[
        dict[str, SyncNodeExpression | SyncEdgeExpression], Field(alias="with", min_length=1, max_length=50)
    ]
    select: Annotated[dict[str, SyncSelect], Field(min_length=1, max_length=50)]
    cursors: Cursors | None = None
    parameters: Parameters | None = None
    include_typing: bool = False
    debug: Debug | None = None
    allow_expired_cursors_and_accept_missed_deletes: bool = False
