"""`capture360 move`: move a site's captures to another CDF project, with what people decided about their plates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capture360.text import counted, printable
from capture360_cli.one_capture import absolute, default_records, is_finished, state_folder
from capture360_cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from capture360.steps.move import Move, Outcome

_LEFT = 3
_SHOWN = 1000


def move(
    site: Annotated[str, typer.Argument(help="The site, as the register has it.")],
    *,
    old: Annotated[Path, typer.Option("--from", help="The connection of the old CDF project. It is only read.")],
    new: Annotated[Path, typer.Option("--to", help="The connection of the new CDF project.")],
    register: Annotated[
        str | None,
        typer.Option(
            help="The site register of the new project, with its records and the settings of the site there; "
            "the settings of today by default."
        ),
    ] = None,
    records: Annotated[
        str | None,
        typer.Option(
            help="Folder of the new project's records; that of its register, or one of this user, by default."
        ),
    ] = None,
    work: Annotated[
        str | None,
        typer.Option(
            help="Folder for faces of the old project until their capture is moved; one of this user by default."
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done with each capture.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and nothing else.")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take leases over from a run in the new project that was killed.")
    ] = False,
) -> None:
    """Publish a site's captures in another CDF project, with the decisions of people about their plates.

    Each capture is ingested anew from the landing zone, or from the faces of the old project where its files no longer
    exist. The old project and its records are only read. Stopped anywhere, the same command goes on. Exit codes: 0
    everything is in the new project, or would be, 3 something stays behind, 1 error.
    """
    from capture360.steps.move import captures_to_move, move_capture, plan_move, refuse_unready

    with progress() as log:
        moving = _moving(site, old, new, register, records, work, log)
        keys = captures_to_move(moving)
        refuse_unready(moving, keys)
        done: list[Outcome] = []
        for key in keys:
            log(f"{key}")
            if plan:
                done.append(plan_move(moving, key))
            else:
                done.append(move_capture(moving, key, is_finished=is_finished(take_over=take_over)))
    if as_json:
        print(json.dumps(_document(moving, site, done, plan), indent=2))
    else:
        print("\n".join(_lines(moving, site, done)))
    if not all(each.is_whole for each in done):
        raise typer.Exit(_LEFT)


def _moving(
    site: str,
    old: Path,
    new: Path,
    register: str | None,
    records: str | None,
    work: str | None,
    log: Callable[[str], None],
) -> Move:
    from capture360.cdf.capabilities import inspect
    from capture360.cdf.client import CdfProject, Connection
    from capture360.records import Records
    from capture360.settings.register import Register
    from capture360.steps import lease
    from capture360.steps.context import StepContext
    from capture360.steps.move import Move
    from capture360_cli.register import site_register

    today = site_register(old)
    there = Register(register) if register else None
    source, target = CdfProject(Connection.from_file(old)), CdfProject(Connection.from_file(new))
    for project in (source, target):
        inspect(project.connection)
    run = lease.name_of_this_process()
    kept = absolute(records) if records else there.records_url if there else default_records(target.connection)
    return Move.between(
        StepContext(today.site(site), Records(today.records_url), source, run, log),
        StepContext((there or today).site(site), Records(kept), target, run, log),
        Path(absolute(work)) if work else state_folder("moving", target.connection),
    )


def _document(moving: Move, site: str, done: Sequence[Outcome], plan: bool) -> dict[str, Any]:
    old, new = moving.old.cdf.connection, moving.new.cdf.connection
    return {
        "site": site,
        "from": old.project,
        "to": new.project,
        "records": moving.new.records.url,
        "plan": plan,
        "captures": [each.document() for each in done],
    }


def _lines(moving: Move, site: str, done: Sequence[Outcome]) -> Iterator[str]:
    old, new = moving.old.cdf.connection, moving.new.cdf.connection
    yield f"Site {site} from project {old.project} ({old.mode}) to {new.project} ({new.mode})"
    yield f"Records of the new project: {moving.new.records.url}"
    for each in done:
        if each.problem:
            yield printable(f"{each.key}: not moved. {each.problem}", _SHOWN)
            continue
        if not each.source:
            where = "new" if each.state == "retracted" else "old"
            yield f"{each.key}: {each.state}, it was retracted in the {where} project"
            continue
        yield (
            f"{each.key}: {each.state}, {counted(each.stations, 'station')} from the {each.source}, "
            f"{counted(each.approved, 'approval')} and {counted(each.rejected, 'rejection')} of people"
        )
        for sentence in (*each.sentences, *map(str, each.left)):
            yield printable(f"  stays behind: {sentence}", _SHOWN)
    states = ("to move", "moved", "to keep out", "kept out", "retracted", "unchanged", "failed")
    counts = {state: sum(each.state == state for each in done) for state in states}
    left = sum(len(each.left) for each in done)
    shown = ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "none"
    yield f"{counted(len(done), 'capture')}: {shown}; decisions that stay behind: {left}"
