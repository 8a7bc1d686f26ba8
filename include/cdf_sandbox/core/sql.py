"""SQL conditions for the filters of the classic APIs."""
# ruff: noqa: S608 - SQL is assembled from names that are constants of the code; values are bound

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from cdf_sandbox.core.geo import GeoLocationFilter
from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import ClassicId, EpochMs, each_once
from cdf_sandbox.core.patches import ArrayPatch


class TimeRange(StrictModel):
    """An inclusive range of epoch milliseconds."""

    min: EpochMs | None = None
    max: EpochMs | None = None


class Label(StrictModel):
    """A label, by its external id."""

    external_id: str = Field(min_length=1, max_length=255)


class LabelFilter(StrictModel):
    """Labels that a resource must have."""

    contains_any: list[Label] | None = Field(default=None, min_length=1, max_length=10)
    contains_all: list[Label] | None = Field(default=None, min_length=1, max_length=10)

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give containsAny or containsAll")
        return self


class LabelsPatch(ArrayPatch[Label]):
    """Labels to set, or to add and to remove, at most ten at a time; a resource may come to have more."""

    set: Annotated[list[Label] | None, Field(max_length=10), each_once] = None
    add: Annotated[list[Label] | None, Field(max_length=10), each_once] = None
    remove: Annotated[list[Label] | None, Field(max_length=10), each_once] = None


class Where:
    """Clauses joined by AND, and their values. Column expressions come from the code, values from requests."""

    def __init__(self) -> None:
        self._clauses: list[str] = []
        self.values: list[Any] = []

    def add(self, clause: str, *values: Any) -> None:
        """One more clause with its values."""
        self._clauses.append(clause)
        self.values.extend(values)

    def equal(self, column: str, value: Any) -> None:
        """`column` has `value`, unless that is `None`."""
        if value is not None:
            self.add(f"{column} = ?", value)

    def prefix(self, column: str, prefix: str | None) -> None:
        """`column` starts with `prefix`, case and all."""
        if prefix is not None:
            self.add(f"substr({column}, 1, {len(prefix)}) = ?", prefix)

    def between(self, column: str, times: TimeRange | None) -> None:
        """`column` lies within `times`."""
        if times is not None and times.min is not None:
            self.add(f"{column} >= ?", times.min)
        if times is not None and times.max is not None:
            self.add(f"{column} <= ?", times.max)

    def metadata(self, pairs: dict[str, str] | None) -> None:
        """The document's metadata has every one of `pairs`."""
        for key, value in (pairs or {}).items():
            self.add("EXISTS (SELECT 1 FROM json_each(doc, '$.metadata') WHERE key = ? AND value = ?)", key, value)

    def labels(self, labels: LabelFilter | None) -> None:
        """The document's labels satisfy `labels`."""
        if labels is None:
            return
        has = (
            "EXISTS (SELECT 1 FROM json_each(doc, '$.labels') WHERE json_extract(value, '$.externalId')"
            " IN (SELECT value FROM json_each(?)))"
        )
        if labels.contains_any is not None:
            self.add(has, json.dumps([label.external_id for label in labels.contains_any]))
        for label in labels.contains_all or ():
            self.add(has, json.dumps([label.external_id]))

    def has_entry(self, name: str, wanted: Mapping[str, Any]) -> None:
        """One entry of a list of objects has every field of `wanted`."""
        entry = f"SELECT value FROM json_each(doc, '$.{name}')"
        fields = " AND ".join("json_extract(value, ?) = ?" for _ in wanted) or "1"
        self.add(f"EXISTS ({entry} WHERE {fields})", *(part for key in wanted for part in (f"$.{key}", wanted[key])))

    def geo_location(self, wanted: GeoLocationFilter | None) -> None:
        """The document's geometry has the relation to a shape."""
        if wanted is not None:
            clause = "geo_related(?, ?, json_extract(doc, '$.geoLocation.geometry'))"
            self.add(clause, wanted.relation, wanted.shape.model_dump_json())

    def data_sets(self, identifiers: list[ClassicId] | None) -> None:
        """The document belongs to one of the data sets."""
        if identifiers is not None:
            self.add(
                "data_set_id IN (SELECT id FROM data_sets WHERE id IN (SELECT value FROM json_each(?))"
                " OR external_id IN (SELECT value FROM json_each(?)))",
                *id_lists(identifiers),
            )

    def visible(self, allowed: frozenset[str] | None, column: str = "data_set_id") -> None:
        """The document is in a data set of `allowed`; `None` allows everything."""
        if allowed is not None:
            self.add(f"CAST({column} AS TEXT) IN (SELECT value FROM json_each(?))", json.dumps(sorted(allowed)))

    def within_categories(self, member: frozenset[str] | None, document: str = "doc") -> None:
        """The document has no security category but those of `member`; `None` allows everything."""
        if member is not None:
            foreign = "CAST(value AS TEXT) NOT IN (SELECT value FROM json_each(?))"
            categories = f"json_each({document}, '$.securityCategories')"
            self.add(f"NOT EXISTS (SELECT 1 FROM {categories} WHERE {foreign})", json.dumps(sorted(member)))

    def classic(self, condition: StrictModel | None) -> None:
        """Match the fields that the filters of the classic APIs share; a service adds those of its own."""
        for name in condition.model_fields_set if condition is not None else ():
            if name in _SHARED_FILTERS:
                add, column = _SHARED_FILTERS[name]
                add(self, *column, getattr(condition, name))

    def sql(self) -> str:
        """The condition; true without clauses."""
        return " AND ".join(f"({clause})" for clause in self._clauses) or "1"


def _document(name: str) -> tuple[str]:
    return (f"json_extract(doc, '$.{name}')",)


_SHARED_FILTERS: Mapping[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "name": (Where.equal, ("name",)),
    "source": (Where.equal, _document("source")),
    "description": (Where.equal, _document("description")),
    "schedule": (Where.equal, _document("schedule")),
    "documentation": (Where.equal, _document("documentation")),
    "mime_type": (Where.equal, _document("mimeType")),
    "created_by": (Where.equal, _document("createdBy")),
    "external_id_prefix": (Where.prefix, ("external_id",)),
    "directory_prefix": (Where.prefix, _document("directory")),
    "created_time": (Where.between, ("created_time",)),
    "last_updated_time": (Where.between, ("last_updated_time",)),
    "source_created_time": (Where.between, _document("sourceCreatedTime")),
    "source_modified_time": (Where.between, _document("sourceModifiedTime")),
    "metadata": (Where.metadata, ()),
    "labels": (Where.labels, ()),
    "geo_location": (Where.geo_location, ()),
    "data_set_ids": (Where.data_sets, ()),
}
"""Fields of filters that several classic APIs share: what matches them, and on which column."""


def id_lists(identifiers: list[ClassicId]) -> tuple[str, str]:
    """Internal and external ids as two JSON arrays."""
    internal = [i.id for i in identifiers if i.id is not None]
    external = [i.external_id for i in identifiers if i.external_id is not None]
    return json.dumps(internal), json.dumps(external)
