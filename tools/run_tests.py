"""Run the tests: those of the real scheduler and then those of the composition, beside all others.

The first two mostly wait for Airflow, so one core is left to the others. Those run at a lower priority, so that no
wait for Airflow ends too early.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

ALL = "tests"
"""What `make test` runs if nobody names less."""
OUTPUT = Path(".local/airflow-tests.txt")
_OF_AIRFLOW = ("e2e", "production")
_OTHERS = "not e2e and not production and not recovery and not soak"
_IN_ORDER = ("--dist", "worksteal")
"""Each worker runs files that stand together, so that few fixtures of a module are made by two workers."""
_NONE_CHOSEN = 5
"""Exit code of pytest."""
_INTERRUPTED = 2


def main(paths: Sequence[str]) -> int:
    """Run the tests below these paths; return 0 if all passed, else the first other exit code of pytest.

    Where `paths` are some tests alone, they may be of one kind, but not of none.
    """
    OUTPUT.parent.mkdir(exist_ok=True)
    print(f"The tests of Airflow run beside the others and write to {OUTPUT}.", flush=True)
    with ThreadPoolExecutor(1) as beside:
        of_airflow = beside.submit(_in_turn, paths)
        others = _run(["/usr/bin/env", "nice", *_pytest("-n", "auto", *_IN_ORDER, "-m", _OTHERS, *paths)])
        codes = [others, *of_airflow.result()]
    print(OUTPUT.read_text(errors="replace"), flush=True)
    passed = {0, _NONE_CHOSEN} if list(paths) != [ALL] and set(codes) != {_NONE_CHOSEN} else {0}
    return next((code for code in codes if code not in passed), 0)


def _in_turn(paths: Sequence[str]) -> list[int]:
    """Run the tests of Airflow kind by kind; an interrupt, which reaches them too, ends all."""
    codes: list[int] = []
    with OUTPUT.open("wb") as output:
        for mark in _OF_AIRFLOW:
            codes.append(_run(_pytest("-m", mark, *paths), output))
            if codes[-1] == _INTERRUPTED:
                break
    return codes


def _run(command: Sequence[str], output: IO[bytes] | None = None) -> int:
    errors = subprocess.STDOUT if output else None
    # Each task of Airflow is a process, which would compile the project anew if none may keep what it compiled.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, check=False, stdout=output, stderr=errors, env=environment).returncode


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
