"""What the command line imports before it knows which command is meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "pandas", "cognite", "great_expectations", "airflow", "PIL", "cv2", "httpx", "psutil", "fsspec")
OURS = ("capture360.readers.read", "capture360.checks.rules", "capture360.cdf.client")
"""Ours that take as long, for deliveries or CDF alone."""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["check", "--help"], ["generate", "--help"]])
def test_no_heavy_package_is_imported_before_a_command_needs_it(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom capture360_cli.main import app\ntry:\n    app(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('imported:', *sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported:"


def test_a_command_imports_no_other_command() -> None:
    program = (
        "import sys\nfrom capture360_cli.main import VERBS, app\ntry:\n    app(['dags', '--help'])\n"
        "except SystemExit:\n    pass\n"
        "print(*(name for name in VERBS if f'capture360_cli.{name}'.replace('-', '_') in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "dags"


def test_naming_a_command_imports_little_beside_typer() -> None:
    program = (
        "import sys, typer\nbefore = set(sys.modules)\nimport capture360_cli.main\n"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('capture360')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = done.stdout.split()
    assert not {name for name in found if name.partition(".")[0] in {"rich", "email", "importlib"}}
    assert len(found) < 25


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        (["captures", "hall-7"], {"fsspec"}),
        (["coverage", "hall-7"], {"fsspec"}),
        (["digest", "hall-7"], {"fsspec"}),
        (["views"], {"fsspec"}),  # and numpy, to rank views where there are any
        (["e57", "nothing.e57"], {"numpy"}),
        (["dags", "copied"], set()),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_a_command_that_reads_records_or_files_imports_what_it_needs(
    command: list[str], needed: set[str], named: bool, tmp_path: Path
) -> None:
    register = tmp_path / "config" / "sites.yaml"
    register.parent.mkdir()
    register.write_text(
        f"records: {tmp_path}/records\n"
        f"sites: {{hall-7: {{space: captures360, landing: {{url: {tmp_path}/landing}}}}}}\n"
    )
    program = (
        "import sys\nfrom capture360_cli.main import run\ntry:\n    run()\nexcept SystemExit:\n    pass\n"
        f"print('imported:', *sorted(set(sys.modules) & set({HEAVY + OURS!r})))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAPTURE360_")}
    if named:
        environment["CAPTURE360_CONFIG"] = str(register)
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert set(done.stdout.splitlines()[-1].removeprefix("imported:").split()) <= needed
