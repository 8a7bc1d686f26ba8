"""`capture360`: the commands, and the one place that turns an error into a message and an exit code."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from capture360.errors import Capture360Error, StoreUnavailableError
from capture360.text import printable, without_secrets
from capture360_cli.alert_test import alert_test
from capture360_cli.captures import captures
from capture360_cli.check import check
from capture360_cli.contextualize import contextualize
from capture360_cli.coverage import coverage
from capture360_cli.dags import dags
from capture360_cli.demo import demo
from capture360_cli.digest import digest
from capture360_cli.docs import docs
from capture360_cli.doctor import doctor
from capture360_cli.e57 import e57
from capture360_cli.generate import generate
from capture360_cli.gx_docs import gx_docs
from capture360_cli.ingest import ingest
from capture360_cli.move import move
from capture360_cli.plan import plan
from capture360_cli.pools import pools
from capture360_cli.prune import prune
from capture360_cli.reconcile import reconcile
from capture360_cli.remove_from_scene import remove_from_scene
from capture360_cli.replay import replay
from capture360_cli.retract import retract
from capture360_cli.sample_register import sample_register
from capture360_cli.sandbox import sandbox
from capture360_cli.stack import stack
from capture360_cli.views import views

_LONGEST_LINE = 4_000

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    check,
    ingest,
    contextualize,
    plan,
    retract,
    move,
    remove_from_scene,
    reconcile,
    captures,
    gx_docs,
    views,
    coverage,
    digest,
    doctor,
    alert_test,
    prune,
    replay,
    e57,
    generate,
    demo,
    sandbox,
    dags,
    pools,
    sample_register,
    docs,
):
    app.command()(command)
app.add_typer(stack)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed_version

        typer.echo(f"capture360 {installed_version('capture360')}")
        raise typer.Exit


@app.callback()
def capture360(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """360° image captures into Cognite Data Fusion."""


def run() -> None:
    """Run the command line; errors that are meant for people are printed without a traceback, with exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # arguments may hold bytes that no terminal shows
    try:
        app()
    except Capture360Error as error:
        _end(str(error), f"How to fix it: {error.remedy}")
    except OSError as error:
        said = f"{error.filename} cannot be used: {error.strerror}." if error.filename else f"{error}."
        _end(said, "How to fix it: Name another path, or see to its rights and to room on the disk, then run it again.")
    except Exception as error:
        from capture360.store import is_of_store

        if not is_of_store(error):
            raise
        _end(f"The store refused or did not answer: {error}.", f"How to fix it: {StoreUnavailableError.remedy}")


def _end(*lines: str) -> NoReturn:
    print("capture360:", "\n".join(printable(without_secrets(line), _LONGEST_LINE) for line in lines), file=sys.stderr)
    sys.exit(1)
