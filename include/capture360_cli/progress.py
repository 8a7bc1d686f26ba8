"""Progress of a command on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from capture360.text import printable

_LONGEST_LINE = 2000


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Yield the callback that takes a line of progress; a ProgressLine moves the bar."""
    from capture360.steps.progress import ProgressLine

    if not sys.stderr.isatty():
        yield lambda line: print(printable(line, _LONGEST_LINE), file=sys.stderr)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def log(line: str) -> None:
            if isinstance(line, ProgressLine):
                bar.update(task, description=printable(line.what), completed=line.done, total=line.total)
            else:
                bar.console.print(printable(line, _LONGEST_LINE), markup=False, highlight=False)

        yield log


@contextmanager
def counting() -> Iterator[Callable[[int, int, str], None]]:
    """Yield the callback of a loop: how many are done, of how many, and of what. Lines come at each tenth."""
    from capture360.steps.progress import Progress, ProgressLine

    with progress() as log:
        bar = sys.stderr.isatty()
        yield (lambda done, total, what: log(ProgressLine(what, done, total))) if bar else Progress(log)
