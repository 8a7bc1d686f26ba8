"""Modules that are imported by others and run only when they are used."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, invalidate_caches
from pathlib import Path

import pytest

from capture360.checks.lazy_imports import import_when_used


def test_a_module_runs_when_it_is_first_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "seldom_used_package").mkdir()
    (tmp_path / "seldom_used_package" / "__init__.py").touch()
    (tmp_path / "seldom_used_package" / "inner.py").write_text(
        f"from pathlib import Path\nPath({str(ran)!r}).touch()\nvalue = 7\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    for _ in range(2):
        import_when_used("seldom_used_package.inner")
        inner = import_module("seldom_used_package.inner")
        assert not ran.exists()
    assert inner.value == 7
    assert ran.exists()


def test_a_module_that_is_not_installed_is_still_not_found() -> None:
    import_when_used("no_such_module_of_anybody")
    with pytest.raises(ModuleNotFoundError):
        import_module("no_such_module_of_anybody")


def test_suites_import_neither_charts_nor_statistics() -> None:
    """Both can be used all the same."""
    program = (
        "import sys\nfrom capture360.checks.suites import gx_suites\nassert gx_suites()\n"
        "print(*sorted({'altair.vegalite', 'scipy.stats._stats_py'} & set(sys.modules)))\n"
        "import altair\nfrom scipy import stats\nprint(altair.Chart.__name__, round(stats.norm.cdf(0), 6))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "Chart 0.5"]
