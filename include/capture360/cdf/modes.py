"""The one table of project modes: the only place in the code, beside settings, that knows their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast, get_args

from capture360.detection.settings import DetectorName
from capture360.errors import ConfigError
from capture360.model import Capture, CaptureKey, EncodedFace, FaceName, FaceRef, Finding, PublishedImage, Station

if TYPE_CHECKING:
    from capture360.cdf.assets import AssetSource
    from capture360.cdf.client import CdfProject
    from capture360.cdf.link_writer import LinkWriter
    from capture360.cdf.pair_ledger import PairLedger
    from capture360.settings import LinkSettings, Site

ModeName = Literal["asset_centric", "hybrid", "data_modeling"]
DEFAULT_MODE: ModeName = "asset_centric"

ProjectKind = Literal["HYBRID", "DATA_MODELING_ONLY"]
"""`dataModelingStatus` of a project; one without data modeling calls itself HYBRID too."""

StationFaces = Mapping[str, Mapping[FaceName, FaceRef]]


@dataclass(frozen=True, slots=True)
class Collection:
    """Where the images of a capture hang in CDF."""

    space: str
    external_id: str


class ImageModel(Protocol):
    """Where a mode keeps face files and images."""

    def missing(self, key: CaptureKey, panoramas: int) -> Sequence[Finding]:
        """What the project lacks for so many panoramas of a capture, in words; asked before the first write."""
        ...

    def collections(self, key: CaptureKey) -> Sequence[Collection]:
        """The collections of a capture that are in CDF, whichever delivery made them."""
        ...

    def face_ref(self, key: CaptureKey, station: str, face: FaceName, sha256: str) -> FaceRef:
        """The reference under which a face with that content is, or will be, stored."""
        ...

    def stored(self, refs: Mapping[FaceRef, str]) -> set[FaceRef]:
        """Those of `refs` that CDF holds uploaded with the sha256 that `refs` gives; read in batches."""
        ...

    def put_faces(self, capture: Capture, faces: Sequence[tuple[Station, EncodedFace]]) -> Sequence[FaceRef]:
        """Upload faces side by side under their references; done again it replaces uploads that never finished."""
        ...

    def file_ids(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        """Internal ids of face files, as annotations want them; files that are not there are left out."""
        ...

    def face_content(self, ref: FaceRef) -> bytes:
        """The bytes of a face as CDF gives them back."""
        ...

    def stored_sizes(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        """Bytes that the store behind CDF holds of each uploaded face."""
        ...

    def publish(self, capture: Capture, faces: StationFaces) -> int:
        """Find or create stations, collections and images, in that order; how many instances were written."""
        ...

    def changes(self, capture: Capture, faces: StationFaces) -> Sequence[str]:
        """External ids of the instances that `publish` would write. Reads only."""
        ...

    def images(self, key: CaptureKey) -> Iterator[PublishedImage]:
        """The images of the collections that `publish` makes, as CDF has them, read as viewers read them."""
        ...

    def images_in(self, collection: Collection) -> Iterator[PublishedImage]:
        """The images of any collection, whoever made it."""
        ...

    def remove_images(self, images: Sequence[PublishedImage]) -> int:
        """Remove images, and nothing that they use; how many were there."""
        ...

    def remove_stations(self, external_ids: Sequence[str]) -> int:
        """Remove those of these station nodes that no image stands on, of whichever capture; how many were there."""
        ...

    def remove_collections(self, collections: Sequence[Collection]) -> int:
        """Remove collections in which no image hangs; how many were there."""
        ...

    def remove_faces(self, refs: Sequence[FaceRef]) -> int:
        """Remove face files; those that are gone already are passed over. How many were removed."""
        ...

    def remove(self, key: CaptureKey, *, dry_run: bool) -> Sequence[str]:
        """Remove the capture's instances and files in reverse order; names what was, or would be, removed."""
        ...


@dataclass(frozen=True, slots=True)
class Mode:
    """One row of the table."""

    project_kind: ProjectKind
    images: Callable[[CdfProject, Site], ImageModel]
    assets: Callable[[CdfProject, LinkSettings], AssetSource]
    links: Callable[[CdfProject, Site, PairLedger], LinkWriter]
    detectors: tuple[DetectorName, ...]
    e57: Literal["revision", "extract"]


def _legacy_images(cdf: CdfProject, site: Site) -> ImageModel:
    from capture360.cdf.images_legacy import LegacyImages

    return LegacyImages(cdf, site)


def _core_images(cdf: CdfProject, site: Site) -> ImageModel:
    from capture360.cdf.images_core import CoreImages

    return CoreImages(cdf, site)


def _classic_assets(cdf: CdfProject, settings: LinkSettings) -> AssetSource:
    from capture360.cdf.assets import ClassicAssets

    return ClassicAssets(cdf, settings)


def _core_assets(cdf: CdfProject, settings: LinkSettings) -> AssetSource:
    from capture360.cdf.assets import CoreAssets

    return CoreAssets(cdf, settings)


def _asset_links(cdf: CdfProject, site: Site, ledger: PairLedger) -> LinkWriter:
    from capture360.cdf.links import Annotations

    return Annotations(cdf, "images.AssetLink")


def _instance_links(cdf: CdfProject, site: Site, ledger: PairLedger) -> LinkWriter:
    from capture360.cdf.links import Annotations

    return Annotations(cdf, "images.InstanceLink")


def _spherical_links(cdf: CdfProject, site: Site, ledger: PairLedger) -> LinkWriter:
    from capture360.cdf.spherical_links import SphericalLinks

    return SphericalLinks(cdf, site, ledger)


MODES: Mapping[ModeName, Mode] = {
    "asset_centric": Mode("HYBRID", _legacy_images, _classic_assets, _asset_links, ("ocr", "vision"), e57="revision"),
    "hybrid": Mode("HYBRID", _legacy_images, _core_assets, _instance_links, ("ocr", "vision"), e57="revision"),
    "data_modeling": Mode(
        "DATA_MODELING_ONLY", _core_images, _core_assets, _spherical_links, ("ocr", "job"), e57="extract"
    ),
}


def checked_mode(name: str) -> ModeName:
    """`name` if it is a mode; ConfigError with the known ones otherwise."""
    if name not in get_args(ModeName):
        raise ConfigError(f'"{name}" is no project mode. Choose one of {", ".join(get_args(ModeName))}.')
    return cast(ModeName, name)


def mode_of(cdf: CdfProject) -> Mode:
    """The row of the connection's mode."""
    return MODES[cdf.connection.mode]


def modes_of_kind(kind: str) -> Sequence[ModeName]:
    """The modes that fit a project of that kind."""
    return [name for name, mode in MODES.items() if mode.project_kind == kind]
