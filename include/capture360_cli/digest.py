"""`capture360 digest`: what happened at a site, from the records."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def digest(
    site: Annotated[str, typer.Argument(help="The id of a site in the register.")],
    *,
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="Days up to today, in the site's time zone.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what happened at a site: captures in and out, stations held back and why, plates, differences from CDF.

    Reads the records alone. Exit codes: 0 done, 1 the site is not known or records of a capture are damaged.
    """
    from datetime import UTC, datetime

    from capture360.records import Records
    from capture360.reports.digest import text
    from capture360.steps.digest import Period, today
    from capture360.steps.digest import digest as collect
    from capture360_cli.register import site_register

    register = site_register()
    settings = register.site(site)
    period = Period.ending(today(settings, datetime.now(UTC)), days)
    found = collect(settings, Records(register.records_url), period)
    print(json.dumps(found.document()) if as_json else text(found))
    if found.damaged:
        raise typer.Exit(1)
