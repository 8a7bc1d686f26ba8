"""`capture360`: the verbs, and the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import NoReturn

import typer

from capture360_cli.check import check
from capture360_cli.demo import demo
from capture360_cli.docs import docs
from capture360_cli.doctor import doctor
from capture360_cli.e57 import e57
from capture360_cli.ingest import ingest
from capture360_cli.reconcile import reconcile
from capture360_cli.retire import retire
from capture360_cli.sample import sample
from capture360_cli.sandbox import sandbox
from capture360_cli.stack import down, status, up

_STORE_PACKAGES = frozenset({"botocore", "aiobotocore", "aiohttp", "google", "gcsfs", "azure", "adlfs"})
"""Whose errors come through fsspec as they are, such as those of missing credentials."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="360° image captures into Cognite Data Fusion.",
)
for verb in (check, ingest, retire, reconcile, doctor, e57, sample, demo, up, down, status, sandbox, docs):
    app.command()(verb)


def run() -> None:
    """Entry point: errors meant for people are printed as they are, without a traceback, with exit code 1."""
    from capture360.errors import Capture360Error

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # arguments may hold bytes that no terminal shows
    try:
        app()
    except Capture360Error as error:
        _end(str(error))
    except OSError as error:
        _end(f"{error.filename} cannot be used: {error.strerror}." if error.filename else f"{error}.")
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _STORE_PACKAGES:
            raise
        _end(f"The store refused or did not answer: {error}.")


def _end(sentence: str) -> NoReturn:
    print(f"capture360: {sentence}", file=sys.stderr)
    sys.exit(1)
