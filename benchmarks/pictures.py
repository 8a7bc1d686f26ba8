"""Checking a capture of many small pictures: CPU seconds and peak memory of a process of its own, imports included.

python benchmarks/pictures.py [pictures ...]
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEFAULT = (1_000, 10_000)


def check(folder: Path) -> dict[str, object]:
    """Check the capture as `capture360 check` does."""
    from capture360.checks.check import check_capture
    from capture360.landing.folder import CaptureFolder

    outcome = check_capture(CaptureFolder(str(folder))).headline
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return {"cpu": time.process_time(), "peak": int(found[1]) / 1024, "outcome": outcome[:150]}


def in_own_process(folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "check", str(folder)], capture_output=True, text=True, check=False, timeout=3600
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main(numbers: list[int]) -> int:
    from figures import Figure, report
    from growth_capture import KEY, deliver

    figures = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in numbers:
            landing = Path(scratch) / str(number) / KEY.site
            deliver(landing, -(-number // 6))
            done = in_own_process(landing / KEY.capture)
            print(f"{number:,} pictures: {done['outcome']}")
            figures += [
                Figure(f"{number:,} pictures: CPU", done["cpu"], "s"),
                Figure(f"{number:,} pictures: peak memory", done["peak"], "MB"),
            ]
    return report("Checking a capture of small pictures", figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        print(json.dumps(check(Path(sys.argv[2]))))
    else:
        sys.exit(main([int(number) for number in sys.argv[1:]] or list(DEFAULT)))
