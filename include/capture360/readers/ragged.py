"""Rows of another length than the header, and cells that hold the rows below them.

Such a row is held back by itself, unless it puts the other rows in doubt: then nothing of the table can be trusted.
"""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from capture360.readers.expansion import unreadable
from capture360.readers.problem import Unreadable
from capture360.rules.finding import Finding
from capture360.rules.rule import place
from capture360.rules.tables import S05

if TYPE_CHECKING:
    import pandas as pd

UNCLOSED = "Look for an unclosed quote, and save it as UTF-8 CSV."
_LONGEST_ID = 200
_POINT = r"^[+-]?[0-9]+\.[0-9]+$"
_NAMES_SHOWN = 10
_NAME_ALL = "Name every column, or remove the delimiters behind the last one from all rows."


class Head(Protocol):
    """The column names of a table, and the delimiter of its cells."""

    @property
    def names(self) -> tuple[str, ...]:
        """The column names."""

    @property
    def delimiter(self) -> str:
        """The character between two cells."""


class Ragged(NamedTuple):
    """A row of another length than the header: its number, its number of cells, and the first of them."""

    row: int
    length: int
    first: str


def refuse_doubt(
    path: str, head: Head, frame: pd.DataFrame, ragged: Sequence[Ragged], *, runs_on: Sequence[int], ends: bool
) -> None:
    """Unreadable if rows of another length put those of the header's length in doubt, or hide how many there are.

    `runs_on` are those of them with a line break; `ends` tells whether the last line of the file ends.
    """
    expected, rule = len(head.names), S05
    length, times = Counter(each.length for each in ragged).most_common(1)[0]
    if times > max(len(frame), 1):
        is_header = 2 * sum(bool(name) for name in head.names) > length
        fix = _NAME_ALL if is_header else "Delete what stands above the column names, and name every column."
        header = quoted(head.names)
        raise Unreadable(rule.finding(path, length, message="header", expected=expected, header=header, fix=fix))
    if runs_on:
        raise unreadable(path, "a text table", f"row {runs_on[0]} runs on over the rows below it", UNCLOSED)
    last = max(ragged)
    if not ends and last.length < expected and last.row > frame["row"].max():
        raise unreadable(path, "a text table", f"it breaks off in row {last.row}", "Copy it again, or end that row.")


def decimal_commas(
    file: str, expected: int, frame: pd.DataFrame, names: Iterable[str], ragged: Iterable[Ragged]
) -> list[Finding]:
    """A finding about a longer row where no number in the columns `names` has a decimal point: commas may be those."""
    longer = next((each for each in ragged if each.length > expected), None)
    if longer is None or any(frame[name].str.contains(_POINT, regex=True).any() for name in names):
        return []
    return [S05.finding(file, longer.length, message="commas", row=longer.row, expected=expected)]


def refuse_swallowed(path: str, head: Head, frame: pd.DataFrame) -> None:
    """Unreadable if a cell holds the rows below it: a quote that is not closed ends with the next one, or the file.

    Such a cell begins with the rest of its own row, and goes on with as many cells as the column has before it.
    """
    width = len(frame.columns) - 2
    for column, name in enumerate(frame.columns.drop("row")):
        texts = frame.loc[frame[name].str.contains("[\r\n]", regex=True), ["row", name]]
        for row, text in zip(texts["row"].tolist(), texts[name].tolist(), strict=True):
            own, *below = text.splitlines() or [""]
            is_rest = own.count(head.delimiter) == width - column
            if is_rest and any(line.count(head.delimiter) >= max(column, 1) for line in below):
                raise unreadable(path, "a text table", f"{name} of row {row} runs on over the rows below it", UNCLOSED)


def ragged_findings(file: str, expected: int, rows: Iterable[Ragged], ids: int | None) -> list[Finding]:
    """Findings about rows of another length; `ids` is the place of the column of ids. Each counts as a station.

    Only a first cell is certain to be in its column.
    """
    return [
        S05.finding(
            file,
            length,
            where=(there := place(file, row, first if ids == 0 and first else None)),
            station=first if ids == 0 and first else there,
            row=row,
            expected=expected,
        )
        for row, length, first in rows
    ]


def first_cell(text: str, delimiter: str) -> str:
    """Return the first cell of a line; empty if there is none."""
    try:
        return next(csv.reader([text[:_LONGEST_ID]], delimiter=delimiter, skipinitialspace=True), [""])[0].strip()
    except (csv.Error, IndexError):
        return ""


def quoted(names: Iterable[str]) -> str:
    """A header as it was read, its first cells in quotation marks."""
    shown = [f'"{name[:40]}"' for name in itertools.islice(names, _NAMES_SHOWN + 1)]
    return ", ".join([*shown[:_NAMES_SHOWN], "..."] if len(shown) > _NAMES_SHOWN else shown)
