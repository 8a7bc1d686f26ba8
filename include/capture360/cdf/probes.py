"""Questions to a project before it is used: spaces of assets, the endpoint of links, the migration flag, limits.

Nothing is changed: each is a count, or a list without items, which CDF refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from capture360.cdf.assets import CoreAssets
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.instances import relation
from capture360.cdf.link_ports import DecisionStore
from capture360.cdf.links.image360 import Image360Links
from capture360.cdf.preflight import space_exists
from capture360.cdf.registry import decision_store, mode_of
from capture360.errors import CdfError, CdfUnavailableError
from capture360.settings.site import Site

_INVALID = 400
_NOT_FOUND = 404
_NOT_ENABLED = "not enabled"
_SOFT_DELETED_DAYS = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """A question and its result: subject, whether it is fulfilled, what needs it, what was found or is to be done."""

    what: str
    is_fit: bool
    needed_for: Literal["links", "decisions in CDF", "information"]
    message: str


def probes(cdf: CdfProject, site: Site) -> Iterator[Probe]:
    """Yield the answers; a project that does not answer one of them is reported, and the others are asked."""
    links = mode_of(cdf).links(cdf, site, {})
    if isinstance(links, Image360Links) and site.links.enabled:
        yield _contextualization(cdf, site)
    if site.links.enabled and (store := decision_store(cdf, site)) is not None:
        yield _decisions(store)
    if site.links.asset_spaces and isinstance(mode_of(cdf).assets(cdf, site.links), CoreAssets):
        yield _asset_spaces(cdf, site.links.asset_spaces)
    yield _migration(cdf)
    yield from _statistics(cdf)


def _decisions(store: DecisionStore) -> Probe:
    """Look for the container of people's decisions."""
    what = "container of decisions"
    try:
        missing = store.missing()
    except (CdfError, CdfUnavailableError) as error:
        return Probe(what, False, "decisions in CDF", f"not known: {error.message}")
    return Probe(what, not missing, "decisions in CDF", missing or "is there")


def _asset_spaces(cdf: CdfProject, spaces: Sequence[str]) -> Probe:
    """Look for the spaces in which the settings say that assets are: lists of instances pass over unknown ones."""
    what = "spaces of assets"
    try:
        missing = [space for space in spaces if not space_exists(cdf, space)]
    except (CdfError, CdfUnavailableError) as error:
        return Probe(what, False, "links", f"not known: {error.message}")
    if not missing:
        return Probe(what, True, "links", f"{_quoted(spaces)} found")
    return Probe(
        what,
        False,
        "links",
        f"links.asset_spaces names {_quoted(missing)}, which project {cdf.connection.project} does not have. "
        "Correct the setting, or bring the assets into CDF.",
    )


def _quoted(spaces: Sequence[str]) -> str:
    return ", ".join(f'"{space}"' for space in spaces)


def _contextualization(cdf: CdfProject, site: Site) -> Probe:
    """Ask for no links: an endpoint that is open refuses the list as too short."""
    what, version = "link endpoint", site.data_modeling.cdf_version
    spaces = {
        "object3DSpace": site.data_modeling.objects_space or site.space,
        "contextualizationSpace": site.data_modeling.links_space or site.space,
    }
    body: dict[str, object] = {
        "items": [],
        "dmsContextualizationConfig": {**spaces, "revision": {"instanceId": relation(site.space, "none")}},
    }
    error = _refusal(cdf, "3d/contextualization/image360", body, {"cdf-version": version})
    if error is None:
        return Probe(what, True, "links", f"the contextualization of 360 images answers (cdf-version {version})")
    status = error.status
    if status == _INVALID and "cdf-version" not in error.message and "beta" not in error.message:
        return Probe(what, True, "links", f"the contextualization of 360 images is open (cdf-version {version})")
    if status not in (_INVALID, _NOT_FOUND):
        return Probe(what, False, "links", f"not known: {error.message}")
    return Probe(
        what,
        False,
        "links",
        f"{error.message} Ask Cognite to open the contextualization of 360 images (beta) for the project, or correct "
        "data_modeling.cdf_version.",
    )


def _migration(cdf: CdfProject) -> Probe:
    """Ask to migrate no model: only a project with the flag takes the request."""
    what = "3D migration flag"
    error = _refusal(cdf, "3d/migrate/models", {"items": []}, {})
    if error is not None and _NOT_ENABLED in error.message:
        return Probe(what, True, "information", "off: 3D models cannot be migrated to data modeling yet")
    if error is not None and error.status != _INVALID:
        return Probe(what, True, "information", f"not known: {error.message}")
    return Probe(what, True, "information", "on: 3D models can be migrated to data modeling")


def _statistics(cdf: CdfProject) -> Iterator[Probe]:
    try:
        with cdf_errors("Asking for the limits of the project"):
            found = cdf.client.data_modeling.statistics.project()
    except (CdfError, CdfUnavailableError) as error:
        yield Probe("limits", True, "information", f"not known: {error.message}")
        return
    held = found.instances
    yield Probe(
        "quota",
        True,
        "information",
        f"{held.instances:,} instances and {held.soft_deleted_instances:,} deleted ones of at most "
        f"{held.instances_limit:,}; deleted ones count for {_SOFT_DELETED_DAYS} days",
    )
    yield Probe(
        "limits",
        True,
        "information",
        f"at once {found.concurrent_write_limit} writes, {found.concurrent_delete_limit} deletes and "
        f"{found.concurrent_read_limit} reads of instances",
    )


def _refusal(
    cdf: CdfProject, path: str, body: dict[str, object], headers: dict[str, str]
) -> CdfError | CdfUnavailableError | None:
    url = f"/api/v1/projects/{cdf.connection.project}/{path}"
    try:
        with cdf_errors(f"Asking {path}"):
            cdf.client.post(url, body, headers=headers)
    except (CdfError, CdfUnavailableError) as error:
        return error
    return None
