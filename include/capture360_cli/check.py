"""`capture360 check`: run all checks of a capture without Airflow and CDF, before delivery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.errors import Capture360Error, RequestError
from capture360.model import Capture, CaptureKey
from capture360.text import printable
from capture360_cli.progress import counting

if TYPE_CHECKING:
    from rich.console import Console

    from capture360.checks.validation import Validation
    from capture360.landing.folder import CaptureFolder
    from capture360.settings.register import Register
    from capture360.settings.site import Site

_SENTENCES_SHOWN = 6


def check(
    folder: Annotated[str, typer.Argument(help="Folder of the capture: a path or any fsspec URL.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and nothing else.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Where to write the HTML report; NAME.bad_rows.csv goes beside it.")
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(help="Id of a site in the register: its bounds and thresholds apply, and its earlier captures."),
    ] = None,
) -> None:
    """Check one capture. Exit codes: 0 accepted, 3 accepted in part, 4 rejected, 1 could not be checked."""
    from rich.console import Console

    from capture360.checks.check import check_capture
    from capture360.landing.folder import CaptureFolder
    from capture360_cli.register import site_register

    screen = Console(stderr=True)
    capture = CaptureFolder(folder if "://" in folder else str(Path(folder).absolute()))
    if not capture.files:
        raise RequestError(
            f"{printable(folder)} is not there or holds no files. Name the folder that capture.yaml lies in."
        )
    register = site_register() if site is not None else None
    known = register.site(site) if register is not None and site is not None else None
    earlier = _earlier(register, known, capture, screen) if register is not None and known is not None else ()
    with counting() as count:
        validation = check_capture(capture, site=known, progress=count, earlier=earlier)
    if report is not None:
        _write_report(validation, capture, report)
    if as_json:
        _print_json(validation, report)
    else:
        _print_table(validation, report)
    raise typer.Exit(validation.verdict.exit_code)


def _earlier(register: Register, site: Site, folder: CaptureFolder, screen: Console) -> Sequence[Capture]:
    """Return the captures published before; none, with a note on stderr, if the records cannot be read."""
    from capture360.landing.fingerprint import fingerprint
    from capture360.records import Records
    from capture360.steps.published import earlier_captures, to_compare

    try:
        found, damaged = earlier_captures(Records(register.records_url), site.id)
    except Capture360Error as error:
        screen.print(f"Not compared with earlier captures, the records cannot be read: {error}", markup=False)
        return ()
    for key, problem in damaged.items():
        screen.print(f"Not compared with {key}: {problem}", markup=False)
    seen = fingerprint(folder, site.landing.ready_markers)
    return to_compare(found, CaptureKey(site.id, folder.name), seen)


def _write_report(validation: Validation, folder: CaptureFolder, report: Path) -> None:
    from capture360.reports.validation import bad_rows_csv, render

    report.parent.mkdir(parents=True, exist_ok=True)
    rows = report.with_name(f"{report.stem}.bad_rows.csv")
    report.write_text(render(validation, folder, rows.name), encoding="utf-8", errors="backslashreplace")
    rows.write_bytes(bad_rows_csv(validation))


def _print_json(validation: Validation, report: Path | None) -> None:
    from capture360.checks.validation import validation_document

    document = validation_document(validation)
    del document["capture"]
    document["report"] = str(report) if report else None
    print(json.dumps(document, indent=2))


def _print_table(validation: Validation, report: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from capture360.reports.validation import causes

    console = Console()
    colour = {"accepted": "green", "partial": "yellow", "rejected": "red"}[validation.verdict.value]
    console.print(Text(validation.headline, style=f"bold {colour}"))
    found = causes(validation)
    if found:
        table = Table(show_lines=True, box=None, pad_edge=False)
        for name in ("rule", "weight", "what to fix"):
            table.add_column(name, no_wrap=name != "what to fix", vertical="top")
        for cause in found:
            shown = list(cause.sentences[:_SENTENCES_SHOWN])
            more = len(cause.sentences) - len(shown) + cause.more
            if more:
                shown.append(f"and {more:,} more of the same kind")
            table.add_row(cause.rule, cause.weight_in_words, Text("\n".join(shown)))
        console.print(table)
    if report is not None:
        console.print(Text(f"Report: {report}"))
