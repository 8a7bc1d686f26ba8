"""What decides whether a change lands passes nothing over in silence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / ".ci/run"


@pytest.mark.parametrize(
    ("installs", "variables", "code"),
    [(True, {}, 0), (False, {}, 1), (False, {"CAPTURE360_SKIP_PRODUCTION": "1"}, 0)],
    ids=["installed", "not installed", "not wanted"],
)
def test_packages_that_cannot_be_installed_end_it(
    tmp_path: Path, installs: bool, variables: dict[str, str], code: int
) -> None:
    """A machine of an administrator that has nothing of what the tests need."""
    for name, line in {"id": "echo 0", "make": "echo make $*", "apt-get": f"exit {int(not installs)}"}.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    environment = {"PATH": str(tmp_path), **variables}
    done = subprocess.run(["bash", RUN], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout == ("" if code else "make test\n")
    assert ("did not install redis-server" in done.stderr) == bool(code)
