"""Run the tests: those of the real scheduler beside all others, then those of the composition.

The scheduler's tests mostly wait for Airflow, so one core is left to the others. Those run at a lower priority, so that
no wait of the scheduler's tests ends too early.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

OUTPUT = Path(".local/scheduler-tests.txt")
_OTHERS = "not e2e and not production and not recovery and not soak"
_IN_ORDER = ("--dist", "worksteal")
"""Each worker runs files that stand together, so that few fixtures of a module are made by two workers."""
_PASSED = {0, 5}
"""Exit codes of pytest: all passed, or none was chosen."""


def main(paths: Sequence[str]) -> int:
    """Run the tests below these paths; return 0 if all passed, else the first other exit code of pytest."""
    OUTPUT.parent.mkdir(exist_ok=True)
    with OUTPUT.open("wb") as output:
        scheduler = subprocess.Popen(_pytest("-m", "e2e", *paths), stdout=output, stderr=subprocess.STDOUT)
        print(f"The tests of the scheduler run beside the others and write to {OUTPUT}.", flush=True)
        try:
            others = subprocess.run(
                ["/usr/bin/env", "nice", *_pytest("-n", "auto", *_IN_ORDER, "-m", _OTHERS, *paths)], check=False
            ).returncode
        finally:
            codes = [scheduler.wait()]  # an interrupt reached it too; it stops its stacks first
    print(OUTPUT.read_text(errors="replace"), flush=True)
    codes += [others, subprocess.run(_pytest("-m", "production", *paths), check=False).returncode]
    return next((code for code in codes if code not in _PASSED), 0)


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
