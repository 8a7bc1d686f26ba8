"""Bodies of the Assets API."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from typing_extensions import override

from cdf_sandbox.core.geo import GeoLocation, GeoLocationFilter
from cdf_sandbox.core.http import Identifiers, StrictModel
from cdf_sandbox.core.identifiers import ClassicId, ExternalId, InternalId, each_once, metadata_checker, text
from cdf_sandbox.core.paging import PageRequest
from cdf_sandbox.core.patches import ObjectPatch, Patch, SetPatch
from cdf_sandbox.core.query import JsonIntegers, JsonTexts, ListQuery, by_ids
from cdf_sandbox.core.sql import Label, LabelFilter, LabelsPatch, TimeRange
from cdf_sandbox.services.assets.advanced_filters import Advanced
from cdf_sandbox.services.assets.sorting import Sorts

Name = Annotated[str, text(140, minimum=1)]
Description = Annotated[str, text(500)]
Source = Annotated[str, text(128)]
Metadata = Annotated[dict[str, str], metadata_checker(key_bytes=128, value_bytes=10240, pairs=256, total_bytes=10240)]
AggregatedProperty = Literal["childCount", "path", "depth"]


class AssetWrite(StrictModel):
    """An asset to create; its parent may be among the same request's."""

    external_id: ExternalId | None = None
    name: Name
    parent_id: InternalId | None = None
    parent_external_id: ExternalId | None = None
    description: Description | None = None
    data_set_id: InternalId | None = None
    metadata: Metadata | None = None
    source: Source | None = None
    labels: Annotated[list[Label] | None, Field(max_length=10), each_once] = None
    geo_location: GeoLocation | None = None

    @model_validator(mode="after")
    def _one_parent(self) -> Self:
        if self.parent_id is not None and self.parent_external_id is not None:
            raise ValueError("give at most one of parentId, parentExternalId")
        return self


Ids = Annotated[list[ClassicId], Field(min_length=1, max_length=100)]


class AssetFilter(StrictModel):
    """Filter of listed assets; all fields must match."""

    name: Name | None = None
    parent_ids: Annotated[list[InternalId] | None, Field(min_length=1, max_length=100)] = None
    parent_external_ids: Annotated[list[ExternalId] | None, Field(min_length=1, max_length=100)] = None
    root_ids: Ids | None = None
    asset_subtree_ids: Ids | None = None
    data_set_ids: Annotated[list[ClassicId] | None, Field(max_length=1000)] = None
    metadata: Metadata | None = None
    source: Source | None = None
    created_time: TimeRange | None = None
    last_updated_time: TimeRange | None = None
    root: bool | None = None
    external_id_prefix: Annotated[str, text(255)] | None = None
    labels: LabelFilter | None = None
    geo_location: GeoLocationFilter | None = None


class AssetList(PageRequest):
    """A page of assets."""

    filter: AssetFilter | None = None
    advanced_filter: Advanced | None = None
    sort: Sorts | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str | None = None
    partition: str | None = None
    aggregated_properties: list[AggregatedProperty] | None = None


class AssetSearch(StrictModel):
    """Assets by words."""

    class Search(StrictModel):
        """Words to search for in the name, in the description, or in both."""

        name: Name | None = None
        description: Description | None = None
        query: Annotated[str, text(140, minimum=1)] | None = None

    filter: AssetFilter | None = None
    search: Search | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class AssetQuery(ListQuery):
    """The query string of a list of assets."""

    include_metadata: bool = True
    parent_ids: JsonIntegers = None
    parent_external_ids: JsonTexts = None
    root_ids: JsonIntegers = None
    root: bool = False

    @override
    def _filter(self) -> dict[str, Any]:
        return super()._filter() | {
            "parentIds": self.parent_ids,
            "parentExternalIds": self.parent_external_ids,
            "rootIds": by_ids(self.root_ids),
            "root": self.root or None,
        }


class AssetIds(Identifiers[ClassicId]):
    """Assets to retrieve."""

    aggregated_properties: list[AggregatedProperty] | None = None


class AssetDelete(Identifiers[ClassicId]):
    """Assets to delete; with `recursive` all that lies below them too."""

    recursive: bool = False


class AssetUpdate(StrictModel):
    """Patches to one asset."""

    external_id: Patch[ExternalId] | None = None
    name: SetPatch[Name] | None = None
    description: Patch[Description] | None = None
    data_set_id: Patch[InternalId] | None = None
    metadata: ObjectPatch | None = None
    source: Patch[Source] | None = None
    labels: LabelsPatch | None = None
    geo_location: Patch[GeoLocation] | None = None
    parent_id: SetPatch[InternalId] | None = None
    parent_external_id: SetPatch[ExternalId] | None = None

    @model_validator(mode="after")
    def _one_parent(self) -> Self:
        if self.parent_id is not None and self.parent_external_id is not None:
            raise ValueError("give at most one of parentId, parentExternalId")
        return self


class AssetChange(ClassicId):
    """One asset and its patches."""

    update: AssetUpdate
