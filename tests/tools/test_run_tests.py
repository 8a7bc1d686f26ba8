"""The runner of the tests: each kind is run, and none fails unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

import run_tests

KINDS = ["e2e", "production", "recovery", "soak", ""]


def write_tests(folder: Path, monkeypatch: pytest.MonkeyPatch, kinds: list[str], failing: str = "none") -> None:
    """A test of each of these kinds, in a project of its own."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # plugins start slowly
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist")
    marks = "\n".join(f"    {kind}:" for kind in KINDS if kind)
    (folder / "pytest.ini").write_text(f"[pytest]\nmarkers =\n{marks}\n")
    (folder / "tests").mkdir()
    for kind in kinds:
        mark = f"@pytest.mark.{kind}\n" if kind else ""
        keeps = "not sys.dont_write_bytecode"  # else each task of Airflow compiles the project anew
        text = f"import sys\nimport pytest\n{mark}def test_it():\n    assert {kind!r} != {failing!r} and {keeps}\n"
        (folder / f"tests/test_{kind or 'other'}.py").write_text(text)


@pytest.mark.parametrize(("failing", "code"), [("", 1), ("e2e", 1), ("production", 1), ("recovery", 0), ("soak", 0)])
def test_every_kind_counts_but_the_long_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], failing: str, code: int
) -> None:
    write_tests(tmp_path, monkeypatch, KINDS, failing)
    assert run_tests.main(["tests"]) == code
    assert capfd.readouterr().out.count("1 passed") == (2 if code else 3)


@pytest.mark.parametrize(
    ("paths", "code"),
    [(["tests"], 5), (["tests/test_other.py"], 0), (["tests", "-k", "typo"], 5)],
    ids=["all", "one file", "none"],
)
def test_a_kind_without_tests_passes_only_where_some_tests_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], code: int
) -> None:
    write_tests(tmp_path, monkeypatch, ["", "e2e"])
    assert run_tests.main(paths) == code
