"""`capture360 up`, `down`, `status`: Airflow and the sandbox on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.cdf.project_mode import DEFAULT_MODE, ModeName
from capture360_cli.register import LOCAL_STATE

if TYPE_CHECKING:
    from capture360_local.stack import Stack

State = Annotated[Path, typer.Option(file_okay=False, help="Folder that keeps everything of the stack.")]
Mode = Annotated[ModeName, typer.Option(help="Kind of CDF project that the sandbox plays; each keeps its own state.")]


def stack_of(state: Path, mode: ModeName) -> Stack:
    """The stack of that folder and mode."""
    from capture360_local.stack import Stack

    return Stack(state if mode == DEFAULT_MODE else state / mode, mode)


def up(
    state: State = LOCAL_STATE,
    mode: Mode = DEFAULT_MODE,
    port: Annotated[
        int | None, typer.Option(help="Port of the Airflow UI; the last one or a free one if left out.")
    ] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay; Ctrl-C stops everything.")] = False,
) -> None:
    """Start Airflow and the sandbox, and wait until they are ready."""
    stack = stack_of(state, mode)
    stack.up(typer.echo, attached=foreground, api_port=port)
    _tell(stack)
    if not foreground:
        typer.echo("It runs until `capture360 down`.")
        return
    typer.echo("Ctrl-C stops it.")
    try:
        stack.wait()
    except KeyboardInterrupt:
        typer.echo("Stopping")
    finally:
        stack.down()


def down(state: State = LOCAL_STATE, mode: Mode = DEFAULT_MODE) -> None:
    """Stop what `up` started, and make sure that nothing of it is left."""
    ran = stack_of(state, mode).down()
    typer.echo("Stopped; nothing is left running." if ran else "Nothing was running.")


def status(state: State = LOCAL_STATE, mode: Mode = DEFAULT_MODE) -> None:
    """Say what runs, where it is and how to log in; exit code 1 if it does not run."""
    stack = stack_of(state, mode)
    current = stack.status()
    if not current.running:
        typer.echo(f"{current.phase}: {current.reason}" if current.reason else current.phase)
        raise typer.Exit(1)
    _tell(stack)
    for name, process in current.children.items():
        typer.echo(f"{name:<14} process {process}")
    for warning in stack.warnings():
        typer.echo(f"Warning: {warning}")


def _tell(stack: Stack) -> None:
    current = stack.status()
    typer.echo(f"Airflow        {current.url}  user {stack.user}, password {stack.password}")
    typer.echo(f"CDF sandbox    {current.sandbox_url}")
    typer.echo(f"Landing zone   {stack.home.landing}")
    typer.echo(f"Records        {stack.home.records}")
    typer.echo(f"Logs           {stack.home.logs}")
