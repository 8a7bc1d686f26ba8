"""`capture360 prune`: remove old reports and texts that no step needs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from capture360.text import counted, printable


def prune(
    site: Annotated[
        str | None, typer.Argument(help="Reports of this site alone, and no texts, since all sites share them.")
    ] = None,
    *,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Keep what was written in these last days.")] = 180,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove; without it, only what would be removed is counted.")
    ] = False,
) -> None:
    """Remove old reports of replaced deliveries, and texts of faces that were first read long ago.

    Records, answers of people and the reports of the newest delivery, and of what CDF shows, stay. A face whose text is
    removed is read again when its capture is contextualized anew. Exit codes: 0 done, 1 the records of a capture are
    damaged.
    """
    from datetime import UTC, datetime, timedelta

    from capture360.records import Records
    from capture360.steps.prune import plan_pruning
    from capture360.steps.prune import prune as remove
    from capture360_cli.register import chosen_sites, site_register

    register = site_register()
    records = Records(register.records_url)
    before = datetime.now(UTC) - timedelta(days=days)
    planned = plan_pruning(records, chosen_sites(register, site), before, texts=site is None)
    if yes:
        remove(records, planned)
    found = f"{counted(len(planned.reports), 'report')} and {counted(len(planned.texts), 'text')} of faces"
    print(f"{found} older than {counted(days, 'day')}{' removed.' if yes else ': add --yes to remove them.'}")
    for sentence in planned.damaged:
        print(printable(sentence, 1000), file=sys.stderr)
    if planned.damaged:
        raise typer.Exit(1)
