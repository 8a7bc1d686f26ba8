"""How long the composition took to recover, kept below .local/ and printed as the table of the manual."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

GOAL_S = 120.0
FILE = Path(__file__).parents[2] / ".local" / "recovery.json"


@dataclass(slots=True)
class Recovery:
    """From a kill, or the return of a store, to the next task of the capture and to the end of its run."""

    what: str
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    moves: datetime | None = None
    ended: datetime | None = None

    @property
    def moves_s(self) -> float:
        return _seconds(self.began, self.moves)

    @property
    def ended_s(self) -> float:
        return _seconds(self.began, self.ended)


def _seconds(began: datetime, then: datetime | None) -> float:
    assert then, "it was not waited for"
    return (then - began).total_seconds()


def keep(recovery: Recovery) -> None:
    """Write a measured recovery beside those of earlier runs."""
    rows = _rows()
    rows[recovery.what] = {"moves_s": round(recovery.moves_s), "ended_s": round(recovery.ended_s)}
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1))


def machine() -> str:
    return f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GB"


def table() -> Iterator[str]:
    """The lines of a Markdown table of what has been measured so far."""
    rows = _rows()
    if rows:
        yield f"Recoveries on {machine()}, in seconds; kept in {FILE.parent.name}/{FILE.name}"
        yield "| what | next task after | run at its end after |"
        yield "|---|---|---|"
        for what, row in rows.items():
            yield f"| {what} | {row['moves_s']} | {row['ended_s']} |"


def _rows() -> dict[str, dict[str, int]]:
    try:
        rows: dict[str, dict[str, int]] = json.loads(FILE.read_text())["rows"]
    except FileNotFoundError:
        return {}
    return rows
