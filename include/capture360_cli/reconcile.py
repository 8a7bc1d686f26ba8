"""`capture360 reconcile`: compare records and CDF, and recover lost notes of links."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.errors import ConfigError, RequestError
from capture360.model import CaptureKey
from capture360_cli.one_capture import held
from capture360_cli.options import ConnectionFile, TakeOver

if TYPE_CHECKING:
    from capture360.cdf.client import CdfProject
    from capture360.records import Records
    from capture360.rules.finding import Finding
    from capture360.settings.register import Register
    from capture360.steps.context import StepContext

_DRIFT = 3
_NOT_COMPARED = 1


def reconcile(
    what: Annotated[
        str | None, typer.Argument(help="<site>/<capture>, or a site; all sites of the register by default.")
    ] = None,
    *,
    connection: ConnectionFile,
    repair: Annotated[
        bool, typer.Option("--repair", help="Recover one capture's lost decisions of people from recorded answers.")
    ] = False,
    discard_lost: Annotated[
        bool,
        typer.Option(
            "--discard-lost",
            help="Discard the lost decisions of one capture that --repair cannot recover.",
        ),
    ] = False,
    take_over: TakeOver = False,
) -> None:
    """Compare the records of published captures with CDF, and say how to fix what is lost or changed.

    Read-only, unless --repair or --discard-lost is given. Exit codes: 0 no differences, 3 differences found, 1 not
    everything could be compared.
    """
    from capture360_cli.register import all_sites, opened, step_context

    one = what is not None and "/" in what
    if (repair or discard_lost) and not one:
        raise ConfigError("--repair and --discard-lost take one capture. Name it as <site>/<capture>.")
    if take_over and not (repair or discard_lost):
        raise ConfigError("--take-over goes with --repair or --discard-lost: a comparison alone takes no lease.")
    register, records, cdf = opened(connection)
    if one:
        key = _key(str(what), records)
        ctx = step_context(key.site, register, records, cdf)
        if repair or discard_lost:
            _recover(ctx, key, repair=repair, discard_lost=discard_lost, take_over=take_over)
        compared = iter([_capture(ctx, key)])
    else:
        compared = _sites([what] if what else all_sites(register), register, records, cdf)
    drifted, complete = False, True
    for findings, passed_over in compared:
        for finding in findings:
            print(finding.line)
        for key in passed_over:
            print(f"{key} is being written by a run; it was not compared", file=sys.stderr)
        drifted, complete = drifted or bool(findings), complete and not passed_over
    if drifted:
        raise typer.Exit(_DRIFT)
    if not complete:
        raise typer.Exit(_NOT_COMPARED)
    print("Records and CDF agree.")


def _key(text: str, records: Records) -> CaptureKey:
    from capture360.capture_state import STAGE_STEPS

    key = CaptureKey.parse(text)
    if records.load(key, only=STAGE_STEPS) is None:
        raise RequestError(f"{records.url} holds no records of {key}. See whether its name is right.")
    return key


def _recover(ctx: StepContext, key: CaptureKey, *, repair: bool, discard_lost: bool, take_over: bool) -> None:
    from capture360.steps import repair as steps

    with held(ctx, key, take_over=take_over):
        if repair:
            steps.repair(ctx, key)
        if discard_lost:
            steps.discard_lost(ctx, key)


def _capture(ctx: StepContext, key: CaptureKey) -> tuple[Sequence[Finding], Sequence[CaptureKey]]:
    from capture360.steps.reconcile import reconcile_quiet

    findings = reconcile_quiet(ctx, key)
    return ([], [key]) if findings is None else (findings, [])


def _sites(
    sites: Sequence[str], register: Register, records: Records, cdf: CdfProject
) -> Iterator[tuple[Sequence[Finding], Sequence[CaptureKey]]]:
    """Compare site by site; ConfigError about the settings of one comes after all others."""
    from capture360.steps.reconcile import reconcile_site
    from capture360_cli.register import step_context

    wrong = None
    for site in sites:
        try:
            ctx = step_context(site, register, records, cdf)
        except ConfigError as error:
            print(f"{site} is not compared: {error}", file=sys.stderr)
            wrong = wrong or error
            continue
        done = reconcile_site(ctx)
        print(f"{site}: captures compared: {done.compared}", file=sys.stderr)
        yield done.findings, done.passed_over
    if wrong:
        raise wrong
