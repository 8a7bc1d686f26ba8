"""What a project mode provides: protocols of its image store, asset source and link writer, and their small types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from capture360.cdf.capabilities import Need
from capture360.model import Asset, Capture, CaptureKey, EncodedFace, FaceName, FaceRef, Match, PublishedImage, Station
from capture360.rules.finding import Finding

StationFaces = Mapping[str, Mapping[FaceName, FaceRef]]
"""Face references by station id, then by face."""

Decision = Literal["approved", "rejected"]


@dataclass(frozen=True, slots=True)
class Collection:
    """Where the images of a capture hang in CDF."""

    space: str
    external_id: str


class Image360Store(Protocol):
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


class AssetSource(Protocol):
    """Where candidates for links come from."""

    def assets(self) -> Iterator[Asset]: ...


@dataclass(frozen=True, slots=True)
class LinksWritten:
    """Counts of one write. `decided` were left to a person; `refused` are matches that CDF would not take, in words.

    `only_recorded` are suggestions for which the project has no place: they stand in our records alone.
    """

    approved: int = 0
    suggested: int = 0
    kept: int = 0
    decided: int = 0
    removed: int = 0
    only_recorded: int = 0
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MissingLink:
    """A recorded link that CDF does not show; `asset` is the reference of its asset."""

    asset: str
    description: str


@dataclass(frozen=True, slots=True)
class LinkDrift:
    """Where CDF and the records part, one phrase a link; what people decided in CDF is no drift.

    `missing`: the records hold it, CDF does not. `unexplained`: it is ours, and the records do not hold it.
    `forgotten`: CDF shows it just as we would make it, and no memory says that we did.
    `changed`: ours, but altered or removed by somebody since; it is left to them.
    `orphans`: its asset is gone, which keeps viewers out of the image.
    """

    missing: tuple[MissingLink, ...] = ()
    unexplained: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


class LinkWriter(Protocol):
    """Where a mode keeps the links of its images."""

    @property
    def needs(self) -> Sequence[Need]:
        """The rights that writing asks for."""
        ...

    def write(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> LinksWritten:
        """Make the links of these images what `matches` says, but for what people decided."""
        ...

    def undecided(self, images: Sequence[PublishedImage], suggestions: Sequence[Match]) -> Sequence[Match]:
        """Those that still wait for a person."""
        ...

    def decide(
        self, images: Sequence[PublishedImage], decisions: Sequence[tuple[Match, Decision]]
    ) -> Sequence[tuple[Match, str]]:
        """Give suggestions a person's verdict; those decided otherwise before stay, and are returned with theirs."""
        ...

    def remove(self, images: Sequence[PublishedImage], *, dry_run: bool) -> Sequence[str]:
        """Remove every link of ours on these images; names what was, or would be, removed."""
        ...

    def remove_from_files(self, faces: Sequence[FaceRef]) -> Sequence[str]:
        """Remove every link of ours that stands on these face files, where links stand on files; names them."""
        ...

    def of_people(self, images: Sequence[PublishedImage]) -> Sequence[str]:
        """The links on these images that people made or decided on, in words. Reads only."""
        ...

    def compare(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> LinkDrift:
        """Where the links on these images and `matches` part. Reads only."""
        ...

    def recover(self, images: Sequence[PublishedImage], matches: Sequence[Match], *, gone_by_hand: bool) -> int:
        """Remember again the links that `compare` calls forgotten; how many.

        With `gone_by_hand` links that nothing remembers and CDF does not show are remembered as removed by somebody.
        """
        ...
