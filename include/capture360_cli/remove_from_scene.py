"""`capture360 remove-from-scene`: take a capture out of its site's scene and keep all its data."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from capture360_cli.one_capture import held
from capture360_cli.options import ConnectionFile, TakeOver


def remove_from_scene(
    capture: Annotated[str, typer.Argument(help="<site>/<capture>, a site of the register.")],
    connection: ConnectionFile,
    take_over: TakeOver = False,
) -> None:
    """Remove one capture from its site's scene. Collection, images and files stay as they are."""
    from capture360.cdf.client import CdfProject, Connection
    from capture360.model import CaptureKey
    from capture360.records import Records
    from capture360.steps import lease, scene
    from capture360.steps.context import StepContext
    from capture360_cli.register import site_register

    key = CaptureKey.parse(capture)
    register = site_register(connection)
    ctx = StepContext(
        site=register.site(key.site),
        records=Records(register.records_url),
        cdf=CdfProject(Connection.from_file(connection)),
        run=lease.name_of_this_process(),
        log=lambda line: print(line, file=sys.stderr),
    )
    with held(ctx, key, take_over=take_over):
        for edge in scene.remove_from_scene(ctx, key):
            print(edge)
