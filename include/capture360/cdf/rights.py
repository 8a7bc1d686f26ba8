"""Capabilities that the credentials of each DAG need in CDF, for one site and mode, as a group grants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from capture360.cdf.assets import ClassicAssets
from capture360.cdf.capabilities import EVERYWHERE, SOMEWHERE, Need, in_space
from capture360.cdf.client import CdfProject
from capture360.cdf.extraction_pipelines import NEEDS as STATUS_NEEDS
from capture360.cdf.images.core import CoreImages
from capture360.cdf.preflight import FOR_EVERYBODY, FOR_LABELS, extraction_needs
from capture360.cdf.registry import cdf_extracts_scans, mode_of
from capture360.settings.site import Site

Work = Literal["ingest", "contextualize", "retract"]
WORKS: tuple[Work, ...] = get_args(Work)
DAGS: Mapping[Work, str] = {
    "ingest": "captures_sense, captures_ingest, captures_backfill and captures_reconcile",
    "contextualize": "captures_contextualize and captures_review",
    "retract": "captures_retract",
}


def rights(cdf: CdfProject, site: Site) -> Mapping[Work, Sequence[Need]]:
    """Return the capabilities that each kind of work needs, each once. Asks CDF nothing."""
    ingest = [*publishing_needs(cdf, site), *scan_needs(cdf, site), *status_needs(site)]
    contextualize = [
        *FOR_EVERYBODY,
        Need("filesAcl", "READ"),
        Need("dataModelInstancesAcl", "READ", in_space(site.space)),
        *link_needs(cdf, site),
        *([Need("sessionsAcl", "CREATE")] if site.links.detector == "cdf_3d_job" else ()),
        *status_needs(site),
    ]
    retract = [
        *(need for need in publishing_needs(cdf, site) if need not in _only_to_make(cdf, site)),
        *link_needs(cdf, site),
        Need("threedAcl", "READ"),
        Need("threedAcl", "DELETE"),
    ]
    found: dict[Work, Sequence[Need]] = {"ingest": ingest, "contextualize": contextualize, "retract": retract}
    return {work: list(dict.fromkeys(needs)) for work, needs in found.items()}


def _only_to_make(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Return what publishing needs and a removal does not; the files of nodes go with their nodes."""
    by_nodes = isinstance(mode_of(cdf).images(cdf, site), CoreImages)
    return [Need("threedAcl", "CREATE"), FOR_LABELS, *([Need("filesAcl", "WRITE")] if by_nodes else ())]


def publishing_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Capabilities for writing images, and for creating the site's space where the settings ask for that."""
    creating = [Need("dataModelsAcl", "WRITE", in_space(site.space))] if site.create_space else []
    return [*mode_of(cdf).images(cdf, site).needs, *creating]


def link_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Capabilities for writing links, and for reading the assets that they lead to."""
    mode = mode_of(cdf)
    writing = mode.links(cdf, site, {}).needs
    if isinstance(mode.assets(cdf, site.links), ClassicAssets):
        return [*writing, Need("assetsAcl", "READ")]
    spaces = [Need("dataModelInstancesAcl", "READ", in_space(space)) for space in site.links.asset_spaces]
    return [*writing, *(spaces or [Need("dataModelInstancesAcl", "READ")])]


def scan_needs(cdf: CdfProject, site: Site) -> Sequence[Need]:
    """Return what CDF's own extraction needs, but for its space, which may be one of each capture."""
    if not cdf_extracts_scans(cdf, site):
        return ()
    if site.e57.space is not None:
        return extraction_needs(site.e57.space)
    return [Need("threedAcl", "READ"), Need("threedAcl", "CREATE"), Need("sessionsAcl", "CREATE")]


def status_needs(site: Site) -> Sequence[Need]:
    """Capabilities for reporting to the site's extraction pipeline; none if it has no pipeline."""
    return STATUS_NEEDS if site.extraction_pipeline is not None else ()


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
