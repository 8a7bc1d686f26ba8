"""What a stage found, kept as columns until somebody needs the sentences: a million bad rows cost no more than ten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.rules import RULES
from capture360.rules.finding import Finding

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 10_000
"""Findings made of one kind of hit; the counts stay whole."""


@dataclass(frozen=True)
class Frame:
    """A text table and the file it came from."""

    frame: pd.DataFrame
    file: str

    def where(self, position: int) -> tuple[str, str | None, int | None]:
        """How people find a row: place, station and row number. A row that no table names is found by its file."""
        record = self.frame
        station = str(record["station_id"].iat[position]) or None
        row = int(record["row"].to_numpy()[position])
        if not row:
            return str(record["file"].iat[position]), station, None
        return f"{self.file} row {row}" + (f" ({station})" if station else ""), station, row


Words = Mapping[str, object]


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
            where, station, row = self.table.where(position)
            yield RULES[self.rule].finding(
                where,
                self._value(position),
                message=self.message,
                station=station,
                row=row,
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
