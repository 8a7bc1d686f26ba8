"""What has to be in a project for a site, by the site's settings alone, and whether these credentials see it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from capture360.cdf.assets import CoreAssets
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.extraction_pipelines import ExtractionPipeline
from capture360.cdf.images.files import ClassicFiles
from capture360.cdf.images.scenes import PLACEMENT, SCENE, scene_space
from capture360.cdf.instances import View
from capture360.cdf.link_ports import DecisionStore
from capture360.cdf.preflight import FOR_LABELS, space_exists
from capture360.cdf.registry import cdf_extracts_scans, decision_store, mode_of
from capture360.errors import Capture360Error
from capture360.settings.site import Site


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A thing that an administrator makes. `is_seen` is False if it is not there, or may not be seen."""

    what: str
    how: str
    is_seen: bool


def prerequisites(cdf: CdfProject, site: Site) -> Iterator[Prerequisite]:
    """Yield what has to be there. A space that capture360 creates itself is none of it. Reads only."""
    for what, how, is_there in _wanted(cdf, site):
        try:
            is_seen = is_there()
        except Capture360Error:
            is_seen = False
        yield Prerequisite(what, how, is_seen)


def _wanted(cdf: CdfProject, site: Site) -> Iterator[tuple[str, str, Callable[[], bool]]]:
    mode = mode_of(cdf)
    for space in _own_spaces(cdf, site):
        yield f'space "{space}"', "Create it.", partial(space_exists, cdf, space)
    if isinstance(mode.assets(cdf, site.links), CoreAssets):
        how = "It holds the assets: bring them into CDF, or correct links.asset_spaces."
        for space in dict.fromkeys(site.links.asset_spaces):
            yield f'space "{space}"', how, partial(space_exists, cdf, space)
    if site.scene is not None:
        how = "CDF makes them once somebody opens the scene editor of the project."
        yield f'views of scenes in space "{SCENE.space}"', how, partial(_views_exist, cdf, (SCENE, PLACEMENT))
    needs = mode.images(cdf, site).needs
    if Need("datasetsAcl", "READ") in needs:
        how = "Create it, or correct files.data_set."
        yield f'data set "{site.files.data_set}"', how, partial(_data_set_exists, cdf, site)
    for label in dict.fromkeys(site.files.labels) if FOR_LABELS in needs else ():
        yield f'label "{label}"', "Create it, or correct files.labels.", partial(_label_exists, cdf, label)
    if site.links.enabled and (store := decision_store(cdf, site)) is not None:
        how = "Deploy cdf/modules/capture360."
        yield "container and view of people's decisions", how, partial(_is_complete, store)
    if site.extraction_pipeline is not None:
        pipeline = ExtractionPipeline(cdf, site.extraction_pipeline)
        how = "Create it, in a data set."
        yield f'extraction pipeline "{site.extraction_pipeline}"', how, partial(_pipeline_exists, pipeline)


def _own_spaces(cdf: CdfProject, site: Site) -> list[str]:
    if site.create_space:
        return []
    scans = [site.e57.space] if cdf_extracts_scans(cdf, site) and site.e57.space else []
    scenes = [scene_space(site.scene, site)] if site.scene is not None else []
    return list(dict.fromkeys([site.space, *scans, *scenes]))


def _views_exist(cdf: CdfProject, views: Sequence[View]) -> bool:
    wanted = [(view.space, view.external_id, view.version) for view in views]
    with cdf_errors("Looking for the views of scenes"):
        return len(cdf.client.data_modeling.views.retrieve(wanted, include_inherited_properties=False)) >= len(wanted)


def _data_set_exists(cdf: CdfProject, site: Site) -> bool:
    return ClassicFiles(cdf.client, site.files).data_set_id is not None


def _label_exists(cdf: CdfProject, label: str) -> bool:
    with cdf_errors("Looking for the labels of the files"):
        return bool(cdf.client.labels.retrieve(external_id=[label], ignore_unknown_ids=True))


def _is_complete(store: DecisionStore) -> bool:
    return not store.missing()


def _pipeline_exists(pipeline: ExtractionPipeline) -> bool:
    return bool(pipeline.document())
