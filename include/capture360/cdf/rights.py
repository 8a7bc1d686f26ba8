"""Capabilities that the credentials of each DAG need in CDF, for one site and mode, as a group grants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from capture360 import dag_names
from capture360.cdf.assets import ClassicAssets
from capture360.cdf.capabilities import EVERYWHERE, SOMEWHERE, Need, in_space
from capture360.cdf.client import CdfProject
from capture360.cdf.extraction_pipelines import NEEDS as STATUS_NEEDS
from capture360.cdf.extraction_pipelines import NEEDS_OF_SENSING
from capture360.cdf.preflight import FOR_PREFLIGHT, extraction_needs, in_spaces, require
from capture360.cdf.registry import cdf_extracts_scans, decision_store, mode_of
from capture360.cdf.three_d.jobs import FOR_JOBS
from capture360.settings.site import Site

Work = Literal["ingest", "contextualize", "reconcile", "retract"]
WORKS: tuple[Work, ...] = get_args(Work)
DAGS: Mapping[Work, str] = {
    "ingest": "captures_sense, captures_ingest and captures_backfill",
    "contextualize": "captures_contextualize and captures_review",
    "reconcile": dag_names.RECONCILE,
    "retract": dag_names.RETRACT,
}
_INSTANCES = "dataModelInstancesAcl"
_READ_FILES = Need("filesAcl", "READ")
_MAKE_3D = Need("threedAcl", "CREATE")
REMOVE_3D = Need("threedAcl", "DELETE")
_KEPT_FOR_REMOVAL = ("filesAcl", _INSTANCES)
"""Access control lists of publishing whose capabilities a removal needs as well."""


def rights(cdf: CdfProject, site: Site) -> Mapping[Work, Sequence[Need]]:
    """Return the capabilities that each kind of work needs, each once. Asks CDF nothing.

    An ingest removes the links of images that a revision leaves out.
    """
    return _rights(cdf, site, decision_needs(cdf, site))


def _rights(cdf: CdfProject, site: Site, for_decisions: Sequence[Need]) -> Mapping[Work, Sequence[Need]]:
    links = mode_of(cdf).links(cdf, site, {})
    publishing, scans = publishing_needs(cdf, site), scan_needs(cdf, site)
    ingest = [*publishing, *scans, *links.needs_to_remove, *status_needs(site)]
    read_instances = [need for need in in_spaces(_spaces(cdf, site)) if need.action == "READ"]
    reading = [*FOR_PREFLIGHT, _READ_FILES, *read_instances]
    contextualize = [
        *reading,
        *link_needs(cdf, site),
        *for_decisions,
        *([Need("sessionsAcl", "CREATE"), *FOR_JOBS] if site.links.detector == "cdf_3d_job" else ()),
        *(STATUS_NEEDS if site.extraction_pipeline is not None else ()),
    ]
    reconcile = [*reading, *links.needs_to_read, *_asset_needs(cdf, site)]
    retract = [
        *FOR_PREFLIGHT,
        *(need for need in (*publishing, *scans) if need.acl in _KEPT_FOR_REMOVAL),
        *links.needs_to_remove,
        *_box_needs(cdf, site),
        *(need for need in scans if need in FOR_JOBS),
        *([Need("threedAcl", "READ"), REMOVE_3D] if _MAKE_3D in (*publishing, *scans) else ()),
    ]
    found: dict[Work, Sequence[Need]] = {
        "ingest": ingest, "contextualize": contextualize, "reconcile": reconcile, "retract": retract
    }  # fmt: skip
    return {work: list(dict.fromkeys(needs)) for work, needs in found.items()}


def require_rights(cdf: CdfProject, site: Site, work: Work) -> None:
    """Raise ConfigError that names what the work needs and is not granted.

    Instances that may not be read look as if they were deleted, so this is called before anything is made of that.
    Reports of the status in CDF may fail, and 3D models are not of every capture: these needs are left to CDF, and to
    the plan of a retraction. What only decisions need is required where the project has their container.
    """
    needed, store = _rights(cdf, site, ())[work], decision_store(cdf, site)
    required = [need for need in needed if need not in status_needs(site) and need.acl != _MAKE_3D.acl]
    require(cdf, required)
    more = [need for need in rights(cdf, site)[work] if need not in needed]
    if more and store is not None and not store.missing():
        require(cdf, more)


def _spaces(cdf: CdfProject, site: Site) -> Sequence[str]:
    """Return the spaces of images: the site's, and that of CDF's own extraction if it has one for all captures."""
    return [site.space, *([site.e57.space] if cdf_extracts_scans(cdf, site) and site.e57.space else ())]


def publishing_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Capabilities for writing images, and for creating the site's spaces where the settings ask for that."""
    needs = mode_of(cdf).images(cdf, site).needs
    written = [need.scope for need in needs if (need.acl, need.action) == (_INSTANCES, "WRITE")]
    return [*needs, *(Need("dataModelsAcl", "WRITE", scope) for scope in written if site.create_space)]


