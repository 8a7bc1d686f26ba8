"""`capture360 demo`: take six captures through Airflow into the sandbox, read them back and compare."""

from __future__ import annotations

from typing import Annotated

import typer

from capture360.cdf.project_mode import DEFAULT_MODE
from capture360_cli.stack import Mode, State, stack_of
from capture360_local import LOCAL_STATE


def demo(
    state: State = LOCAL_STATE,
    mode: Mode = DEFAULT_MODE,
    *,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Leave the stack running and open its captures in the browser.")
    ] = False,
) -> None:
    """Take six captures through Airflow into the local CDF, link their plates and read all of it back.

    Reviews of what the matching is not sure of wait at the end. Exit code 1: a check failed.
    """
    import webbrowser

    from rich.console import Console

    from capture360_local.demo import run_demo

    captures = run_demo(stack_of(state, mode), Console(), keep=open_browser)
    if captures is None:
        raise typer.Exit(1)
    if open_browser:
        webbrowser.open(captures)
