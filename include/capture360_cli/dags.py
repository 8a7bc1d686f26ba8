"""`capture360 dags`: copy the DAGs into a DAGs folder of Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def dags(
    folder: Annotated[Path, typer.Argument(help="Airflow's DAGs folder, or a folder in it; made if missing.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ from those installed.")] = False,
) -> None:
    """Copy the DAGs of the installed version into a folder, for an Airflow that capture360 is installed in."""
    from capture360.errors import ConfigError

    installed = {file.name: file.read_bytes() for file in sorted(_source().glob("*.py"))}
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


def _source() -> Path:
    """Return the folder of the DAGs in the wheel, or in the checkout of an editable install."""
    import airflow_capture360

    package = Path(airflow_capture360.__file__).parent
    return next(folder for folder in (package / "dags", package.parent.parent / "dags") if folder.is_dir())
