"""Which share of some assets is seen: linked to a plate, asked about, or neither."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of assets: all, those linked, and those that only a question names."""

    assets: int
    linked: int
    asked: int

    @classmethod
    def of(cls, assets: Collection[str], linked: Collection[str], asked: Collection[str]) -> Coverage:
        """Return the coverage of assets by those that are linked and asked about, all given by reference."""
        known = frozenset(assets)
        joined = known.intersection(linked)
        return cls(len(known), len(joined), len(known.intersection(asked) - joined))

    @property
    def seen(self) -> int:
        """Number of assets that are linked or in question."""
        return self.linked + self.asked

    @property
    def never_seen(self) -> int:
        """Number of the other assets."""
        return self.assets - self.seen

    @property
    def share_linked(self) -> float:
        """The share from 0 to 1; 0 without assets."""
        return self.linked / self.assets if self.assets else 0.0

    @property
    def share_seen(self) -> float:
        """The share from 0 to 1; 0 without assets."""
        return self.seen / self.assets if self.assets else 0.0

    def document(self) -> dict[str, int | float]:
        """Return it as a value that JSON can hold, with the shares from 0 to 1."""
        shares = {"share_linked": round(self.share_linked, 4), "share_seen": round(self.share_seen, 4)}
        return {**asdict(self), "seen": self.seen, "never_seen": self.never_seen, **shares}


@dataclass(frozen=True, slots=True)
class CoverageTable:
    """Rows of what is covered by which captures, and the critical assets that none has seen."""

    rows: Sequence[tuple[str, Coverage]]
    critical_never_seen: Sequence[str]
