"""What the command line imports before it knows which command is meant."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "pandas", "cognite", "great_expectations", "airflow", "PIL", "cv2", "httpx")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["check", "--help"], ["generate", "--help"]])
def test_no_heavy_package_is_imported_before_a_command_needs_it(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom capture360_cli.main import app\ntry:\n    app(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('imported:', *sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported:"


def test_naming_a_command_imports_little_beside_typer() -> None:
    program = (
        "import sys, typer\nbefore = set(sys.modules)\nimport capture360_cli.main\n"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('capture360')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = done.stdout.split()
    assert not {name for name in found if name.partition(".")[0] in {"rich", "email", "importlib"}}
    assert len(found) < 25


def test_lists_of_captures_import_neither_numbers_nor_networks() -> None:
    program = (
        "import sys, capture360.steps.captures, capture360.settings.register\n"
        f"print('imported:', *sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["imported:"]
