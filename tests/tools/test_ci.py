"""What decides whether a change lands passes nothing over in silence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / ".ci/run"


@pytest.mark.parametrize(
    ("update", "install", "variables", "code"),
    [(0, 0, {}, 0), (0, 1, {}, 1), (100, 0, {}, 0), (0, 1, {"CAPTURE360_SKIP_PRODUCTION": "1"}, 0)],
    ids=["installed", "not installed", "the archive is down", "not wanted"],
)
def test_packages_that_cannot_be_installed_end_it(
    tmp_path: Path, update: int, install: int, variables: dict[str, str], code: int
) -> None:
    """A machine of an administrator that has nothing of what the tests need."""
    for name, line in {
        "id": "echo 0",
        "make": "echo make $*",
        "apt-get": f'case "$*" in *update*) exit {update};; esac; exit {install}',
    }.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    for name in ("bash", "dirname", "timeout"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    environment = {"PATH": str(tmp_path), **variables}
    done = subprocess.run(["bash", RUN], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout == ("" if code else "make setup\nmake test\n")
    assert ("did not install redis-server" in done.stderr) == bool(code)


def test_clients_by_others_may_be_missing(tmp_path: Path) -> None:
    """Then it says so, and their tests are skipped."""
    make = "#!/bin/sh\ntest $1 != clients && echo make $*\n"
    for name, text in {"id": "#!/bin/sh\necho 1\n", "make": make}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname", "timeout"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(["bash", RUN], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, said, last = done.stdout.splitlines()
    assert (first, last) == ("make setup", "make test")
    assert said.startswith("make clients ended with 1 ")
