"""`capture360 generate`: write a synthetic capture, with or without faults, and its ground truth."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture360_cli.progress import counting
from capture360_local.plant.delivered import Delivered

if TYPE_CHECKING:
    from rich.console import Console

Faults = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME[=STATIONS]", help='Add a fault to the capture; repeatable. "list" shows all faults.'),
]


def generate(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Capture folder to write: <landing>/<site>/<capture>.", show_default=False),
    ] = None,
    kind: Annotated[Delivered, typer.Option(help="How the capture is delivered.")] = Delivered.CUBEMAP,
    stations: Annotated[int, typer.Option(min=1, help="Number of stations.")] = 4,
    face_size: Annotated[
        int, typer.Option(min=8, max=8192, help="Pixels of a cube face; panoramas are 4 times as wide.")
    ] = 1024,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 1,
    visit: Annotated[int, typer.Option(min=0, help="Number of the walk through the same hall.")] = 0,
    tilt: Annotated[
        float | None,
        typer.Option(min=0, max=60, help="Largest tilt of the camera in degrees.", show_default="by kind"),
    ] = None,
    fault: Faults = None,
    site: Annotated[str | None, typer.Option(help="Site id.", show_default="the parent folder's name")] = None,
    capture: Annotated[str | None, typer.Option(help="Capture id.", show_default="the folder's name")] = None,
    taken_at: Annotated[
        datetime | None, typer.Option(help="UTC time of the first image.", show_default="2025-09-16 07:30")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the ground truth. Name one elsewhere if DIR lies in a watched landing zone.",
            show_default="DIR.truth",
        ),
    ] = None,
    views: Annotated[bool, typer.Option(help="Write views along the world's axes into the ground truth.")] = True,
) -> None:
    """Write a capture of a generated industrial hall, and its ground truth beside it."""
    from rich.console import Console

    console = Console()
    if "list" in (fault or []):
        _list_faults(console)
        return
    if folder is None:
        raise typer.BadParameter("Name the capture folder to write.", param_hint="DIR")
    from capture360_local.plant.sample import write_sample

    with counting() as count:
        try:
            written = write_sample(
                folder,
                kind=kind,
                stations=stations,
                face_size=face_size,
                seed=seed,
                spoil=fault or (),
                tilt_deg=tilt,
                site=site,
                capture=capture,
                visit=visit,
                truth=truth,
                views=views,
                progress=lambda done, total: count(done, total, "stations rendered"),
                taken_at=taken_at.replace(tzinfo=taken_at.tzinfo or UTC) if taken_at else None,
            )
        except (ValueError, OSError) as problem:
            raise typer.BadParameter(str(problem)) from problem
    console.print(f"{written.form} of {stations} stations: {written.folder}", highlight=False, soft_wrap=True)
    console.print(f"ground truth: {written.truth_folder}", highlight=False, soft_wrap=True)
    for each in written.spoilt:
        where = f" ({', '.join(each.stations)})" if each.stations else ""
        console.print(f"fault: {each.fault.name}: {each.fault.says}{where}", highlight=False, soft_wrap=True)


def _list_faults(console: Console) -> None:
    from rich.table import Column, Table

    from capture360_local.plant.faults import FAULTS

    table = Table(Column("fault", no_wrap=True), "what is wrong", "kinds", "expected outcome")
    for fault in FAULTS.values():
        name = f"{fault.name}[=N]" if fault.stations else fault.name
        table.add_row(name.replace("[", r"\["), fault.says, ", ".join(sorted(fault.forms)), str(fault.effect))
    console.print(table)
