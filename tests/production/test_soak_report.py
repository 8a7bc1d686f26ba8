"""The table of a soak, from samples as they come: what grows is told from what does not, and all of it is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from production import soak
from production.soak import Report, Sample, rows


def sample(minute: int, memory: float) -> Sample:
    down = minute == 7
    disk = {"logs": 1.0 + minute} | ({} if down else {"database": 12.0 + minute / 10})
    found = Sample(60.0 * minute, {"scheduler": memory}, {"scheduler": 1}, 2 * memory, disk, 1.5)
    if not down:
        found.connections, found.open_tasks, found.ended = 12, {"running": 3}, 2 * minute
    return found


@pytest.mark.parametrize(("a_minute", "grows"), [(0.0, False), (10.0, True)])
def test_what_grows_is_seen_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, a_minute: float, grows: bool
) -> None:
    monkeypatch.setattr(soak, "FILE", tmp_path / "soak.json")
    samples = [sample(minute, 300 + a_minute * minute) for minute in range(31)]
    report = Report(60, 30, {"redis": 1}, {"most": 2.0}, list(rows(samples, 300, 1800)))
    report.keep(samples)
    kept = json.loads(soak.FILE.read_text())
    assert (kept["captures"], kept["kills"], len(kept["samples"])) == (60, {"redis": 1}, 31)
    late = {row.what: row.late > row.late_at_most for row in report.rows}
    assert late["scheduler, own memory"] is grows
    assert not late["connections to PostgreSQL"]
    assert len(list(report.lines())) == 4 + len(report.rows)


def test_a_run_that_is_too_short_to_compare_has_no_rows_about_captures() -> None:
    assert [row.what for row in rows([sample(0, 300)], 0, 60)] == []
