"""Protocols of links that each project mode implements: link writer and store of decisions, with their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, Protocol

from capture360.cdf.capabilities import Need
from capture360.errors import CdfError
from capture360.matching.decisions import Decided
from capture360.model import CaptureKey, FaceRef, Match, PublishedImage

Decision = Literal["approved", "rejected"]

SOMEBODY = "somebody in CDF"
"""Who decided on a link of capture360: CDF does not name who changed or removed it."""


@dataclass(frozen=True, slots=True)
class ImageLinks:
    """Assets, by reference, whose links a run left on an image that CDF created at that time, in ms.

    `objects` are the Cognite3DObjects, by asset, of those whose links CDF showed then; only these can be removed since.
    `spaces` hold these links: where these or the objects cannot be read, links that CDF does not show are not removed.
    """

    created: int
    assets: tuple[str, ...]
    objects: Mapping[str, str] = field(default_factory=dict)
    spaces: tuple[str, ...] = ()


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
        asked: Sequence[Match],
        absent: AbstractSet[str] = frozenset(),
    ) -> Sequence[tuple[Match, str]]:
        """Apply a person's decisions; return suggestions that were decided otherwise before, with that decision.

        `asked` are the suggestions that the person was asked about.
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
