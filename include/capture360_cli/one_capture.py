"""The arguments of commands about one capture: its folder, the settings of its site, the records."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from capture360.errors import ConfigError, LeaseHeldError, RequestError
from capture360.model import CaptureKey
from capture360_cli.options import DEFAULT_SPACE

if TYPE_CHECKING:
    from capture360.cdf.client import Connection
    from capture360.settings.site import Site
    from capture360.steps.context import StepContext


def key_of(url: str) -> CaptureKey:
    """Return the key that the manifest states, else the last two parts of the folder's path."""
    from capture360.landing.folder import CaptureFolder
    from capture360.readers.manifest_file import load_document
    from capture360.readers.problem import Unreadable

    parts = url.rstrip("/").split("/")
    site, capture = parts[-2], parts[-1]
    try:
        manifest = load_document(CaptureFolder(url))
    except (OSError, Unreadable):
        manifest = {}
    return CaptureKey.parse(f"{manifest.get('site_id', site)}/{manifest.get('capture_id', capture)}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The settings that a command about one capture works with, and the folder of the records."""

    site: Site
    records: str


def choose(
    key: CaptureKey,
    url: str,
    connection: Path,
    *,
    site: str | None,
    space: str | None,
    records: str | None,
    registered: bool = False,
) -> Chosen:
    """Return settings and records for a capture in the folder `url`: those of the register where it knows the site.

    The register is the one that is named, or that of the connection's local stack. A site that it does not know gets
    defaults for a trial, and records of this user, as does a known site in another space. What is chosen is printed on
    stderr. With `registered` the site has to be one of the register's, unless `site` is a file. RequestError if `site`
    is not the capture's.
    """
    from capture360.cdf.client import Connection
    from capture360_cli.register import named_register, site_register

    asked = None if site is None or is_file(site) else site
    if asked is not None and asked != key.site:
        raise RequestError(f"{key} is a capture of site {key.site}, not of {asked}. Name that site, or none.")
    by_id = asked is not None or (registered and site is None)
    register = (site_register if by_id or (registered and not records) else named_register)(connection)
    known = register.site(key.site) if register and (by_id or key.site in register.site_ids) else None
    settings = known if known and asked == site else settings_of(key.site, site, space, url.rpartition("/")[0])
    if space:
        settings = settings.model_copy(update={"space": space})
    if records:
        kept, whose = absolute(records), ""
    elif register and known and settings.space == known.space:
        kept, whose = register.records_url, f" of the register {register.url}"
    else:
        kept, whose = default_records(Connection.from_file(connection)), " of this user"
    if known is None and site is None:
        print(f"No register that is named knows site {key.site}: settings for a trial apply.", file=sys.stderr)
    print(f"Space {settings.space}, records {kept}{whose}", file=sys.stderr)
    return Chosen(settings, kept)


def is_file(site: str) -> bool:
    """Return whether `--site` names a file of settings, not a site of the register."""
    return site.endswith((".yaml", ".yml"))


def settings_of(site_id: str, site: str | None, space: str | None, landing: str) -> Site:
    """Return a site's settings from a file; without one, defaults for a trial."""
    from capture360.settings.register import site_from_file, site_from_values

    if site is not None:
        return site_from_file(site_id, site)
    values = {"landing": {"url": landing}, "space": space or DEFAULT_SPACE}
    return site_from_values(site_id, values, where="the command line")


def existing_folder(folder: str) -> str:
    """Return the folder's full URL; ConfigError if it is missing or empty."""
    from capture360.landing.folder import CaptureFolder

    url = absolute(folder)
    if not CaptureFolder(url).files:
        raise ConfigError(f"{url} is not there, or is empty. Name the folder that holds capture.yaml and the tables.")
    return url


def absolute(folder: str) -> str:
    """Return a folder's URL, or the full path of a local one."""
    return folder.rstrip("/") if "://" in folder else str(Path(folder).resolve())


def default_records(connection: Connection) -> str:
    """Return a folder per CDF project, so that records of a trial never affect another project."""
    return str(state_folder("records", connection))


def state_folder(name: str, connection: Connection) -> Path:
    """Return this user's folder of that name for one CDF project."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state, "capture360", name, *(quote(part, safe="") for part in connection.identity))


def is_finished(*, take_over: bool) -> Callable[[str], bool]:
    """Return what says whether a run that holds a lease has ended, which with `take_over` any run has."""
    from capture360.steps import lease

    return lambda run: take_over or lease.process_is_finished(run)


@contextmanager
def held(ctx: StepContext, key: CaptureKey, *, take_over: bool) -> Iterator[None]:
    """Hold the capture's lease in the context, with `take_over` that of any run."""
    from capture360.steps import lease

    with lease_remedy(), lease.held(ctx.records, key, ctx.run, is_finished=is_finished(take_over=take_over)):
        yield


@contextmanager
def lease_remedy() -> Iterator[None]:
    """Name `--take-over` in the remedy of a LeaseHeldError that has none of its own."""
    try:
        yield
    except LeaseHeldError as error:
        if error.remedy != LeaseHeldError.remedy:
            raise
        hint = "Wait for that run to end. If it was killed, add --take-over."
        raise LeaseHeldError(error.key, error.holder, remedy=hint) from None
