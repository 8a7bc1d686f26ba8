"""Spaces, containers, views and data models as requests define them (schemas of the published API specification)."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.services.data_modeling.ids import (
    ContainerId,
    ContainerRef,
    DmsName,
    FreeSpace,
    NodeRef,
    SourceRef,
    Space,
    Version,
    ViewId,
    ViewRef,
)  # fmt: skip
from cdf_sandbox.services.data_modeling.property_types import MAX_LIST_OVERRIDE, PropertyType, ValueMismatch, parse_type

RESERVED_NAMES = frozenset({
    "Query", "Mutation", "Subscription", "String", "Int32", "Int64", "Int", "Float32", "Float64", "Float", "Timestamp",
    "JSONObject", "Date", "Numeric", "Boolean", "PageInfo", "File", "Sequence", "TimeSeries",
})  # fmt: skip
RESERVED_PROPERTIES = frozenset({
    "space", "externalId", "createdTime", "lastUpdatedTime", "deletedTime", "edge_id", "node_id", "project_id",
    "property_group", "seq", "tg_table_name", "extensions",
})  # fmt: skip


def _not_reserved(name: str) -> str:
    if name in RESERVED_NAMES:
        raise ValueError(f"{name!r} is reserved")
    return name


def _not_reserved_property(name: str) -> str:
    if name in RESERVED_PROPERTIES:
        raise ValueError(f"the property identifier {name!r} is reserved")
    return name


SchemaName = Annotated[DmsName, AfterValidator(_not_reserved)]
PropertyName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,253}[a-zA-Z0-9]?$", max_length=255),
    AfterValidator(_not_reserved_property),
]
ConstraintName = Annotated[str, StringConstraints(min_length=1, max_length=43)]
Title = Annotated[str, StringConstraints(max_length=255)]
Description = Annotated[str, StringConstraints(max_length=1024)]
_COLLATION = r"^(ucs_basic|en-US-u-va-posix|und|[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?)$"
"""The form that all names in the published list have; the list itself is of 784 names and not kept."""
MAX_UNIQUENESS, MAX_REQUIRES = 10, 25
ListSize = Annotated[int, Field(ge=1, le=MAX_LIST_OVERRIDE)]


class SpaceDefinition(StrictModel):
    """A space to create or change."""

    space: FreeSpace
    name: Title | None = None
    description: Description | None = None


class _Listable(StrictModel):
    list: bool = False
    max_list_size: ListSize | None = None

    @model_validator(mode="after")
    def _size_needs_list(self) -> "_Listable":
        if self.max_list_size is not None and not self.list:
            raise ValueError("maxListSize is only for lists")
        return self


class TextDefinition(_Listable):
    """The type text."""

    type: Literal["text"]
    max_text_size: Annotated[int, Field(ge=1, le=128_000)] | None = None
    collation: Annotated[str, StringConstraints(pattern=_COLLATION)] = "ucs_basic"


class Unit(StrictModel):
    """The unit in which numbers are stored; noted, not converted."""

    external_id: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    source_unit: str | None = None


class PrimitiveDefinition(_Listable):
    """The types that are numbers, booleans, times and JSON."""

    type: Literal["boolean", "float32", "float64", "int32", "int64", "timestamp", "date", "json"]
    unit: Unit | None = None

    @model_validator(mode="after")
    def _unit_needs_float(self) -> "PrimitiveDefinition":
        if self.unit is not None and self.type not in ("float32", "float64"):
            raise ValueError("a unit is only for float32 and float64")
        return self


class ReferenceDefinition(_Listable):
    """References to resources outside the data model, by external id."""

    type: Literal["timeseries", "file", "sequence"]


class DirectDefinition(_Listable):
    """The type of direct relations."""

    type: Literal["direct"]
    container: ContainerRef | None = None


class EnumValue(StrictModel):
    """One value of an enumeration."""

    name: Title | None = None
    description: Description | None = None


def _not_literal(name: str) -> str:
    if name in ("true", "false", "null"):
        raise ValueError(f"the value {name!r} is reserved")
    return name


EnumName = Annotated[
    str,
    StringConstraints(pattern=r"^[_A-Za-z][_0-9A-Za-z]{0,127}$", max_length=127),
    AfterValidator(_not_literal),
]


class EnumDefinition(StrictModel):
    """The type of enumerations."""

    type: Literal["enum"]
    list: Literal[False] = False
    unknown_value: str | None = None
    values: Annotated[dict[EnumName, EnumValue], Field(min_length=1, max_length=32)]

    @model_validator(mode="after")
    def _unknown_is_known(self) -> "EnumDefinition":
        if self.unknown_value is not None and self.unknown_value not in self.values:
            raise ValueError(f"unknownValue {self.unknown_value!r} is none of the values")
        return self


TypeDefinition = Annotated[
    TextDefinition | PrimitiveDefinition | ReferenceDefinition | DirectDefinition | EnumDefinition,
    Field(discriminator="type"),
]


class _ReadBack(StrictModel):
    """Read-only fields; requests may contain them, since the SDK sends back what it read."""

    constraint_state: Annotated[dict[str, Any] | None, Field(exclude=True)] = None


class PropertyDefinition(_ReadBack):
    """A property of a container."""

    type: TypeDefinition
    nullable: bool = True
    immutable: bool = False
    auto_increment: bool = False
    default_value: str | int | float | bool | dict[str, Any] | None = None
    name: Title | None = None
    description: Description | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "PropertyDefinition":
        if self.auto_increment:
            raise ValueError("autoIncrement is not supported by the sandbox; set the values yourself")
        if self.default_value is not None:
            type_ = self.property_type()
            if type_.is_list:
                raise ValueError("default values are not supported for lists")
            try:
                type_.check(self.default_value)
            except ValueMismatch as error:
                raise ValueError(f"defaultValue: {error}") from None
        return self

    def property_type(self) -> PropertyType:
        """The type in the form that checks values."""
        return parse_type(self.type.model_dump(by_alias=True, exclude_none=True))


class _WithState(StrictModel):
    """Read-only fields, as in `_ReadBack`."""

    state: Annotated[str | None, Field(exclude=True)] = None


class RequiresDefinition(_WithState):
    """Instances with data here must have data in another container too."""

    constraint_type: Literal["requires"] = "requires"
    require: ContainerRef


class UniquenessDefinition(_WithState):
    """No two instances may have the same values."""

    constraint_type: Literal["uniqueness"] = "uniqueness"
    properties: Annotated[list[str], Field(min_length=1, max_length=10)]
    by_space: bool = False


class IndexDefinition(_WithState):
    """An index; kept and answered, without effect on any answer."""

    index_type: Literal["btree", "inverted"] = "btree"
    properties: Annotated[list[str], Field(min_length=1, max_length=10)]
    cursorable: bool | None = None
    by_space: bool | None = None

    @model_validator(mode="after")
    def _only_for_btree(self) -> "IndexDefinition":
        if self.index_type == "inverted":
            for name, value in (("cursorable", self.cursorable), ("bySpace", self.by_space)):
                if value is not None:
                    raise ValueError(f"an inverted index has no {name!r}")
        return self

    @property
    def wire(self) -> dict[str, Any]:
        """The index as it is kept and answered."""
        defaults = {"cursorable": False, "bySpace": False} if self.index_type == "btree" else {}
        return defaults | self.model_dump(by_alias=True, exclude_none=True)


class ContainerDefinition(StrictModel):
    """A container to create or change."""

    space: Space
    external_id: SchemaName
    name: Title | None = None
    description: Description | None = None
    used_for: Literal["node", "edge", "all"] = "node"
    properties: Annotated[dict[PropertyName, PropertyDefinition], Field(min_length=1, max_length=100)]
    constraints: Annotated[dict[ConstraintName, RequiresDefinition | UniquenessDefinition], Field(default_factory=dict)]
    indexes: Annotated[dict[ConstraintName, IndexDefinition], Field(default_factory=dict, max_length=10)]

    @property
    def id(self) -> ContainerId:
        """The container that is defined."""
        return ContainerId(self.space, self.external_id)

    @model_validator(mode="after")
    def _not_too_many(self) -> "ContainerDefinition":
        kinds: Counter[str] = Counter(each.constraint_type for each in self.constraints.values())
        for kind, most in (("uniqueness", MAX_UNIQUENESS), ("requires", MAX_REQUIRES)):
            if kinds[kind] > most:
                raise ValueError(f"a container has at most {most} {kind} constraints")
        return self

    @model_validator(mode="after")
    def _members_exist(self) -> "ContainerDefinition":
        for kind, group in (("constraint", self.constraints), ("index", self.indexes)):
            for name, entry in group.items():
                unknown = [each for each in getattr(entry, "properties", ()) if each not in self.properties]
                if unknown:
                    raise ValueError(f"{kind} {name!r} names properties that do not exist: {', '.join(unknown)}")
        return self


class ViewPropertyDefinition(_ReadBack):
    """A view property that stands for a container property."""

    container: ContainerRef
    container_property_identifier: PropertyName
    name: Title | None = None
    description: Description | None = None
    source: ViewRef | None = None


class EdgeConnectionDefinition(StrictModel):
    """Edges that are expected to exist."""

    connection_type: Literal["single_edge_connection", "multi_edge_connection"] = "multi_edge_connection"
    type: NodeRef
    source: ViewRef
    edge_source: ViewRef | None = None
    direction: Literal["outwards", "inwards"] = "outwards"
    name: Title | None = None
    description: Description | None = None


class Through(StrictModel):
    """A relation property, of a view or a container."""

    source: SourceRef
    identifier: PropertyName


class ReverseConnectionDefinition(StrictModel):
    """Relations that are expected to point here."""

    connection_type: Literal["single_reverse_direct_relation", "multi_reverse_direct_relation"]
    source: ViewRef
    through: Through
    name: Title | None = None
    description: Description | None = None


class ViewDefinition(StrictModel):
    """A version of a view to create or change."""

    space: Space
    external_id: SchemaName
    version: Version
    name: Title | None = None
    description: Description | None = None
    filter: dict[str, Any] | None = None
    implements: Annotated[list[ViewRef], Field(default_factory=list, max_length=10)]
    properties: Annotated[
        dict[PropertyName, ViewPropertyDefinition | EdgeConnectionDefinition | ReverseConnectionDefinition],
        Field(default_factory=dict, max_length=100),
    ]

    @property
    def id(self) -> ViewId:
        """The view that is defined."""
        return ViewId(self.space, self.external_id, self.version)


class DataModelDefinition(StrictModel):
    """A version of a data model to create or change."""

    space: Space
    external_id: SchemaName
    version: Version
    name: Title | None = None
    description: Description | None = None
    views: Annotated[list[ViewRef | ViewDefinition], Field(default_factory=list, max_length=100)]
