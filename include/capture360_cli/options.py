"""Options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_SPACE = "captures360"

ConnectionFile = Annotated[
    Path, typer.Option("--connection", help="The CDF connection, such as the sandbox's connection.json.")
]
SiteSettings = Annotated[
    str | None,
    typer.Option("--site", help="Settings: the id of a site in the register, or a YAML file with one site's settings."),
]
Space = Annotated[str | None, typer.Option("--space", help=f"Instance space (default {DEFAULT_SPACE}).")]
RecordsFolder = Annotated[
    str | None, typer.Option("--records", help="Folder of the records, a path or any fsspec URL.")
]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Take the lease over from a run that was killed.")]
AirflowAddress = Annotated[
    str,
    typer.Option(
        "--airflow",
        help="Address of Airflow, for links to its pages; AIRFLOW__API__BASE_URL or the local stack's by default.",
    ),
]
