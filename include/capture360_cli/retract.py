"""`capture360 retract`: remove what one capture made in CDF."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from capture360.errors import ConfigError, RequestError
from capture360.model import CaptureKey
from capture360_cli.one_capture import held
from capture360_cli.options import ConnectionFile, TakeOver

_HELD = 3


def retract(
    capture: Annotated[str, typer.Argument(help="<site>/<capture>, a site of the register.")],
    *,
    connection: ConnectionFile,
    plan: Annotated[bool, typer.Option("--plan", help="Only list what would be removed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --plan: print all of it as one JSON object.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before anything is removed.")] = False,
    take_over: TakeOver = False,
) -> None:
    """Remove a capture from CDF, exactly what it made, in reverse order. Delivered files stay.

    Exit codes: 0 done or planned, 3 others attached something to it, 1 error or not confirmed.
    """
    import getpass
    import json
    import os

    from capture360.steps.retract import plan_retraction
    from capture360.steps.retract import retract as undo
    from capture360.steps.review_due import review_waits
    from capture360_cli.register import opened, step_context

    if as_json and not plan:
        raise RequestError("--json is for --plan. Give both.")
    key = CaptureKey.parse(capture)
    ctx = step_context(key.site, *opened(connection))
    try:
        person = getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on: a user id without a name, as in containers
        person = f"user {os.getuid()}"
    planned = plan_retraction(ctx, key)
    print(json.dumps(planned.document()) if as_json else "\n".join(planned.lines()))
    if planned.holders:
        raise typer.Exit(_HELD)
    if plan:
        return
    if ctx.site.retract_approvals > 1:
        raise ConfigError(f"Site {key.site} asks for two people. Trigger captures_retract in Airflow, which asks both.")
    if not yes and not typer.confirm(f"Remove {key} from CDF?", err=True):
        print("Nothing was removed.", file=sys.stderr)
        raise typer.Exit(1)
    with held(ctx, key, take_over=take_over):
        undo(ctx, key, approved=planned.digest, by=person)
    if review_waits(ctx.records, key):
        print(
            f"A review of it still waits for answers. A later sensing has captures_review end it; to end it now, "
            f"trigger that with capture {key}.",
            file=sys.stderr,
        )