def _box_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Return what removing boxes needs: they are on objects in whichever space the links or the assets have them."""
    if mode_of(cdf).boxes is None or not site.links.asset_positions:
        return ()
    return [need for need in mode_of(cdf).links(cdf, site, {}).needs if need.action == "WRITE"]


def link_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Capabilities for writing links, and for reading the assets that they lead to."""
    return [*mode_of(cdf).links(cdf, site, {}).needs, *_asset_needs(cdf, site)]


def decision_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Capabilities for keeping decisions of people in CDF; none in modes where links hold them."""
    store = decision_store(cdf, site)
    return store.needs if store is not None else ()


def _asset_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    if isinstance(mode_of(cdf).assets(cdf, site.links), ClassicAssets):
        return [Need("assetsAcl", "READ")]
    return [Need(_INSTANCES, "READ", in_space(space)) for space in site.links.asset_spaces] or [
        Need(_INSTANCES, "READ")
    ]


def scan_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Return what CDF's own extraction needs, but for its space, which may be one of each capture."""
    if not cdf_extracts_scans(cdf, site):
        return ()
    needs = mode_of(cdf).scans(cdf, site).needs
    return needs if site.e57.space is None else extraction_needs(needs, site.e57.space)


def status_needs(site: Site) -> Sequence[Need]:
    """Capabilities for reporting to the site's extraction pipeline, sensing included; none if it has no pipeline."""
    return (*NEEDS_OF_SENSING, *STATUS_NEEDS) if site.extraction_pipeline is not None else ()


def as_capabilities(needs: Iterable[Need]) -> list[dict[str, Any]]:
    """Return the capabilities of a group that grant just these needs, in the form of CDF's API and of its Toolkit.

    A need without a scope of its own is granted for everything, and then covers the same need of a single space.
    """
    granted: dict[tuple[str, str], dict[str, list[str]]] = {}
    listed = list(needs)
    everywhere = {(need.acl, need.action) for need in listed if need.scope in (SOMEWHERE, EVERYWHERE)}
    for need in listed:
        covered = (need.acl, need.action) in everywhere
        scope = "all" if covered else need.scope.name
        actions = granted.setdefault((need.acl, scope), {})
        values = actions.setdefault(need.action, [])
        if not covered and need.scope.value not in values:
            values.append(need.scope.value)
    return [capability for (acl, scope), actions in granted.items() for capability in _grouped(acl, scope, actions)]


def _grouped(acl: str, scope: str, actions: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return one capability for all actions that have the same scope."""
    key = {"spaceIdScope": "spaceIds", "datasetScope": "ids"}.get(scope)
    by_values: dict[tuple[str, ...], list[str]] = {}
    for action, values in actions.items():
        by_values.setdefault(tuple(values), []).append(action)
    return [
        {acl: {"actions": some, "scope": {scope: {key: list(values)}} if key else {"all": {}}}}
        for values, some in by_values.items()
    ]
