"""`capture360 e57`: list the content of a scan file, verify it, extract its panoramas as a capture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.errors import BadInputError
from capture360.model import Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from capture360.e57 import Photosphere, Preflight, Verification


def e57(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An E57 file: a path or any fsspec URL.")],
    full: Annotated[
        bool, typer.Option("--full", help="Check every page, not only what describes the pictures.")
    ] = False,
    extract: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write the panoramas as a capture folder <site>/<capture>.", show_default=False
        ),
    ] = None,
    site: Annotated[str | None, typer.Option(help="Site id.", show_default="the parent folder's name")] = None,
) -> None:
    """List what an E57 file holds and can be used. Exit codes: 0 all of it, 3 a part, 4 nothing."""
    from capture360.e57 import preflight, with_verification

    try:
        found = preflight(file)
        verified = _verified(file) if full else None
    except (OSError, ValueError) as error:
        raise BadInputError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if verified:
        found = with_verification(found, verified)
    from rich.console import Console
    from rich.text import Text

    console = Console()
    _show(found, verified, console)
    if extract and found.photospheres:
        folder = _extracted(file, found, extract, site)
        console.print(Text(f"Wrote {len(found.photospheres)} stations to {folder}."))
    if not found.usable:
        raise typer.Exit(Verdict.REJECTED.exit_code)
    if len(found.photospheres) < found.total:
        raise typer.Exit(Verdict.PARTIAL.exit_code)


def _verified(file: str) -> Verification:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from capture360.e57 import verify

    columns = (TextColumn("checking pages"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        return verify(file, lambda done, total: bar.update(task, completed=done, total=total))


def _extracted(file: str, found: Preflight, folder: Path, site: str | None) -> Path:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from capture360.e57 import export_capture

    with Progress(
        TextColumn("extracting"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("", total=len(found.photospheres))
        return export_capture(
            file, found, folder, site=site, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )


def _show(found: Preflight, verified: Verification | None, console: Console) -> None:
    from rich.text import Text

    if found.photospheres:
        console.print(_table(found.photospheres))
    if found.other_images:
        noun = "image is" if found.other_images == 1 else "images are"
        console.print(f"{found.other_images} further {noun} no part of a full sphere.")
    for finding in found.findings:
        if finding.message != found.headline:
            console.print(Text(f"{finding.rule} {finding.disposition}: {finding.message}"))
    if verified and verified.finding is None:
        console.print(Text(f"All {verified.pages:,} pages are sound. sha256 {verified.sha256}"))
    console.print(Text(found.headline, style="bold green" if found.usable else "bold red"))


def _table(spheres: tuple[Photosphere, ...]) -> Table:
    from rich.table import Table

    table = Table("station", "kind", "x, y, z (m)", "yaw, pitch, roll (°)", "taken (UTC)", "pixels")
    for sphere in spheres:
        table.add_row(*_cells(sphere))
    return table


def _cells(sphere: Photosphere) -> list[Text]:
    """Return a table row with the panorama's own yaw, pitch and roll, not the Euler angles of CDF."""
    from rich.text import Text

    from capture360.geometry import rotation as rot

    cube = rot.matrix_from_quaternion(sphere.pose.rotation)
    angles = rot.yaw_pitch_roll(rot.panorama_from_cube(cube))
    picture = sphere.pictures[0]
    kind = "spherical" if sphere.panorama else "six faces"
    return [
        Text(cell)
        for cell in (
            sphere.station,
            kind,
            ", ".join(f"{value:.2f}" for value in sphere.pose.position),
            ", ".join(f"{math.degrees(angle):z.1f}" for angle in angles),
            f"{sphere.taken_at:%Y-%m-%d %H:%M}" if sphere.taken_at else "-",
            f"{picture.width} x {picture.height}",
        )
    ]
