"""`capture360 replay`: compare recorded answers of a real project with those of the sandbox."""

from pathlib import Path
from typing import Annotated

import typer

from cdf_sandbox.core.options import ASSUMED, assumed


def replay(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="What doctor --conformance --out FOLDER wrote.")
    ],
    assume: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help=f"Override an undocumented behaviour: {', '.join(ASSUMED)}."),
    ] = None,
) -> None:
    """Ask a sandbox what a real project was asked, and print where the answers differ, by kind.

    Needs no project and no network. Exit codes: 0 no differences; 1 otherwise.
    """
    from rich.console import Console
    from rich.table import Table

    from capture360_local.conformance.replay import replay as replay_folder

    try:
        assumptions = assumed(assume or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--assume") from None
    screen = Console()
    replayed = replay_folder(folder, lambda *_: None, assumptions)
    for kind, found in replayed.by_kind.items():
        table = Table("case", "where", "the project", "the sandbox", title=f"{kind} ({len(found)})")
        for each in found:
            table.add_row(each.case, each.where, each.project, each.sandbox)
        screen.print(table, markup=False)
    for case, reason in replayed.passed_over.items():
        screen.print(f"Not compared: {case}: {reason}.", markup=False)
    screen.print(f"{replayed.compared} answers compared, {len(replayed.differences)} differences.")
    if replayed.differences:
        raise typer.Exit(1)
