"""Table of project modes: the implementations of each. In `capture360.cdf` what doctor asks imports it alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from capture360.cdf.assets import ClassicAssets, CoreAssets
from capture360.cdf.client import CdfProject
from capture360.cdf.images.classic import ClassicImages
from capture360.cdf.images.core import CoreImages
from capture360.cdf.link_ports import DecisionStore, LeftLinks, LinkWriter
from capture360.cdf.links.annotations import Annotations
from capture360.cdf.links.boxes import AssetBoxes, BoxNotes
from capture360.cdf.links.decision_nodes import DecisionNodes
from capture360.cdf.links.image360 import Image360Links
from capture360.cdf.ports import AssetSource, Image360Store
from capture360.cdf.project_mode import ModeName
from capture360.cdf.three_d.job_scans import JobScans
from capture360.cdf.three_d.revision_scans import RevisionScans
from capture360.cdf.three_d.scans import ScanExtraction
from capture360.settings.detection import DetectorName
from capture360.settings.links import LinkSettings
from capture360.settings.site import Site


@dataclass(frozen=True, slots=True)
class Mode:
    """Implementations of the ports in one mode, the detectors it offers, and who extracts E57 scans by default."""

    images: Callable[[CdfProject, Site], Image360Store]
    assets: Callable[[CdfProject, LinkSettings], AssetSource]
    links: Callable[[CdfProject, Site, LeftLinks], LinkWriter]
    detectors: tuple[DetectorName, ...]
    scans: Callable[[CdfProject, Site], ScanExtraction]
    e57: Literal["cdf", "local"]
    boxes: Callable[[CdfProject, BoxNotes], AssetBoxes] | None = None
    decisions: Callable[[CdfProject, Site], DecisionStore] | None = None


MODES: Mapping[ModeName, Mode] = {
    "asset_centric": Mode(
        ClassicImages,
        ClassicAssets,
        lambda cdf, *_: Annotations(cdf, "images.AssetLink"),
        ("ocr", "vision"),
        RevisionScans,
        e57="cdf",
    ),
    "hybrid": Mode(
        ClassicImages,
        CoreAssets,
        lambda cdf, *_: Annotations(cdf, "images.InstanceLink"),
        ("ocr", "vision"),
        RevisionScans,
        e57="cdf",
    ),
    "data_modeling": Mode(
        CoreImages,
        CoreAssets,
        Image360Links,
        ("ocr", "cdf_3d_job"),
        JobScans,
        e57="local",
        boxes=AssetBoxes,
        decisions=DecisionNodes,
    ),
}


def decision_store(cdf: CdfProject, site: Site) -> DecisionStore | None:
    """Return the store of decisions in CDF; None in modes where links hold them."""
    make = mode_of(cdf).decisions
    return make(cdf, site) if make else None


def cdf_extracts_scans(cdf: CdfProject, site: Site) -> bool:
    """Whether CDF extracts the panoramas of E57 scans: as the site says, or by the mode."""
    return (site.e57.extraction or mode_of(cdf).e57) == "cdf"


def mode_of(cdf: CdfProject) -> Mode:
    """Return the row of the connection's mode."""
    return MODES[cdf.connection.mode]
