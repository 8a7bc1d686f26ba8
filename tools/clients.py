"""Install clients of CDF by others, each with an environment of its own: `python tools/clients.py FOLDER`.

By uv with pip's configuration, which takes seconds where pip takes minutes; the JavaScript SDK by npm, where there is
one. A client whose installation ended has the file `ready` in its folder. Their versions are pinned, so that a release
of theirs fails no change of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from install import pip_options, uv_arguments, uv_environment

CLIENTS = {
    "toolkit": ["cognite-toolkit==0.9.28"],
    "extractor-utils": ["cognite-extractor-utils==7.13.2"],
    "pygen": ["cognite-pygen==1.4.2", "pandas>=3.1,<4"],
}


JAVASCRIPT = Path(__file__).parents[1] / "tests/clients/javascript"
"""Folder of the package that names the JavaScript SDK, with its lock."""


def main(root: Path) -> int:
    """Install what is not there; return the exit code of the first that failed, else 0."""
    return _by_uv(root) or _by_npm(root / "javascript")


def _by_npm(folder: Path) -> int:
    npm = shutil.which("npm")
    if npm is None or (folder / "ready").exists():
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(JAVASCRIPT / name, folder)
    command = [npm, "ci", "--no-audit", "--no-fund", "--silent"]
    code = subprocess.run(command, cwd=folder, check=False).returncode
    if not code:
        (folder / "ready").touch()
    return code


def _by_uv(root: Path) -> int:
    options = pip_options()
    environment = uv_environment(options, os.environ)
    uv = [sys.executable, "-m", "uv"]
    for name, packages in CLIENTS.items():
        folder = root / name
        if (folder / "ready").exists():
            continue
        made = [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)]
        filled = [*uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), *uv_arguments(options)]
        for command in (made, [*filled, *packages]):
            code = subprocess.run(command, env=environment, check=False).returncode
            if code:
                return code
        (folder / "ready").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
