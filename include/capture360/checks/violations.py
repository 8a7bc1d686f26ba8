"""What a stage found, kept as columns until somebody needs the sentences: a million bad rows cost no more than ten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture360.checks.rules import RULES
from capture360.rules.finding import Finding

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 10_000
"""Findings made of one kind of hit; the counts stay whole."""


class Place(NamedTuple):
    """Where a row is found; `row` is None if no table names it."""

    path: str
    row: int | None
    station: str | None


@dataclass(frozen=True)
class Frame:
    """A text table and the file it came from."""

    frame: pd.DataFrame
    file: str

    def place(self, position: int) -> Place:
        """How people find a row: file, row number and station. A row that no table names is found by its own file."""
        record = self.frame
        row = int(record["row"].to_numpy()[position]) or None
        path = self.file if row else str(record["file"].iat[position])
        return Place(path, row, str(record["station_id"].iat[position]) or None)


Words = Mapping[str, Any]


@dataclass(frozen=True)
class RowViolations:
    """Rows of one table that broke one rule in one way. `words` fills the message for the row at a position."""

    rule: str
    table: Frame
    positions: NDArray[np.int64]
    message: str = ""
    column: str | None = None
    value: Callable[[int], object] | None = None
    words: Callable[[int], Words] = field(default=lambda position: {})
    cause: str = ""
    """A guess at what is behind it when most rows are hit."""

    def __len__(self) -> int:
        return len(self.positions)

    def stations(self) -> Any:
        """Distinct station ids that are hit."""
        return self.table.frame["station_id"].iloc[self.positions].unique()

    def findings(self, most: int = MOST_TOLD) -> Iterator[Finding]:
        for position in self.positions[:most].tolist():
            at = self.table.place(position)
            yield RULES[self.rule].finding(
                at.path,
                self._value(position),
                message=self.message,
                station=at.station,
                row=at.row,
                column=self.column,
                **self.words(position),
            )

    def _value(self, position: int) -> object:
        if self.value is not None:
            return self.value(position)
        return self.table.frame[self.column].iat[position] if self.column in self.table.frame.columns else ""


@dataclass(frozen=True)
class FindingGroup:
    """Findings that are already sentences: of files and of whole captures."""

    told: Sequence[Finding]
    cause: str = ""

    @property
    def rule(self) -> str:
        return self.told[0].rule

    @property
    def message(self) -> str:
        return ""

    def __len__(self) -> int:
        return len(self.told)

    def stations(self) -> Any:
        return np.array(sorted({finding.station for finding in self.told if finding.station}), dtype=object)

    def findings(self, most: int = MOST_TOLD) -> Iterator[Finding]:
        yield from self.told[:most]


def where(mask: Any) -> NDArray[np.int64]:
    """Positions at which a mask is true."""
    return np.flatnonzero(np.asarray(mask, dtype=bool))
