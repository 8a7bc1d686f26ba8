"""Table of project modes: the implementations of each. In `capture360.cdf` only `readiness` imports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from capture360.cdf.assets import ClassicAssets, CoreAssets
from capture360.cdf.client import CdfProject
from capture360.cdf.images.classic import ClassicImages
from capture360.cdf.images.core import CoreImages
from capture360.cdf.links.annotations import Annotations
from capture360.cdf.links.image360 import Image360Links
from capture360.cdf.links.provenance import LinkRegistry
from capture360.cdf.ports import AssetSource, Image360Store, LinkWriter
from capture360.cdf.project_mode import ModeName
from capture360.settings.detection import DetectorName
from capture360.settings.links import LinkSettings
from capture360.settings.site import Site


@dataclass(frozen=True, slots=True)
class Mode:
    """Implementations of the ports in one mode, the detectors it offers, and who extracts E57 scans."""

    images: Callable[[CdfProject, Site], Image360Store]
    assets: Callable[[CdfProject, LinkSettings], AssetSource]
    links: Callable[[CdfProject, Site, LinkRegistry], LinkWriter]
    detectors: tuple[DetectorName, ...]
    e57: Literal["revision", "extract"]


MODES: Mapping[ModeName, Mode] = {
    "asset_centric": Mode(
        ClassicImages,
        ClassicAssets,
        lambda cdf, *_: Annotations(cdf, "images.AssetLink"),
        ("ocr", "vision"),
        e57="revision",
    ),
    "hybrid": Mode(
        ClassicImages,
        CoreAssets,
        lambda cdf, *_: Annotations(cdf, "images.InstanceLink"),
        ("ocr", "vision"),
        e57="revision",
    ),
    "data_modeling": Mode(CoreImages, CoreAssets, Image360Links, ("ocr", "cdf_3d_job"), e57="extract"),
}


def mode_of(cdf: CdfProject) -> Mode:
    """Return the row of the connection's mode."""
    return MODES[cdf.connection.mode]
