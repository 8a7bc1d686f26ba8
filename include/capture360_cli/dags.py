"""`capture360 dags`: copy the DAGs into a DAGs folder of Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capture360.errors import ConfigError
from capture360_cli.installed import installed_folder


def dags(
    folder: Annotated[Path, typer.Argument(help="Airflow's DAGs folder, or a folder in it; made if missing.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ from those installed.")] = False,
) -> None:
    """Copy the DAGs of the installed version into a folder, for an Airflow that capture360 is installed in."""
    installed = {file.name: file.read_bytes() for file in sorted(installed_folder("dags").glob("*.py"))}
    changed = [
        name
        for name, content in installed.items()
        if (folder / name).exists() and (folder / name).read_bytes() != content
    ]
    if changed and not force:
        raise ConfigError(f"{folder} holds other versions of {', '.join(changed)}. Add --force to replace them.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in installed.items():
        (folder / name).write_bytes(content)
        typer.echo(folder / name)
    for file in sorted(folder.glob("captures_*.py")):
        if file.name not in installed and "airflow_capture360" in file.read_text(encoding="utf-8", errors="replace"):
            typer.echo(f"{file} is no DAG of this version. Remove it, unless it is your own.", err=True)
