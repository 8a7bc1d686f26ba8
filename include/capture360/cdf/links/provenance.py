"""Which pairs of asset and image we linked in a data modeling project, since nothing in CDF tells whose a link is.

A pair is written down before the request that links it, so that a run which is killed in between leaves no link that
passes for somebody else's; and again with the edges that CDF then shows, so that a later look tells what a person did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NOTE = "linked-pairs"
"""Name of the note beside the capture's records: pairs outlive single deliveries."""


@dataclass(frozen=True, slots=True, order=True)
class LinkKey:
    """An asset and an image, both as `<space>/<externalId>`."""

    asset: str
    image: str


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """How we linked a pair: a digest of the polygons, and the versions of the edges by `<space>/<externalId>`.

    No edges: the request was about to be sent, and what became of it was not seen.
    """

    digest: str
    edges: Mapping[str, int] = field(default_factory=dict)


TOMBSTONE: Mapping[str, int] = {"": 0}
"""Edges of a pair whose link somebody removed: no edge bears this name, so the pair is left to them."""


class LinkRegistry:
    """The pairs of one capture. Every change is stored before it returns."""

    def __init__(self, read: Callable[[], Mapping[str, Any] | None], save: Callable[[Mapping[str, Any]], None]) -> None:
        self._save = save
        self._pairs = {
            LinkKey(item["asset"], item["image"]): LinkRecord(item["digest"], item["edges"])
            for item in (read() or {"pairs": []})["pairs"]
        }

    @classmethod
    def empty(cls) -> LinkRegistry:
        """A registry that remembers nothing, for those who only ask."""
        return cls(lambda: None, lambda _: None)

    def get(self, pair: LinkKey) -> LinkRecord | None:
        """How we linked a pair; None if we did not."""
        return self._pairs.get(pair)

    def of(self, images: Iterable[str]) -> list[LinkKey]:
        """Our pairs on these images."""
        wanted = set(images)
        return sorted(pair for pair in self._pairs if pair.image in wanted)

    def put(self, made: Mapping[LinkKey, LinkRecord]) -> None:
        """Remember pairs."""
        self._store({**self._pairs, **made})

    def forget(self, pairs: Iterable[LinkKey]) -> None:
        """Pairs that are linked no more, by our own doing."""
        gone = set(pairs)
        self._store({pair: made for pair, made in self._pairs.items() if pair not in gone})

    def _store(self, pairs: dict[LinkKey, LinkRecord]) -> None:
        if pairs == self._pairs:
            return
        items = [{**asdict(pair), "digest": made.digest, "edges": dict(made.edges)} for pair, made in pairs.items()]
        self._save({"pairs": sorted(items, key=lambda item: (item["image"], item["asset"]))})
        self._pairs = pairs
