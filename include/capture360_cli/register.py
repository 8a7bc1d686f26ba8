"""Choose the site register that a command works on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capture360.settings.register import Register

LOCAL_STATE = Path(".local")
"""Where `capture360 stack up` keeps its state by default."""


def site_register(connection: Path | None = None) -> Register:
    """Return the register that CAPTURE360_CONFIG names, else that of a local stack, else `config/sites.yaml`.

    The stack is the one whose sandbox wrote the `connection` file. A command without a connection takes the stack of
    this folder, if it runs.
    """
    from capture360.settings.register import CONFIG_VARIABLE, Register
    from capture360_local.stack import Stack
    from capture360_local.stack.profile import Home

    if os.environ.get(CONFIG_VARIABLE):
        return Register()
    if connection is not None:
        home = Home.of_connection(connection)
    else:
        stack = Stack(LOCAL_STATE)
        home = stack.home if stack.status().running else None
    if home is None:
        return Register()
    print(f"Site register of the local stack: {home.register}", file=sys.stderr)
    return home.site_register()
