"""Run benchmarks one after the other, and show all figures with their goals in one table at the end.

    python benchmarks/run.py [NAME ...] [--full] [--base COMMIT]          `make bench`, `make bench BENCH=all BASE=main`

The figures are kept below `.local/bench` under the name of the commit. With a base, each benchmark runs for the base
too, the one right after the other, so that both meet the same machine: today's benchmark against the base's product.
The exit code is 1 if a goal was missed or a benchmark failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from figures import KEPT_IN, MISSED, Figure

HERE = Path(__file__).parent
ROOT = HERE.parent
KEPT = ROOT / ".local/bench"
SHORT: Mapping[str, list[str]] = {
    "e57": ["256"],
    "validation": ["200000"],
    "matching": [],
    "ocr": [],
    "panorama": ["8192"],
    "pictures": ["1000"],
    "plates": [],
    "sandbox": ["--passes", "2"],
    "e57_upload": ["400"],
    "ingest": [],
    "batches": [],
    "throttling": [],
    "pages": [],
    "start": [],
    "growth": ["--sizes", "50", "200", "--modes", "asset_centric", "data_modeling"],
}
"""Arguments that keep all of them together at a quarter of an hour on two cores."""
FULL: Mapping[str, list[str]] = {
    **{name: [] for name in SHORT},
    "matching": ["--full"],
    "ocr": ["--full"],
    "plates": ["--full"],
    "growth": ["--full"],
    "workers": [],
}
"""Every benchmark; those of no short form run here alone."""
Documents = list[dict[str, Any]]


@contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """Check a commit out beside this tree, for as long as the block."""
    tree = KEPT / "base"
    subprocess.run(["git", "-C", str(ROOT), "worktree", "add", "--force", "--detach", str(tree), commit], check=True)
    try:
        yield tree
    finally:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(tree)], check=True)


def run(name: str, arguments: list[str], tree: Path) -> tuple[Documents, bool]:
    """Run one benchmark on the product in `tree`; its figures, and whether it came to its end."""
    kept = KEPT / "figures.jsonl"
    kept.unlink(missing_ok=True)
    paths = os.pathsep.join(str(tree / part) for part in ("include", "plugins", "tools"))
    environment = {**os.environ, KEPT_IN: str(kept), "PYTHONPATH": paths}
    started = time.monotonic()
    code = subprocess.run([sys.executable, str(HERE / f"{name}.py"), *arguments], env=environment).returncode
    print(f"-- {name}: {time.monotonic() - started:.0f} s", flush=True)
    figures = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    return figures, bool(figures) and code in {0, MISSED}


def commit_of(tree: Path) -> str:
    """Name of the commit, with a plus if the tree differs from it."""
    command = ["git", "-C", str(tree), "describe", "--always", "--dirty=+"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def table(found: Mapping[str, Documents], base: Mapping[str, Documents]) -> Table:
    """All figures, with the base's beside them if there is one."""
    shown = Table("benchmark", "what", "figure", *(["base"] if base else []), "goal", "", title="All figures")
    title = ""
    for figures in found.values():
        for each in figures:
            figure = figure_of(each)
            before = {(old["benchmark"], old["what"]): figure_of(old).shown for some in base.values() for old in some}
            beside = [before.get((each["benchmark"], each["what"]), "")] if base else []
            held = "" if not figure.goal else "held" if figure.held else "MISSED"
            new_title = "" if each["benchmark"] == title else each["benchmark"]
            title = each["benchmark"]
            shown.add_row(new_title, figure.what, figure.shown, *beside, figure.goal, held)
    return shown


def figure_of(document: Mapping[str, Any]) -> Figure:
    return Figure(**{name: value for name, value in document.items() if name != "benchmark"})


def keep(tree: Path, found: Mapping[str, Documents]) -> None:
    """Write the figures under the name of the commit, beside those that are there of other benchmarks."""
    path = KEPT / f"{commit_of(tree)}.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**before, **found}, indent=1) + "\n")
    print(f"kept in {path.relative_to(ROOT)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[[], *FULL], metavar="NAME", help=f"some of: {', '.join(FULL)}")
    parser.add_argument("--full", action="store_true", help="the full sizes, for hours")
    parser.add_argument("--base", help="a commit whose product is measured beside this one")
    arguments = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    found: dict[str, Documents] = {}
    base: dict[str, Documents] = {}
    failed = []

    def measure(name: str, tree: Path, into: dict[str, Documents]) -> None:
        print(f"== {name}, {commit_of(tree)}", flush=True)
        into[name], ended = run(name, chosen[name], tree)
        if not ended:
            failed.append(name)

    chosen = FULL if arguments.full else {**FULL, **SHORT}
    names = arguments.names or list(FULL if arguments.full else SHORT)
    if arguments.base:
        with tree_of(arguments.base) as tree:
            for name in names:
                measure(name, tree, base)
                measure(name, ROOT, found)
            keep(tree, base)
    else:
        for name in names:
            measure(name, ROOT, found)
    keep(ROOT, found)
    Console(width=140).print(table(found, base))
    missed = [each["what"] for figures in found.values() for each in figures if not figure_of(each).held]
    print("every goal held" if not missed else f"{len(missed)} goals missed: {'; '.join(missed)}")
    if failed:
        print(f"did not come to an end: {', '.join(failed)}")
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
