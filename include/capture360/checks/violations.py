"""Violations of rules as columns, rendered to findings lazily, so that a million of them stay cheap."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import Rule

if TYPE_CHECKING:
    import pandas as pd

MOST_FINDINGS = 10_000
"""Findings rendered from one group; counts are not limited."""

Progress = Callable[[int, int, str], None]
"""Callback that receives the number done, the total, and a description."""


class Place(NamedTuple):
    """Place of a row; `row` is None if no table names it."""

    path: str
    row: int | None
    station: str | None


@dataclass(frozen=True)
class Frame:
    """A text table and its file."""

    frame: pd.DataFrame
    file: str

    def places(self, positions: NDArray[np.int64]) -> Iterator[Place]:
        """Yield file, row number and station of rows. A row that no table names has its own file as the place."""
        numbers = self.frame["row"].to_numpy()[positions].tolist()
        stations = self.cells("station_id", positions)
        files = repeat(self.file) if all(numbers) else self.cells("file", positions)
        for number, station, file in zip(numbers, stations, files, strict=False):
            yield Place(self.file if number else str(file), number or None, str(station) or None)

    def cells(self, column: str, positions: NDArray[np.int64]) -> list[Any]:
        """Return the values of a column in some rows, together: pandas takes long for each access."""
        return list(self.frame[column].iloc[positions])


@dataclass(frozen=True)
class RuleResult:
    """Result of one expectation. `rows` are positions in the frame, `details` come from the rule's function."""

    rule: str
    kwargs: Mapping[str, Any]
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    details: Mapping[str, Any] = field(default_factory=dict)


Results = Mapping[str, Sequence[RuleResult]]
"""Results of failed expectations by rule id; empty for any other rule."""


@dataclass(frozen=True)
class RowViolations:
    """Rows of one table that violate a rule in the same way. `words` returns the message's fields for a position."""

    broken: Rule
    table: Frame
    positions: NDArray[np.int64]
    message: str = ""
    column: str | None = None
    value: Callable[[int], object] | None = None
    words: Callable[[int], Mapping[str, Any]] = field(default=lambda _: {})
    cause: str = ""
    """Likely cause, added to the message if most rows are affected."""

    @property
    def rule(self) -> str:
        """Id of the rule."""
        return self.broken.id

    @property
    def disposition(self) -> Disposition:
        """What follows for a site that is not strict."""
        return self.broken.messages[self.message].disposition or self.broken.disposition

    def __len__(self) -> int:
        return len(self.positions)

    def stations(self) -> Any:
        """Distinct ids of the stations concerned."""
        return self.table.frame["station_id"].iloc[self.positions].unique()

    def without(self, stations: Collection[str]) -> RowViolations:
        """Return the rows of all other stations."""
        others = ~self.table.frame["station_id"].iloc[self.positions].isin(list(stations))
        return replace(self, positions=self.positions[others.to_numpy()])

    def findings(self, most: int = MOST_FINDINGS) -> Iterator[Finding]:
        """Findings of the first rows."""
        rows = self.positions[:most]
        for position, at, value in zip(rows.tolist(), self.table.places(rows), self._values(rows), strict=True):
            yield self.broken.finding(
                at.path,
                value,
                message=self.message,
                station=at.station,
                row=at.row,
                column=self.column,
                **self.words(position),
            )

    def _values(self, rows: NDArray[np.int64]) -> Iterable[object]:
        if self.value is not None:
            return map(self.value, rows.tolist())
        if self.column is None or self.column not in self.table.frame.columns:
            return [""] * len(rows)
        return self.table.cells(self.column, rows)


@dataclass(frozen=True)
class FindingGroup:
    """Findings of one rule and disposition about files or the whole capture."""

    items: Sequence[Finding]
    cause: str = ""

    @property
    def rule(self) -> str:
        """Id of the rule."""
        return self.items[0].rule

    @property
    def disposition(self) -> Disposition:
        """What follows for a site that is not strict."""
        return self.items[0].disposition

    def __len__(self) -> int:
        return len(self.items)

    def stations(self) -> Any:
        """Distinct ids of the stations concerned."""
        return np.array(sorted({finding.station for finding in self.items if finding.station}), dtype=object)

    def without(self, stations: Collection[str]) -> FindingGroup:
        """Return the findings about all else."""
        return replace(self, items=[finding for finding in self.items if finding.station not in stations])

    def findings(self, most: int = MOST_FINDINGS) -> Iterator[Finding]:
        """The first findings."""
        yield from self.items[:most]


Group = RowViolations | FindingGroup


def where(mask: Any) -> NDArray[np.int64]:
    """Return the positions at which a mask is true."""
    return np.flatnonzero(np.asarray(mask, dtype=bool))


def repeated(rule: Rule, table: Frame, rows: NDArray[np.int64], column: str) -> Iterator[RowViolations]:
    """Return rows whose value occurs more than once, empty cells excepted."""
    values = table.frame[column].iloc[rows]
    rows = rows[(values != "").to_numpy()]
    if len(rows):
        times = table.frame[column].iloc[rows].value_counts()
        yield RowViolations(
            rule, table, rows, column=column, words=lambda at: {"times": int(times[str(table.frame[column].iat[at])])}
        )
