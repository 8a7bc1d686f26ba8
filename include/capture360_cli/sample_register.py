"""`capture360 sample-register`: print the sample of the site register."""

from __future__ import annotations

import typer

from capture360_cli.installed import installed_folder


def sample_register() -> None:
    """Print a site register to begin with: the file that CAPTURE360_CONFIG names."""
    typer.echo((installed_folder("config") / "sites.yaml").read_text(encoding="utf-8"), nl=False)
