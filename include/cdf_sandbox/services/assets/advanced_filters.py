"""`advancedFilter` of assets: its form with CDF's limits, and the SQL that it means.

A property without a value matches no leaf, so that `not` of a leaf matches it. `["metadata"]` stands for the values of
all keys: one that matches is enough.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from cdf_sandbox.core.errors import BadRequest
from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import text

MAX_DEPTH = 10
MAX_CLAUSES = 100
MAX_SEARCHES = 2

Property = Annotated[list[Annotated[str, text(128, minimum=1)]], Field(min_length=1, max_length=2)]
Primitive = str | Annotated[int, Field(ge=-(2**63), lt=2**63)] | float
"""A whole number that SQLite does not hold is compared as the nearest float."""
Values = Annotated[list[Primitive], Field(min_length=1, max_length=100)]

Kind = Literal["text", "number", "array"]
KINDS: dict[str, Kind] = {
    "id": "number", "createdTime": "number", "lastUpdatedTime": "number", "dataSetId": "number", "parentId": "number",
    "rootId": "number", "name": "text", "description": "text", "externalId": "text", "source": "text",
    "metadata": "text", "labels": "array",
}  # fmt: skip
_COLUMNS = {
    "id": "id", "createdTime": "created_time", "lastUpdatedTime": "last_updated_time", "dataSetId": "data_set_id",
    "parentId": "parent_id", "rootId": "root_id", "name": "name", "externalId": "external_id",
}  # fmt: skip
_LONGEST = {"name": 255, "description": 255, "externalId": 255, "labels": 255, "source": 128}


@dataclass(frozen=True)
class Condition:
    """An SQL condition on a row of assets, true or false, with its values."""

    sql: str
    values: tuple[Any, ...] = ()


class Leaf(StrictModel):
    """What every leaf names: one property, or a key of the metadata."""

    property: Property

    @model_validator(mode="after")
    def _known(self) -> Self:
        kind_of(self.property)
        return self

    def _require(self, what: str, *kinds: Kind) -> None:
        if kind_of(self.property) not in kinds:
            raise BadRequest(f"The filter {what} cannot be used with the property {self.property}")

    def _check(self, values: Sequence[Primitive]) -> None:
        number = kind_of(self.property) == "number"
        longest = _LONGEST.get(self.property[0])
        for value in values:
            if isinstance(value, str) == number:
                wanted = "a number" if number else "a text"
                raise BadRequest(f"The property {self.property} is compared with {wanted}, not with {value!r}")
            if longest is not None and isinstance(value, str) and len(value) > longest:
                raise BadRequest(f"A value for the property {self.property} has at most {longest} characters")

    def _is(self, condition: str, *values: Any) -> Condition:
        """`condition` about `{}`, the value of the property, or about that of any key of the metadata."""
        if self.property == ["metadata"]:
            inner = condition.format("value")
            return Condition(f"EXISTS (SELECT 1 FROM json_each(doc, '$.metadata') WHERE {inner})", values)  # noqa: S608 - the conditions are constants of this file; values are bound
        column, of_key = column_of(self.property)
        return Condition(f"coalesce({condition.format(column)}, 0)", tuple(each for each in (*of_key, *values)))


def kind_of(names: Sequence[str]) -> Kind:
    """Return what values a property has; ValueError for one that assets do not have."""
    if names[0] not in KINDS or (len(names) == 2 and names[0] != "metadata"):
        raise ValueError(f"unknown property {list(names)}")
    return KINDS[names[0]]


def column_of(names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the SQL expression of a single property and its values; `["metadata"]` alone is none."""
    if len(names) == 2:
        return "(SELECT value FROM json_each(doc, '$.metadata') WHERE key = ?)", (names[1],)
    return _COLUMNS.get(names[0], f"json_extract(doc, '$.{names[0]}')"), ()


class Equals(Leaf):
    """The property has the value."""

    value: Primitive

    def condition(self) -> Condition:
        """The SQL of this leaf."""
        self._require("equals", "text", "number")
        self._check([self.value])
        return self._is("{} = ?", self.value)


class In(Leaf):
    """The property has one of the values."""

    values: Values

    def condition(self) -> Condition:
        """The SQL of this leaf."""
        self._require("in", "text", "number")
        self._check(self.values)
        return self._is(f"{{}} IN ({_marks(self.values)})", *self.values)


class Range(Leaf):
    """The property lies within bounds, one of them at least."""

    gt: Primitive | None = None
    gte: Primitive | None = None
    lt: Primitive | None = None
    lte: Primitive | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        given = self.model_fields_set - {"property"}
        if not given or {"gt", "gte"} <= given or {"lt", "lte"} <= given:
            raise ValueError("give one of gt and gte, one of lt and lte, or both")
        return self

    def condition(self) -> Condition:
        """The SQL of this leaf."""
        self._require("range", "text", "number")
        signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
        bounds = {sign: value for name, sign in signs.items() if (value := getattr(self, name)) is not None}
        self._check(list(bounds.values()))
        if len(bounds) == 2 and self.property != ["metadata"]:
            first, second = (self._is(f"{{}} {sign} ?", value) for sign, value in bounds.items())
            return Condition(f"({first.sql} AND {second.sql})", (*first.values, *second.values))
        return self._is(" AND ".join(f"{{0}} {sign} ?" for sign in bounds), *bounds.values())


