"""`capture360 doctor`: check a connection, and compare its project with the sandbox."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture360.errors import ConfigError, StoreUnavailableError
from capture360_cli.options import ConnectionFile, SiteSettings, Space

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from capture360.cdf.client import Connection
    from capture360.cdf.readiness import CheckResult
    from capture360.settings.site import Site
    from capture360_local.conformance.conform import Outcome
    from capture360_local.conformance.run import OnCase

_COLOURS = {"fit": "green", "missing": "red", "not asked": "yellow"}
_INTERRUPTED = 130


_OF_CONFORMANCE = frozenset({"out", "dry_run"})
_OF_CLEAN = frozenset({"dry_run"})


def doctor(
    context: typer.Context,
    connection: ConnectionFile,
    site: SiteSettings = None,
    space: Space = None,
    panoramas: Annotated[int, typer.Option(min=0, help="Number of panoramas that must fit in.")] = 1000,
    fix_list: Annotated[
        bool, typer.Option("--fix-list", help="Print what is missing as a to-do for an administrator, with groups.")
    ] = False,
    conformance: Annotated[
        bool, typer.Option("--conformance", help="Send the same requests to project and sandbox, in a throwaway space.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="With --conformance: folder for scrubbed requests and answers.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="With --conformance: list the cases and what each writes. With --clean: what is left."
        ),
    ] = False,
    clean: Annotated[
        str | None, typer.Option(metavar="NAME", help="Remove what a conformance run of that name left behind.")
    ] = None,
) -> None:
    """Check whether a connection is fit to publish captures, and say what to ask its administrator for.

    Writes nothing to CDF, unless --conformance or --clean is given. Of a site of the register it tries the store of the
    records too. Exit codes: 0 fit, or no differences; 130 a run of --conformance was interrupted, or stopped since the
    project answered no more; 1 otherwise.
    """
    from rich.console import Console

    from capture360.cdf.client import Connection

    _refuse_other_options(context)
    screen = Console()
    target = Connection.from_file(connection)
    if clean is not None:
        raise typer.Exit(_clean(screen, target, clean, dry_run=dry_run))
    if conformance:
        raise typer.Exit(_cases(screen, target) if dry_run else _conformance(screen, target, out, connection))
    settings, records = _settings(site, space, connection)
    if fix_list:
        raise typer.Exit(_fix_list(target, settings, panoramas))
    raise typer.Exit(_check(screen, target, settings, panoramas, records))


def _refuse_other_options(context: typer.Context) -> None:
    """Raise ConfigError for an option that would do nothing beside another one that is given."""
    names = {str(each.name): each.opts[0] for each in context.command.params}
    source = {name: context.get_parameter_source(name) for name in names}
    given = {name for name, where in source.items() if where and where.name == "COMMANDLINE"} - {"connection"}
    for verb, more in (("clean", _OF_CLEAN), ("conformance", _OF_CONFORMANCE)):
        if verb in given:
            if others := given - more - {verb}:
                said = ", ".join(names[each] for each in sorted(others))
                raise ConfigError(f"{said} and {names[verb]} do not belong together. Give one of them at a time.")
            return
    if "out" in given:
        raise ConfigError("--out belongs to --conformance. Add it.")
    if "dry_run" in given:
        raise ConfigError("--dry-run belongs to --conformance or --clean. Add one of them.")


def _settings(site: str | None, space: str | None, connection: Path) -> tuple[Site, str | None]:
    """Return the settings, and the URL of the records if the register has the site."""
    from capture360_cli.one_capture import is_file, settings_of
    from capture360_cli.register import site_register

    if site is None or is_file(site):
        settings, records = settings_of("doctor", site, space, "unused"), None
    else:
        register = site_register(connection)
        settings, records = register.site(site), register.records_url
    return settings.model_copy(update={"space": space}) if space else settings, records


def _check(screen: Console, connection: Connection, site: Site, panoramas: int, records: str | None) -> int:
    from capture360.cdf.readiness import check_project, is_fit

    with screen.status("Asking the project"):
        found = [*check_project(connection, site, panoramas), *([_store(records)] if records else ())]
    _print_rows(screen, found)
    if is_fit(found):
        screen.print(f'The connection is fit to publish into space "{site.space}".', style="bold green", markup=False)
        return 0
    screen.print("Not fit to publish yet. The right column says what to ask for.", style="bold red")
    return 1


def _store(url: str) -> CheckResult:
    """Check that the store of the records creates a document once, if it is reached from here."""
    from capture360.cdf.readiness import CheckResult
    from capture360.records import Records
    from capture360.steps.lease import refuse_overwriting_store

    try:
        refuse_overwriting_store(Records(url))
    except StoreUnavailableError as error:
        return CheckResult("records", "not asked", "publishing from here", f"{error} {error.remedy}")
    except ConfigError as error:
        return CheckResult("records", "missing", "publishing", f"{error} {error.remedy}")
    return CheckResult("records", "fit", "publishing", f"{url} creates a document once")


def _fix_list(connection: Connection, site: Site, panoramas: int) -> int:
    from capture360.cdf.readiness import check_project, fix_list, is_fit

    found = check_project(connection, site, panoramas)
    print("\n".join(fix_list(connection, site, found)))
    return 0 if is_fit(found) else 1


def _print_rows(screen: Console, found: Sequence[CheckResult]) -> None:
    table = _table("what", "state", "needed for", "found, or what to ask the administrator for")
    for row in found:
        table.add_row(row.what, _styled(row.state, _COLOURS[row.state]), row.needed_for, _styled(row.message))
    screen.print(table)


def _cases(screen: Console, connection: Connection) -> int:
    from capture360_local.conformance.cases import cases_for
    from cdf_sandbox.core.options import ProjectMode

    cases = cases_for(ProjectMode(connection.mode))
    table = _table("case", "request", "expected", "writes")
    for case in cases:
        table.add_row(case.name, _styled(f"{case.method} {case.path}"), str(case.expected), case.writes or "nothing")
    screen.print(table)
    screen.print(f"{len(cases)} cases. Nothing was asked of the project.")
    return 0


def _conformance(screen: Console, connection: Connection, out: Path | None, file: Path) -> int:
    from capture360_local.conformance.conform import conform, record
    from capture360_local.conformance.run import new_name

    name = new_name()
    screen.print(f"Throwaway space and prefix of all external ids: {name}")
    try:
        with _terminate_as_interrupt(), _progress() as on_case:
            outcome = conform(connection, name, on_case)
    except KeyboardInterrupt:
        screen.print(_again(file, name, "The cleaning was interrupted: something may be left."), style="bold red")
        return _INTERRUPTED
    if out is not None and outcome.project:
        record(outcome, connection, out)
        screen.print(f"Requests and answers: {out}", markup=False)
    _print_outcome(screen, outcome)
    if outcome.left:
        screen.print(_again(file, name, "Not everything was removed."), style="bold red")
    if outcome.stopped:
        return _INTERRUPTED
    return 0 if outcome.is_clean else 1


def _print_outcome(screen: Console, outcome: Outcome) -> None:
    if outcome.stopped:
        screen.print(outcome.stopped, style="bold red", markup=False)
    if outcome.unexpected:
        table = _table("case", "documented", "the project answered")
        for result in outcome.unexpected:
            table.add_row(result.case.name, str(result.case.expected), _styled(result.answered))
        screen.print(table)
    if outcome.differences:
        table = _table("case", "where", "the project", "the sandbox")
        for each in outcome.differences:
            table.add_row(each.case, _styled(each.where), _styled(each.project), _styled(each.sandbox))
        screen.print(table)
    screen.print(
        f"{len(outcome.project)} cases asked, {len(outcome.unexpected)} answers not as documented, "
        f"{len(outcome.differences)} differences to the sandbox."
    )
    for sentence in outcome.left:
        screen.print(sentence, style="red", markup=False)
    if outcome.project and not outcome.left:
        screen.print("Everything that was written is removed.")


def _clean(screen: Console, connection: Connection, name: str, *, dry_run: bool) -> int:
    from capture360_local.conformance.cleanup import areas_of, clean, leftovers
    from capture360_local.conformance.project import Project
    from capture360_local.conformance.run import NAME_PREFIX, is_name
    from cdf_sandbox.core.options import ProjectMode

    if not is_name(name):
        raise ConfigError(f'"{name}" is no name of a conformance run. They read {NAME_PREFIX} and 12 hex digits.')
    areas = areas_of(ProjectMode(connection.mode))
    with Project(connection) as project:
        there, left = leftovers(project, name, areas) if dry_run else ([], clean(project, name, areas))
    for each in there:
        screen.print(f"Would remove {each}", markup=False, highlight=False, soft_wrap=True)
    for sentence in left:
        screen.print(sentence, style="red", markup=False)
    if not left and not there:
        screen.print(f"Nothing is left of {name}.")
    return 1 if left else 0


def _again(file: Path, name: str, why: str) -> str:
    return f"{why} Run: capture360 doctor --connection {file} --clean {name}"


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Handle a termination signal as Ctrl-C, so that it cleans up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress() -> Iterator[OnCase]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    screen = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("starting a sandbox", total=None)
        yield lambda case, number, total: bar.update(task, completed=number, total=total, description=case)


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(show_lines=False, box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, vertical="top", overflow="fold", no_wrap=not place)
    return table


def _styled(text: str, style: str = "") -> Text:
    """Return the text unchanged: brackets in it are no markup."""
    from rich.text import Text

    return Text(text, style=style)
