"""Choose the site register that a command works on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from capture360.errors import ConfigError, RequestError
from capture360.text import printable
from capture360_local import LOCAL_STATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capture360.cdf.client import CdfProject
    from capture360.records import Records
    from capture360.settings.register import Register
    from capture360.steps.context import StepContext
    from capture360_local.stack import Stack


def site_register(connection: Path | None = None) -> Register:
    """Return the register that CAPTURE360_CONFIG names, else that of a local stack, else `config/sites.yaml`."""
    from capture360.settings.register import Register

    return named_register(connection) or Register()


def named_register(connection: Path | None = None) -> Register | None:
    """Return the register that CAPTURE360_CONFIG names, else that of a local stack; None without either.

    The stack is the one whose sandbox wrote the `connection` file. A command without a connection takes the stack of
    this folder that runs; ConfigError if several do.
    """
    from capture360.settings.register import CONFIG_VARIABLE, Register

    if os.environ.get(CONFIG_VARIABLE):
        return Register()
    if connection is None and not (stacks := _running_stacks()):
        return None
    from capture360_local.stack.profile import HOME_VARIABLE, Home

    if connection is not None:
        home = Home.of_connection(connection)
    else:
        homes = [stack.home for stack in stacks]
        if len(homes) > 1:
            roots = " and ".join(str(each.root) for each in homes)
            raise ConfigError(
                f"Several local stacks run, in {roots}. Set {HOME_VARIABLE} to one of these folders, and "
                f"{CONFIG_VARIABLE} to config/sites.yaml in it."
            )
        home = homes[0]
    if home is None:
        return None
    print(f"Site register of the local stack: {home.register}", file=sys.stderr)
    return home.site_register()


def _running_stacks() -> Sequence[Stack]:
    """Return the stacks of this folder that run; each mode has one of its own."""
    if not LOCAL_STATE.exists():
        return []
    from capture360.cdf.project_mode import ModeName
    from capture360_cli.stack import stack_of

    stacks = [stack_of(LOCAL_STATE, mode) for mode in get_args(ModeName)]
    return [stack for stack in stacks if stack.status().running]


def chosen_sites(register: Register, site: str | None) -> Sequence[str]:
    """Return the site that was named, or all; RequestError if the register has none of that name."""
    if site is None:
        return register.site_ids
    if site not in register.site_ids:
        raise RequestError(f'The register has no site "{site}". Name one of {", ".join(register.site_ids)}.')
    return [site]


def pages_in_airflow(address: str) -> str:
    """Return the address of capture360's pages in the Airflow at this address, of the environment, or of a local stack.

    Empty if none is known, or several stacks run.
    """
    from capture360.reports.addresses import WEB_PREFIX

    base = address or os.environ.get("AIRFLOW__API__BASE_URL", "")
    if not base and len(stacks := _running_stacks()) == 1:
        base = stacks[0].status().url
    return f"{base.rstrip('/')}{WEB_PREFIX}" if base else ""


def all_sites(register: Register) -> Sequence[str]:
    """Return all sites; ConfigError if they use several connections. Wrong settings are reported site by site."""
    from contextlib import suppress

    projects = set()
    for site in register.site_ids:
        with suppress(ConfigError):
            projects.add(register.site(site).connection)
    if len(projects) > 1:
        raise ConfigError(f"The sites use the connections {', '.join(sorted(projects))}. Name a site.")
    return register.site_ids


def opened(connection: Path, site: str | None = None) -> tuple[Register, Records, CdfProject]:
    """Return the site register, its records and the CDF project of a connection file.

    A mistake in `site`, or in its settings, comes before one in the connection.
    """
    from capture360.cdf.client import CdfProject, Connection
    from capture360.records import Records

    register = site_register(connection)
    if site is not None:
        register.site(site)
    return register, Records(register.records_url), CdfProject(Connection.from_file(connection))


def step_context(site: str, register: Register, records: Records, cdf: CdfProject) -> StepContext:
    """Return the context of steps for a site; their progress goes to stderr."""
    from capture360.steps import lease
    from capture360.steps.context import StepContext

    def log(line: str) -> None:
        print(printable(line, 2000), file=sys.stderr)

    return StepContext(register.site(site), records, cdf, lease.name_of_this_process(), log)
