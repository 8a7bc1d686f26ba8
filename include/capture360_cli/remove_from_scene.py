"""`capture360 remove-from-scene`: take a capture out of its site's scene and keep all its data."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from capture360.model import CaptureKey
from capture360_cli.one_capture import held
from capture360_cli.options import ConnectionFile, TakeOver


def remove_from_scene(
    capture: Annotated[str, typer.Argument(help="<site>/<capture>, a site of the register.")],
    connection: ConnectionFile,
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Only list what would be taken out of the scene.")] = False,
    take_over: TakeOver = False,
) -> None:
    """Remove one capture from its site's scene. Collection, images and files stay as they are."""
    from capture360.steps import scene
    from capture360_cli.register import opened, step_context

    key = CaptureKey.parse(capture)
    ctx = step_context(key.site, *opened(connection, key.site))
    with nullcontext() if plan else held(ctx, key, take_over=take_over):
        for edge in scene.remove_from_scene(ctx, key, plan=plan):
            print(edge)
