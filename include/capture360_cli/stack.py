"""`capture360 stack up|down|status`: Airflow and the sandbox on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.cdf.project_mode import DEFAULT_MODE, ModeName
from capture360_local import LOCAL_STATE

if TYPE_CHECKING:
    from capture360_local.stack import Stack

stack = typer.Typer(
    name="stack", no_args_is_help=True, add_completion=False, help="Run Airflow and the sandbox on this machine."
)

State = Annotated[Path, typer.Option(file_okay=False, help="Folder that holds all state of the stack.")]
Mode = Annotated[ModeName, typer.Option(help="Mode of the sandbox's CDF project; each mode has its own state.")]


def stack_of(state: Path, mode: ModeName) -> Stack:
    """Return the stack of a state folder and mode."""
    from capture360_local.stack import Stack

    return Stack(state if mode == DEFAULT_MODE else state / mode, mode)


@stack.command()
def up(
    state: State = LOCAL_STATE,
    mode: Mode = DEFAULT_MODE,
    port: Annotated[
        int | None, typer.Option(help="Port of the Airflow UI (default: the port of the last start, or a free one).")
    ] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Run in the foreground until Ctrl-C.")] = False,
) -> None:
    """Start Airflow and the sandbox, and wait until all components are healthy."""
    chosen = stack_of(state, mode)
    chosen.up(typer.echo, attached=foreground, api_port=port)
    _print_addresses(chosen)
    if not foreground:
        typer.echo(f"It runs until `{chosen.command('down')}`.")
        return
    typer.echo("Ctrl-C stops it.")
    try:
        chosen.wait()
    except KeyboardInterrupt:
        typer.echo("Stopping")
    finally:
        chosen.down()


@stack.command()
def down(
    state: State = LOCAL_STATE,
    mode: Mode = DEFAULT_MODE,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Stop all that runs with state in the folder, in any mode and below it.")
    ] = False,
) -> None:
    """Stop the stack and all its processes."""
    if everything:
        from capture360_local.stack import end_all

        for folder in end_all(state):
            typer.echo(f"Stopped: {folder}")
        return
    ran = stack_of(state, mode).down()
    typer.echo("Stopped; nothing is left running." if ran else "Nothing was running.")


@stack.command()
def status(state: State = LOCAL_STATE, mode: Mode = DEFAULT_MODE) -> None:
    """Print addresses, login and processes of the stack. Exit code 1: it does not run."""
    chosen = stack_of(state, mode)
    current = chosen.status()
    if not current.running:
        typer.echo(f"{current.phase}: {current.reason}" if current.reason else current.phase)
        raise typer.Exit(1)
    _print_addresses(chosen)
    for name, process in current.children.items():
        typer.echo(f"{name:<14} process {process}")
    for warning in chosen.warnings():
        typer.echo(f"Warning: {warning}")


def _print_addresses(stack: Stack) -> None:
    current = stack.status()
    typer.echo(f"Airflow        {current.url}  user {stack.user}, password {stack.password}")
    typer.echo(f"CDF sandbox    {current.sandbox_url}")
    typer.echo(f"Landing zone   {stack.home.landing}")
    typer.echo(f"Records        {stack.home.records}")
    typer.echo(f"Logs           {stack.home.logs}")
