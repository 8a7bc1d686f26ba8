"""`capture360 pools`: print the pools that the DAGs need, for Airflow to import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from capture360.errors import ConfigError
from capture360_cli.installed import installed_folder


def pools(
    not_in: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What `airflow pools export FILE` wrote: its pools are left out."),
    ] = None,
) -> None:
    """Print the pools that the DAGs need as JSON for `airflow pools import`, which sets those that are there anew.

    With --not-in only the missing ones are printed, so that an import leaves the others as operators have sized them.
    """
    wanted = json.loads((installed_folder("config") / "pools.json").read_text(encoding="utf-8"))
    there = _exported(not_in) if not_in else {}
    typer.echo(json.dumps({name: pool for name, pool in wanted.items() if name not in there}, indent=2))


def _exported(file: Path) -> dict[str, object]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ConfigError(f"{file} holds no pools. Name a file that `airflow pools export` has written.")
    return document
