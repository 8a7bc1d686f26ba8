"""Figures of a benchmark, each with its goal: shown as a table, and kept as JSON where `BENCH_FIGURES` names a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

KEPT_IN = "BENCH_FIGURES"
"""Environment variable with the file that figures are appended to, a JSON object a line."""


@dataclass(frozen=True)
class Figure:
    """A measured value; `unit` is empty for a ratio. The goal is a bound from above, from below, or none."""

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def held(self) -> bool:
        """Whether the value keeps its goal; a figure without a goal does."""
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)

    @property
    def goal(self) -> str:
        """The goal in words."""
        if self.at_most is not None:
            return f"<= {_number(self.at_most)}{self._unit}"
        return "" if self.at_least is None else f">= {_number(self.at_least)}{self._unit}"

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return _number(self.value) + self._unit

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


MISSED = 3
"""Exit code of a benchmark that came to its end and missed a goal; that of an uncaught exception is 1."""


def report(title: str, figures: Iterable[Figure]) -> int:
    """Print the figures and keep them; the exit code, 0 or `MISSED`."""
    measured = list(figures)
    table = Table("what", "figure", "goal", "", title=title)
    for each in measured:
        table.add_row(each.what, each.shown, each.goal, "" if each.held else "MISSED")
    Console(width=120).print(table)
    kept = os.environ.get(KEPT_IN)
    if kept:
        with Path(kept).open("a") as stream:
            stream.writelines(json.dumps({"benchmark": title, **asdict(each)}) + "\n" for each in measured)
    return 0 if all(each.held for each in measured) else MISSED


def wrong_at_most(wrong: int, of: int, confidence: float = 0.95) -> float:
    """The share of wrong ones that is not exceeded with this confidence (Clopper and Pearson); 3 / `of` if none is."""
    from scipy.stats import beta

    return float(beta.ppf(confidence, wrong + 1, of - wrong)) if wrong < of else 1.0


def _number(value: float) -> str:
    """Four digits, more only before the point."""
    if value == int(value) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.5f}" if 0.999 <= abs(value) < 1 else f"{value:.3g}"
