"""`capture360 gx-docs`: Great Expectations' own pages about the validations of a site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from capture360.text import counted, printable

_MOST = 200


def gx_docs(
    site: Annotated[str, typer.Argument(help="A site of the register.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="An empty or new folder, or that of an earlier call; gx-docs/SITE by default.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many deliveries, those validated last.")] = _MOST,
) -> None:
    """Build Great Expectations' Data Docs from the validation results that the records keep.

    The lists on these pages are filled by scripts that Great Expectations loads from the internet.
    Exit codes: 0 all built, 1 the records of a delivery are damaged.
    """
    from capture360.records import Records
    from capture360.steps.gx_docs import gx_docs
    from capture360_cli.register import site_register

    register = site_register()
    name = register.site(site).id
    print("Building the pages: ten deliveries take about a second.", file=sys.stderr)
    done = gx_docs(Records(register.records_url), name, out or Path("gx-docs") / name, most)
    older = f" {done.left_out} older ones are left out, see --most." if done.left_out else ""
    print(f"{done.index}: {counted(done.deliveries, 'delivery', 'deliveries')}.{older}")
    for sentence in done.damaged:
        print(printable(sentence, 1000), file=sys.stderr)
    if done.damaged:
        raise typer.Exit(1)
