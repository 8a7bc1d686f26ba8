"""Findings of rows: the place of each, and as many reads of the table for many rows as for few."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from capture360.checks.rules import RULES
from capture360.checks.violations import Frame, RowViolations


class Counted(pd.DataFrame):
    """A table that counts how often a column is read."""

    reads: ClassVar[list[Any]] = []

    def __getitem__(self, key: Any) -> Any:
        self.reads.append(key)
        return super().__getitem__(key)


def table(rows: int, first: int = 2) -> Frame:
    numbers = np.arange(rows)
    columns = {"row": numbers + first, "station_id": [f"s-{n}" for n in numbers], "file": [f"{n}.jpg" for n in numbers]}
    return Frame(Counted({**columns, "x": [f"x{n}" for n in numbers]}), "stations.csv")


@pytest.mark.parametrize("first", [2, 0], ids=["all named by the table", "one not named"])
def test_many_rows_read_the_table_as_often_as_few(first: int) -> None:
    reads = []
    for rows in (3, 300):
        Counted.reads.clear()
        made = RowViolations(RULES["P01"], table(rows, first), np.arange(rows), column="x")
        assert len(list(made.findings())) == rows
        reads.append(len(Counted.reads))
    assert reads[0] == reads[1] > 0


def test_each_row_has_its_own_place_and_value() -> None:
    made = RowViolations(RULES["P01"], table(4, first=0), np.array([3, 0]), column="x")
    third, unnamed = made.findings()
    assert (third.path, third.row, third.station, third.value) == ("stations.csv", 3, "s-3", "x3")
    assert (unnamed.path, unnamed.row, unnamed.station, unnamed.value) == ("0.jpg", None, "s-0", "x0")
    assert [finding.station for finding in made.findings(most=1)] == ["s-3"]
