"""`capture360 plan`: what a backfill of capture dates would do, and what it would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.errors import Capture360Error, RequestError
from capture360.model import CaptureKey
from capture360.text import counted, printable
from capture360_cli.options import ConnectionFile

if TYPE_CHECKING:
    from capture360.steps.backfill import Due
    from capture360.steps.context import StepContext

_SHOWN = 20
_LONGEST_LINE = 1000
_SAID = {"approved": "approved", "suggested": "suggested", "none": "no longer linked"}


def plan(
    *,
    connection: ConnectionFile,
    first: Annotated[str, typer.Option("--from", help="First capture date, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last capture date, included.")],
    what: Annotated[str, typer.Option(help="ingest, contextualize or both.")] = "both",
    site: Annotated[str | None, typer.Option(help="One site alone; all sites of the register by default.")] = None,
) -> None:
    """Say what a backfill of these dates would do and why, and what would change in CDF. Nothing is written.

    Faces of captures that are to be ingested are made to compare them, so this takes as long as an ingest. Links are
    compared by the texts that were read last.
    """
    from capture360.steps.backfill import What, captures_on, due_captures, parse_date
    from capture360_cli.register import all_sites, opened, step_context

    wanted, start, end = What.parse(what), parse_date(first), parse_date(last)
    if end < start:
        raise RequestError(f"--to {end} lies before --from {start}. Exchange them.")
    register, records, cdf = opened(connection)
    sites = [register.site(site).id] if site else all_sites(register)
    refused = 0
    total: Counter[str] = Counter()
    for day in (each for each in records.by_date.dates() if start <= each <= end):
        keys = [key for key in captures_on(records, day, site) if key.site in sites]
        for name, some in groupby(keys, key=lambda key: key.site):
            try:
                ctx = step_context(name, register, records, cdf)
                found = due_captures(ctx, list(some), wanted)
            except Capture360Error as error:
                refused += 1
                print(f"{day} {name}: {error}")
                continue
            for due in found:
                total[_kind(due)] += 1
                print(f"{day} {due.key}: {_reasons(due)}")
                for line in _changes(ctx, due):
                    print(f"  {line}")
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(total.items()))
    if said or not refused:
        print(f"{total.total()} captures: {said}" if said else "No capture was taken on these dates.")
    if refused:
        print(f"Not looked at, as said above: {counted(refused, 'site on a date', 'sites on a date')}")
        raise typer.Exit(1)


def _kind(due: Due) -> str:
    if due.lacking:
        return "cannot be done"
    if due.ingest:
        return "to ingest"
    return "to contextualize" if due.contextualize else "with nothing to do"


def _reasons(due: Due) -> str:
    if due.lacking:
        return f"cannot be done: {due.lacking}"
    if due.ingest:
        return f"ingest ({', '.join(due.ingest)})" + (", then contextualize" if due.contextualize else "")
    return f"contextualize ({', '.join(due.contextualize)})" if due.contextualize else "nothing to do"


def _changes(ctx: StepContext, due: Due) -> Iterator[str]:
    """Yield what would change in CDF, or why that cannot be said."""
    try:
        if due.ingest:
            yield from _written(ctx, due.key)
        elif due.contextualize:
            yield from _linked(ctx, due.key)
    except Capture360Error as error:
        yield f"It cannot be said what would change: {error}"


def _written(ctx: StepContext, key: CaptureKey) -> Iterator[str]:
    from capture360.steps.plan import plan as planned

    done = planned(ctx, key)
    yield done.validation.headline
    counts = {"files": done.files, "instances": done.instances, "3D revisions": done.revisions}
    said = [f"{len(some)} {what}" for what, some in counts.items() if some]
    yield f"would write {', '.join(said)}" if said else "would write nothing"
    if done.removed:
        yield f"would remove {len(done.removed)} images, and what only they use"


def _linked(ctx: StepContext, key: CaptureKey) -> Iterator[str]:
    from capture360.steps.match import changed_matches
    from capture360.steps.publish import STEP

    newest = ctx.records.newest_with(key, STEP)
    if newest is None or ctx.records.get(key, newest, "match") is None:
        yield "its texts have not been matched yet"
        return
    changed = changed_matches(ctx, key, newest)
    counted = Counter(_SAID[status] for _, status in changed)
    said = [f"{count} {what}" for what, count in sorted(counted.items())]
    yield f"would change links: {', '.join(said)}" if said else "would change no link of the texts that were read last"
    for match, status in changed[:_SHOWN]:
        asset = match.asset.name if match.asset else "no asset"
        seen = match.detection
        line = f'"{seen.on_one_line}" on {seen.image} {seen.face}: {asset} {_SAID[status]}'
        yield printable(line, _LONGEST_LINE)
    if len(changed) > _SHOWN:
        yield f"and {len(changed) - _SHOWN} more"
