"""Commands that need neither CDF nor Great Expectations, side by side with an empty program of the same library.

CPU seconds of one process each, the least of several rounds, in which they take turns; what matters are the ratios.
The site has no captures, so that nothing but the start counts.

    python benchmarks/start.py [--rounds 6]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from figures import Figure, report

GOAL = 2.0
EMPTY = (
    "import typer\napp = typer.Typer()\n"
    "@app.command()\ndef one(name: str = ''): pass\n@app.command()\ndef two(): pass\napp(['one'])"
)
OURS = "from capture360_cli.main import run\nrun()"
COMMANDS: Sequence[Sequence[str]] = (
    ["dags", "copied"],
    ["captures", "hall-7"],
    ["digest", "hall-7"],
    ["coverage", "hall-7"],
    ["views"],
    ["e57", "missing.e57"],
)
"""The last reads scans, with numpy."""


def cpu_s(program: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """CPU seconds of a Python process; its exit code says whether there is something to list, and is not looked at."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    if "Traceback" in done.stderr:
        raise RuntimeError(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=6)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        register = folder / "sites.yaml"
        register.write_text(
            f"records: {folder}/records\n"
            f"sites: {{hall-7: {{space: captures360, landing: {{url: {folder}/landing}}}}}}\n"
        )
        environment = {**os.environ, "CAPTURE360_CONFIG": str(register)}
        empty, least = float("inf"), dict.fromkeys(map(tuple, COMMANDS), float("inf"))
        for _ in range(rounds):
            empty = min(empty, cpu_s(EMPTY, (), folder, environment))
            for command, before in least.items():
                least[command] = min(before, cpu_s(OURS, command, folder, environment))
    figures = [Figure("an empty program with two commands", empty, "s")]
    for command, seconds in least.items():
        figures.append(Figure(f"`{command[0]}` / the empty program", seconds / empty, at_most=GOAL))
    return report("start of commands", figures)


if __name__ == "__main__":
    sys.exit(main())
