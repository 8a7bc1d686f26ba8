"""`capture360 coverage`: which of a site's assets its captures have seen, by capture and over time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.errors import RequestError
from capture360.text import printable
from capture360_cli.register import chosen_sites, site_register
from capture360_cli.tables import aligned

if TYPE_CHECKING:
    from capture360.matching.coverage import Coverage
    from capture360.steps.coverage import SiteCoverage

_COLUMNS = ("captured", "capture", "linked", "asked", "seen", "linked so far", "not seen so far", "seen so far")
_CRITICAL = ("critical linked", "critical not seen so far")
_TEXTS = 2
"""The columns from this one on are numbers."""
_SHOWN = 20


def coverage(
    site: Annotated[str, typer.Argument(help="A site of the register.")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, with all assets that were never seen.")
    ] = False,
) -> None:
    """Count which assets of a site are linked, asked about, or never seen. Reads the records alone.

    Exit codes: 0 counted, 1 nothing of the site was contextualized, or its list of critical assets is wrong.
    """
    from capture360.records import Records
    from capture360.steps.coverage import site_coverage

    register = site_register()
    (name,) = chosen_sites(register, site)
    found = site_coverage(Records(register.records_url), register.site(name))
    if not found.steps:
        raise RequestError(f"No capture of {name} was contextualized, so nothing is counted. Contextualize one.")
    if as_json:
        print(json.dumps(_document(name, found), indent=2))
    else:
        print("\n".join(_lines(found)))
    for finding in found.findings:
        print(finding.message, file=sys.stderr)
    if found.findings:
        raise typer.Exit(1)


def _document(site: str, found: SiteCoverage) -> dict[str, object]:
    return {
        "site": site,
        "total": found.total.document(),
        "critical": found.critical.document() if found.critical else None,
        "captures": [step.document() for step in found.steps],
        "never_seen": list(found.never_seen),
        "critical_never_seen": list(found.critical_never_seen),
        "findings": [finding.document() for finding in found.findings],
    }


def _lines(found: SiteCoverage) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [(*_COLUMNS, *(_CRITICAL if found.critical else ()))]
    for step in found.steps:
        own, far = step.own, step.so_far
        row: tuple[str, ...] = (step.captured_on or "-", step.key.capture)
        row = (*row, f"{own.linked:,}", f"{own.asked:,}", _share(own))
        row = (*row, f"{far.linked:,}", f"{far.never_seen:,}", _share(far))
        if step.critical and step.critical_so_far:
            row = (*row, f"{step.critical.linked:,}", f"{step.critical_so_far.never_seen:,}")
        rows.append(row)
    yield from aligned(rows, _TEXTS)
    yield _sentence(found.total, "assets of the site")
    if found.critical:
        yield _sentence(found.critical, "critical assets")
    if found.critical_never_seen:
        names = ", ".join(found.critical_never_seen[:_SHOWN])
        more = len(found.critical_never_seen) - _SHOWN
        yield printable(f"Critical and never seen: {names}{f' and {more:,} more' if more > 0 else ''}", 2000)


def _share(of: Coverage) -> str:
    return f"{100 * of.share_seen:.1f} %"


def _sentence(of: Coverage, what: str) -> str:
    return (
        f"{of.linked:,} of {of.assets:,} {what} are linked ({100 * of.share_linked:.1f} %), {of.asked:,} are asked "
        f"about, {of.never_seen:,} were never seen"
    )
