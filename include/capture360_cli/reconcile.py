"""`capture360 reconcile`: records and CDF compared, and what was lost taken up again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from capture360.cdf.client import CdfProject
    from capture360.model import Finding
    from capture360.records import Records
    from capture360.settings import Register
    from capture360.steps.context import StepContext

_DRIFT = 3


def reconcile(
    what: Annotated[
        str | None, typer.Argument(help="<site>/<capture>, or a site; all sites of the register by default.")
    ] = None,
    *,
    connection: Annotated[Path, typer.Option(help="The CDF connection, such as the sandbox's connection.json.")],
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Take up again what is lost of one capture's links; see the findings first."),
    ] = False,
) -> None:
    """Say what of published captures is lost or changed in records or CDF, and how to mend it. Writes nothing, but with
    --repair. Exit codes: 0 nothing is, 3 something is, 1 it could not be told.
    """
    from capture360.cdf.client import CdfProject, Connection
    from capture360.errors import ConfigError
    from capture360.records import Records
    from capture360.settings import Register

    one = what is not None and "/" in what
    if repair and not one:
        raise ConfigError("--repair takes one capture. Name it as <site>/<capture>.")
    register = Register()
    records, cdf = Records(register.records_url), CdfProject(Connection.from_file(connection))
    findings: Sequence[Finding] = (
        _capture(str(what), register, records, cdf, repair=repair) if one else _sites(what, register, records, cdf)
    )
    for finding in findings:
        print(f"{finding.where}: {finding.message}")
    if findings:
        raise typer.Exit(_DRIFT)
    print("Records and CDF agree.")


def _capture(text: str, register: Register, records: Records, cdf: CdfProject, *, repair: bool) -> Sequence[Finding]:
    from capture360.names import checked_key
    from capture360.steps import lease
    from capture360.steps import reconcile as steps

    key = checked_key(text)
    ctx = _ctx(key.site, register, records, cdf)
    if repair:
        with lease.held(records, key, ctx.run, is_finished=lease.process_is_finished):
            steps.repair(ctx, key)
    return steps.reconcile(ctx, key)


def _sites(site: str | None, register: Register, records: Records, cdf: CdfProject) -> Sequence[Finding]:
    from capture360.steps.reconcile import reconcile_site

    findings: list[Finding] = []
    for each in [site] if site else register.site_ids:
        done = reconcile_site(_ctx(each, register, records, cdf))
        findings += done.findings
        for key in done.passed_over:
            print(f"{key} is being written; it was not compared", file=sys.stderr)
        print(f"{each}: {done.compared} captures compared", file=sys.stderr)
    return findings


def _ctx(site: str, register: Register, records: Records, cdf: CdfProject) -> StepContext:
    from capture360.steps import lease
    from capture360.steps.context import StepContext

    said = lambda line: print(line, file=sys.stderr)  # noqa: E731
    return StepContext(register.site(site), records, cdf, lease.name_of_this_process(), said)