class Prefix(Leaf):
    """The property starts with the value, case and all."""

    value: Annotated[str, text(255)]

    def condition(self) -> Condition:
        """The SQL of this leaf."""
        self._require("prefix", "text")
        self._check([self.value])
        return self._is(f"substr({{}}, 1, {len(self.value)}) = ?", self.value)


class Exists(Leaf):
    """The property has a value."""

    def condition(self) -> Condition:
        """The SQL of this leaf; a list without values is no value."""
        if kind_of(self.property) == "array":
            return Condition(f"EXISTS ({_LABELS} IS NOT NULL)")
        return self._is("{} IS NOT NULL")


class ContainsAny(Leaf):
    """The list has one of the values at least."""

    values: Values

    def condition(self) -> Condition:
        """The SQL of this leaf."""
        self._require("containsAny", "array")
        self._check(self.values)
        return Condition(f"EXISTS ({_LABELS} IN ({_marks(self.values)}))", tuple(self.values))


class ContainsAll(Leaf):
    """The list has every one of the values."""

    values: Values

    def condition(self) -> Condition:
        """The SQL of this leaf."""
        self._require("containsAll", "array")
        self._check(self.values)
        return Condition(f"({' AND '.join([f'EXISTS ({_LABELS} = ?)'] * len(self.values))})", tuple(self.values))


class Search(Leaf):
    """A word of the value is part of the text, as in `/assets/search`."""

    value: Annotated[str, text(128, minimum=1)]

    def condition(self) -> Condition:
        """The SQL of this leaf."""
        if self.property not in (["name"], ["description"]):
            raise BadRequest(f"The filter search cannot be used with the property {self.property}")
        words = self.value.lower().split()
        if not words:
            raise BadRequest("The filter search needs a value that is not blank")
        column, _ = column_of(self.property)
        found = " OR ".join(f"coalesce(instr(lower({column}), ?) > 0, 0)" for _ in words)
        return Condition(f"({found})", tuple(words))


class AdvancedFilter(StrictModel):
    """A leaf, or a combination of filters; exactly one of the fields."""

    all_of: Annotated["list[AdvancedFilter] | None", Field(alias="and", min_length=1)] = None
    any_of: Annotated["list[AdvancedFilter] | None", Field(alias="or", min_length=1)] = None
    none_of: Annotated["AdvancedFilter | None", Field(alias="not")] = None
    equals: Equals | None = None
    one_of: Annotated[In | None, Field(alias="in")] = None
    range: Range | None = None
    prefix: Prefix | None = None
    exists: Exists | None = None
    contains_any: ContainsAny | None = None
    contains_all: ContainsAll | None = None
    search: Search | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a filter has exactly one of and, or, not and the leaf filters")
        return self

    def parts(self) -> list["AdvancedFilter"]:
        """Return the filters that this one combines; none for a leaf."""
        return [*(self.all_of or ()), *(self.any_of or ()), *([self.none_of] if self.none_of is not None else ())]

    def leaves(self) -> Iterator["AdvancedFilter"]:
        """All leaves below, this one if it is one."""
        parts = self.parts()
        if not parts:
            yield self
        for part in parts:
            yield from part.leaves()

    def condition(self) -> Condition:
        """The SQL of the whole filter."""
        parts = [part.condition() for part in self.parts()]
        values = tuple(value for part in parts for value in part.values)
        if self.none_of is not None:
            return Condition(f"NOT {parts[0].sql}", values)
        if parts:
            return Condition(f"({(' AND ' if self.all_of else ' OR ').join(part.sql for part in parts)})", values)
        (leaf,) = (getattr(self, name) for name in self.model_fields_set)
        found: Condition = leaf.condition()
        return found

    def score(self) -> Condition:
        """How many leaves a row matches, as a number."""
        leaves = [leaf.condition() for leaf in self.leaves()]
        return Condition(
            f"({' + '.join(leaf.sql for leaf in leaves)})", tuple(value for leaf in leaves for value in leaf.values)
        )

    @property
    def searches(self) -> bool:
        """Whether a leaf searches for words."""
        return any(leaf.search is not None for leaf in self.leaves())


_LABELS = "SELECT 1 FROM json_each(doc, '$.labels') WHERE json_extract(value, '$.externalId')"


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" for _ in values)


def _check_size(given: AdvancedFilter) -> AdvancedFilter:
    """Refuse a filter that is deeper or larger than CDF takes."""
    level, depth, clauses = [given], 0, 0
    while level:
        depth, clauses = depth + 1, clauses + len(level)
        level = [part for each in level for part in each.parts()]
    if depth > MAX_DEPTH:
        raise ValueError(f"the filter is {depth} levels deep, at most {MAX_DEPTH} are allowed")
    if clauses > MAX_CLAUSES:
        raise ValueError(f"the filter has {clauses} clauses, at most {MAX_CLAUSES} are allowed")
    if sum(leaf.search is not None for leaf in given.leaves()) > MAX_SEARCHES:
        raise ValueError(f"the filter has more than {MAX_SEARCHES} search filters")
    return given


Advanced = Annotated[AdvancedFilter, AfterValidator(_check_size)]
