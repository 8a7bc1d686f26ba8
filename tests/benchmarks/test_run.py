"""What counts as the end of a benchmark, and that each is run."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("run")
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "KEPT", tmp_path)
    return module


@pytest.mark.parametrize(
    ("at_most", "end", "ended"),
    [(1, "sys.exit(code)", True), (2, "sys.exit(code)", True), (2, "raise ValueError", False)],
)
def test_a_benchmark_has_ended_unless_it_raised(
    run: ModuleType, tmp_path: Path, at_most: int, end: str, ended: bool
) -> None:
    (tmp_path / "some.py").write_text(
        f"import sys\nsys.path.append({str(BENCHMARKS)!r})\nfrom figures import Figure, report\n"
        f"code = report('some', [Figure('ratio', 1.5, at_most={at_most})])\n{end}\n"
    )
    figures, came_to_its_end = run.run("some", [], tmp_path)
    assert (len(figures), came_to_its_end) == (1, ended)


def test_every_benchmark_is_run(run: ModuleType) -> None:
    found = {path.stem for path in BENCHMARKS.glob("*.py") if re.search(r"^def main\(", path.read_text(), re.M)}
    assert found - {"run"} == set(run.FULL)
    assert set(run.SHORT) <= set(run.FULL)


def test_the_table_names_each_of_several_reports_of_a_benchmark(run: ModuleType) -> None:
    """As growth reports one for each project mode."""
    figures = [
        {"benchmark": title, "what": what, "value": 1.0} for title in ("one", "other") for what in ("CPU", "requests")
    ]
    shown = run.table({"growth": figures}, {})
    assert list(shown.columns[0].cells) == ["one", "", "other", ""]
