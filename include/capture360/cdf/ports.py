"""Protocols that each project mode implements: image store, asset source and link writer, with their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, Protocol

from capture360.cdf.capabilities import Need
from capture360.errors import CdfError
from capture360.matching.decisions import Decided
from capture360.model import Asset, Capture, CaptureKey, EncodedFace, FaceName, FaceRef, Match, PublishedImage, Station
from capture360.rules.finding import Finding

StationFaces = Mapping[str, Mapping[FaceName, FaceRef]]
"""Face references by station id, then by face."""

Decision = Literal["approved", "rejected"]

SOMEBODY = "somebody in CDF"
"""Who decided on a link of capture360: CDF does not name who changed or removed it."""

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


Box = tuple[float, float, float, float, float, float]
"""Bounding box as (xMin, xMax, yMin, yMax, zMin, zMax) in metres, in the frame of the published images."""


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


@dataclass(frozen=True, slots=True)
class ImageLinks:
    """Assets, by reference, whose links a run left on an image that CDF created at that time, in ms.

    `objects` are the Cognite3DObjects, by asset, of those whose links CDF showed then; only these can be removed since.
    """

    created: int
    assets: tuple[str, ...]
    objects: Mapping[str, str] = field(default_factory=dict)


LeftLinks = Mapping[str, ImageLinks]
"""What a run left, by `<space>/<externalId>` of the image, in modes where CDF does not show what people unlinked."""


@dataclass(frozen=True, slots=True)
class LinksWritten:
    """Counts of one write. `decided` are links that a person decided on; `refused` holds a sentence per refused match.

    `refusal` is how CDF refused one that it might have taken, which a project without any link does with all of them.

    `only_recorded` are suggestions that the project cannot hold: they are in the records only. `left` is to be recorded
    before the `outdated` links, as (space, external id), are discarded.
    """

    approved: int = 0
    suggested: int = 0
    kept: int = 0
    decided: int = 0
    removed: int = 0
    only_recorded: int = 0
    refused: tuple[str, ...] = ()
    refusal: CdfError | None = None
    left: LeftLinks = field(default_factory=dict)
    outdated: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MissingLink:
    """A recorded link that CDF does not show; `asset` is the reference of its asset."""

    asset: str
    description: str


@dataclass(frozen=True, slots=True)
class LinkDrift:
    """Differences between CDF and the records, one phrase per link; decisions of people in CDF are no difference.

    `missing`: recorded, and not in CDF. `unexplained`: capture360's in CDF, and not recorded.
    `unmarked`: in CDF exactly as capture360 would create it, and not marked as its own.
    `changed`: capture360's, but changed or removed by a person since; left as it is.
    `orphans`: its asset was deleted, which keeps viewers from opening the image.
    """

    missing: tuple[MissingLink, ...] = ()
    unexplained: tuple[str, ...] = ()
    unmarked: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


class DecisionStore(Protocol):
    """Store of people's decisions on links in CDF, in modes where links do not hold them."""

    @property
    def needs(self) -> Sequence[Need]:
        """Capabilities that reading and writing decisions needs."""
        ...

    def missing(self) -> str:
        """Return a sentence on what the project lacks, and how to fix it; empty if decisions can be kept in it."""
        ...

    def read(self, key: CaptureKey) -> Mapping[str, Decided]:
        """Return the decisions on a capture's links by external id, the oldest first."""
        ...

    def write(self, key: CaptureKey, decided: Mapping[int, Decided]) -> Sequence[str]:
        """Create or replace decisions, by their order among those of one time; return their external ids."""
        ...

    def remove(self, external_ids: Sequence[str]) -> None:
        """Remove the decisions that exist."""
        ...


class LinkWriter(Protocol):
    """Writer of the links between images and assets."""

    @property
    def needs(self) -> Sequence[Need]:
        """Capabilities that writing needs."""
        ...

    @property
    def needs_to_remove(self) -> Sequence[Need]:
        """Capabilities that the removal of links needs."""
        ...

    @property
    def needs_to_read(self) -> Sequence[Need]:
        """Capabilities that the comparison of links with the records needs."""
        ...

    def write(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], absent: AbstractSet[str] = frozenset()
    ) -> LinksWritten:
        """Create and remove links of these images to agree with `matches`, except those that people decided on.

        What they approved of `absent` assets, which the site no longer lists, leaves the plate to others.
        """
        ...

    def undecided(self, images: Sequence[PublishedImage], suggestions: Sequence[Match]) -> Sequence[Match]:
        """Return the suggestions that no person has decided on."""
        ...

    def decide(
        self,
        images: Sequence[PublishedImage],
        decisions: Sequence[tuple[Match, Decision]],
        absent: AbstractSet[str] = frozenset(),
    ) -> Sequence[tuple[Match, str]]:
        """Apply a person's decisions; return suggestions that were decided otherwise before, with that decision.

        What people decided on a link of capture360 stands for its whole plate, what others linked for its own view;
        `absent` as in `write`.
        """
        ...

    def overrule(self, images: Sequence[PublishedImage], rejected: Sequence[Match]) -> None:
        """Reject capture360's links that a person approved before the rejection of their plate on another view."""
        ...

    def discard(self, outdated: Sequence[tuple[str, str]]) -> None:
        """Remove the links that `write` returned as outdated, once what it left is recorded."""
        ...

    def remove(self, images: Sequence[PublishedImage], matches: Sequence[Match], *, dry_run: bool) -> Sequence[str]:
        """Remove all of capture360's links on these images; return the links removed, or to remove if `dry_run`.

        `matches` are those that were written last: they tell the links of a run that was killed before it marked them.
        """
        ...

    def remove_from_files(self, faces: Sequence[FaceRef]) -> Sequence[str]:
        """Remove and return all of capture360's links on these face files, in modes where links belong to files."""
        ...

    def of_people(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> Sequence[str]:
        """Describe links on these images that people created or decided on; `matches` as in `remove`. Reads only."""
        ...

    def decided(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], known: Sequence[Decided] = ()
    ) -> tuple[Sequence[Decided], Sequence[str]]:
        """Return what people decided in CDF about links on these images or linked by hand, as far as CDF says it.

        And sentences about what people did that cannot be read as a decision about one plate. `matches` as in `remove`;
        `known` is what was decided before. The time of a decision is empty if CDF does not state it. Reads only.
        """
        ...

    def compare(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], absent: AbstractSet[str] = frozenset()
    ) -> LinkDrift:
        """Compare the links on these images with `matches`; `absent` as in `write`. Reads only."""
        ...
