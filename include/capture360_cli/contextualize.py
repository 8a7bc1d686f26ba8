"""`capture360 contextualize`: link one published capture with the steps that Airflow runs, for trials and debugging."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capture360.model import CaptureKey
from capture360.text import counted, printable
from capture360_cli.one_capture import absolute, choose, is_finished, key_of, lease_remedy
from capture360_cli.options import ConnectionFile, RecordsFolder, SiteSettings, Space, TakeOver
from capture360_cli.progress import progress

if TYPE_CHECKING:
    from capture360.steps.context import StepContext
    from capture360.steps.contextualize import Contextualized


def contextualize(
    capture: Annotated[
        str, typer.Argument(help="<site>/<capture>, a site of the register, or the folder that was ingested.")
    ],
    connection: ConnectionFile,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print each plate with its verdict, views and reason as JSON."),
    ] = False,
    site: SiteSettings = None,
    space: Space = None,
    records: RecordsFolder = None,
    take_over: TakeOver = False,
) -> None:
    """Read the plates of a published capture and link them to assets, without Airflow. What people decided stays.

    Exit codes: 0 done, 1 error. Questions that are left are answered in the review.
    """
    from capture360.cdf.client import CdfProject, Connection
    from capture360.landing.folder import CaptureFolder
    from capture360.records import Records
    from capture360.steps import lease
    from capture360.steps.context import StepContext
    from capture360.steps.contextualize import contextualize as run

    url = absolute(capture)
    project = CdfProject(Connection.from_file(connection))
    delivered = bool(CaptureFolder(url).files)
    key = key_of(url) if delivered else CaptureKey.parse(capture)
    chosen = choose(key, url, connection, site=site, space=space, records=records, registered=not delivered)
    with progress() as log:
        ctx = StepContext(chosen.site, Records(chosen.records), project, lease.name_of_this_process(), log)
        with lease_remedy():
            done = run(ctx, key, is_finished=is_finished(take_over=take_over))
    if as_json:
        print(json.dumps(_document(ctx, key, done), indent=2))
    else:
        print("\n".join(_lines(ctx, key, done)))


def _document(ctx: StepContext, key: CaptureKey, done: Contextualized) -> dict[str, Any]:
    from dataclasses import asdict

    from capture360.steps.contextualize import plate_documents

    record = ctx.records.get(key, done.fingerprint, "match")
    return {
        "capture": str(key),
        "fingerprint": done.fingerprint,
        "matched": asdict(done.matched),
        "written": asdict(done.annotated),
        "plates": plate_documents(ctx, key, done.fingerprint),
        "findings": record.body["findings"] if record is not None else [],
        "report": record.body["report"] if record is not None else None,
    }


def _lines(ctx: StepContext, key: CaptureKey, done: Contextualized) -> list[str]:
    from capture360.steps.contextualize import plate_documents

    plates = plate_documents(ctx, key, done.fingerprint)
    counts = {name: sum(plate["verdict"] == name for plate in plates) for name in ("linked", "asked", "dropped")}
    lines = [
        f"{key}: {counted(done.matched.texts, 'text')}, {counted(len(plates), 'plate')}: {counts['linked']} linked, "
        f"{counts['asked']} left to people, {counts['dropped']} dropped"
    ]
    for plate in plates:
        if plate["verdict"] == "asked":
            name = plate["asset"]["name"] if plate["asset"] else "no asset"
            lines.append(printable(f"  {plate['text']!r} may be {name}: {plate['reason']}", 1000))
    record = ctx.records.get(key, done.fingerprint, "match")
    return [*lines, *([f"Report: {record.body['report']}"] if record is not None else [])]
