"""Protocols that each project mode implements: image store and asset source, with their types; see `link_ports`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from capture360.cdf.capabilities import Need
from capture360.model import Asset, Capture, CaptureKey, EncodedFace, FaceName, FaceRef, PublishedImage, Station
from capture360.rules.finding import Finding

StationFaces = Mapping[str, Mapping[FaceName, FaceRef]]
"""Face references by station id, then by face."""

ViewerSource = Literal["classic", "core"]
"""The two sources of 360° images that a viewer is switched between."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A 360° image collection in CDF."""

    space: str
    external_id: str


@dataclass(frozen=True, slots=True)
class PointCloud:
    """The point cloud that an extraction made beside the images: its revision, and the model of that, as nodes."""

    space: str
    revision: str
    model: str


@dataclass(frozen=True, slots=True)
class ViewerReport:
    """Sentences about what viewers do not show as it was meant.

    `refused`: published, and left out. `reported`: written by others, or outside of what was published.
    """

    refused: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()


class Image360Store(Protocol):
    """Store of face files and 360° images in CDF."""

    @property
    def viewer_source(self) -> ViewerSource:
        """The source that viewers must be switched to; with the other one they show nothing and report no error."""
        ...

    @property
    def needs(self) -> Sequence[Need]:
        """Capabilities that publishing needs."""
        ...

    def missing(self, key: CaptureKey, panoramas: int) -> Sequence[Finding]:
        """Return findings about what the project lacks for so many panoramas; called before the first write."""
        ...

    def collections(self, key: CaptureKey) -> Sequence[Collection]:
        """Return the collections of a capture in CDF, whichever delivery created them."""
        ...

    def face_ref(self, key: CaptureKey, station: str, face: FaceName, sha256: str) -> FaceRef:
        """Return the reference under which a face with that content is, or will be, stored."""
        ...

    def stored(self, refs: Mapping[FaceRef, str]) -> set[FaceRef]:
        """Return those of `refs` that CDF has uploaded with the sha256 that `refs` gives."""
        ...

    def put_faces(self, capture: Capture, faces: Sequence[tuple[Station, EncodedFace]]) -> Sequence[FaceRef]:
        """Upload faces in parallel under their references; unfinished uploads are replaced."""
        ...

    def file_ids(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        """Return the internal ids of face files, which annotations need; missing files are left out."""
        ...

    def faces_of(self, key: CaptureKey, stations: AbstractSet[str]) -> Sequence[FaceRef]:
        """Return the face files of these stations that are in CDF, whatever their content.

        Nodes without a file are among them. Lists may lag behind writes.
        """
        ...

    def face_content(self, ref: FaceRef) -> bytes:
        """Download a face."""
        ...

    def stored_sizes(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        """Return the size in bytes of each uploaded face in the store behind CDF."""
        ...

    def publish(self, capture: Capture, faces: StationFaces) -> int:
        """Find or create stations, collections and images, in that order; return the number of instances written."""
        ...

    def changes(self, capture: Capture, faces: StationFaces) -> Sequence[str]:
        """Return the external ids of the instances that `publish` would write. Reads only."""
        ...

    def images(self, key: CaptureKey) -> Iterator[PublishedImage]:
        """Yield the images of the collections that `publish` creates, by the query that viewers send."""
        ...

    def images_in(self, collection: Collection) -> Iterator[PublishedImage]:
        """Yield the images of any collection, whoever created it."""
        ...

    def image_ids(self, collection: Collection) -> Iterator[tuple[str, str]]:
        """Yield (space, external id) of the images that `images_in` yields, without reading their properties."""
        ...

    def images_by_id(self, ids: Sequence[tuple[str, str]]) -> Iterator[PublishedImage]:
        """Yield those of the images with these (space, external id) that exist."""
        ...

    def viewer_report(self, collections: Sequence[Collection]) -> ViewerReport:
        """Return what viewers would silently leave out of these collections, or draw elsewhere. Reads only."""
        ...

    def remove_images(self, images: Sequence[PublishedImage]) -> int:
        """Remove images, and nothing that they refer to; return the number removed."""
        ...

    def remove_stations(self, external_ids: Sequence[str]) -> int:
        """Remove those of these stations that no image of any capture refers to; return the number removed."""
        ...

    def remove_collections(self, collections: Sequence[Collection]) -> int:
        """Remove collections without images; return the number removed."""
        ...

    def remove_faces(self, refs: Sequence[FaceRef]) -> int:
        """Remove the face files that exist; return the number removed."""
        ...

    def remove(self, key: CaptureKey, *, dry_run: bool) -> Sequence[str]:
        """Remove the capture's instances and files; return the external ids removed, or to remove if `dry_run`."""
        ...


@dataclass(frozen=True, slots=True)
class AssetIdentity:
    """What an asset is known by beyond its project."""

    external_id: str
    name: str


class AssetBox(NamedTuple):
    """Bounding box of an asset in metres, in the frame of the published images; the order is that of CDF."""

    x_min: float
    x_max: float
    y_min: float
    y_max: float
    z_min: float
    z_max: float


@dataclass(frozen=True, slots=True)
class BoxesWritten:
    """Counts of one write of boxes; `refused` holds sentences.

    `of_others` are objects whose box somebody else set, `without_object` assets that no link gave an object yet.
    """

    written: int = 0
    kept: int = 0
    removed: int = 0
    of_others: int = 0
    without_object: int = 0
    refused: tuple[str, ...] = ()


class AssetSource(Protocol):
    """Source of the assets that plates may name."""

    def assets(self) -> Iterator[Asset]:
        """Yield the assets, each once."""
        ...

    def identities(self, refs: Sequence[str]) -> Mapping[str, AssetIdentity]:
        """Return what these assets of the project are known by, by reference; those that do not exist are left out."""
        ...
