"""`capture360 demo`: ingest six captures through Airflow into the sandbox, read them back and compare."""

from __future__ import annotations

import typer

from capture360.cdf.project_mode import DEFAULT_MODE
from capture360_cli.register import LOCAL_STATE
from capture360_cli.stack import Mode, State, stack_of


def demo(state: State = LOCAL_STATE, mode: Mode = DEFAULT_MODE) -> None:
    """Run six captures through Airflow into the local CDF and read them back. Exit code 1: a check failed."""
    from rich.console import Console

    from capture360_local.demo import run_demo

    if not run_demo(stack_of(state, mode), Console()):
        raise typer.Exit(1)
