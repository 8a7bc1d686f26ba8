"""`capture360 demo`: four captures through Airflow into the sandbox, read back and compared."""

from __future__ import annotations

import typer

from capture360.cdf.project_mode import DEFAULT_MODE
from capture360_cli.register import LOCAL_STATE
from capture360_cli.stack import Mode, State, stack_of


def demo(state: State = LOCAL_STATE, mode: Mode = DEFAULT_MODE) -> None:
    """Run captures through Airflow into the local CDF and read them back; exit code 1 if anything is wrong."""
    from rich.console import Console

    from capture360_local.demo import play

    if not play(stack_of(state, mode), Console()):
        raise typer.Exit(1)
