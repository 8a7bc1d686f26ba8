"""What writes the links between assets and images, whatever the project's mode keeps them as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from capture360.cdf.capabilities import Need
from capture360.model import FaceRef, Match, PublishedImage

Decision = Literal["approved", "rejected"]


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
    """A link that CDF does not show: the reference of its asset, and the link in words."""

    asset: str
    told: str


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
