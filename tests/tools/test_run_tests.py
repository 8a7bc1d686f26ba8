"""The runner of the tests: each kind is run, and none fails unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

import run_tests

KINDS = ["e2e", "production", "recovery", "soak", ""]


@pytest.mark.parametrize(("failing", "code"), [("", 1), ("e2e", 1), ("production", 1), ("recovery", 0), ("soak", 0)])
def test_every_kind_counts_but_the_long_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], failing: str, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    marks = "\n".join(f"    {kind}:" for kind in KINDS if kind)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers =\n{marks}\n")
    kinds = [kind for kind in KINDS if code or kind != "production"]  # no test of a kind is no failure
    for kind in kinds:
        mark = f"@pytest.mark.{kind}\n" if kind else ""
        text = f"import pytest\n{mark}def test_it():\n    assert {kind!r} != {failing!r}\n"
        (tmp_path / f"test_{kind or 'other'}.py").write_text(text)
    assert run_tests.main([]) == code
    assert capfd.readouterr().out.count("1 passed") == 2
