"""`capture360`: the commands, and the one place that turns an error into a message and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command
from typing_extensions import override

from capture360.errors import Capture360Error, StoreUnavailableError
from capture360.text import printable, without_secrets

_LONGEST_LINE = 4_000

VERBS = (
    "check", "ingest", "contextualize", "plan", "retract", "move", "remove-from-scene", "reconcile", "captures",
    "gx-docs", "views", "coverage", "digest", "doctor", "alert-test", "prune", "replay", "e57", "generate", "demo",
    "sandbox", "dags", "pools", "sample-register", "docs", "stack",
)  # fmt: skip
"""In the order of the help. Each is the function, or the group of commands, of this name in the file of this name."""


class _Verbs(MutableMapping[str, Any]):
    """Typer's commands by name, each imported when it is asked for: one command needs none of the others."""

    def __init__(self) -> None:
        self._commands: dict[str, Any] = dict.fromkeys(VERBS)

    @override
    def __getitem__(self, name: str) -> Any:
        if self._commands[name] is None:
            self._commands[name] = _command(name)
        return self._commands[name]

    @override
    def __setitem__(self, name: str, command: Any) -> None:
        self._commands[name] = command

    @override
    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    @override
    def __len__(self) -> int:
        return len(self._commands)


def _command(name: str) -> Any:
    known = name.replace("-", "_")
    found = getattr(import_module(f"capture360_cli.{known}"), known)
    if isinstance(found, typer.Typer):
        return get_command(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name)(found)
    return get_command(alone)


class _Group(TyperGroup):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Verbs()


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
