"""Record of capture360's links in a data modeling project, since nothing in CDF shows who created a link.

A pair is recorded before the request that links it, so that a run which is killed in between leaves no link that counts
as somebody else's; and again with the edges that CDF then shows, so that changes by people can be detected.
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
    """Record of the links of a pair: a digest of the polygons, and the versions of the edges by `<space>/<externalId>`.

    Without edges the request was about to be sent, and its result is unknown.
    """

    digest: str
    edges: Mapping[str, int] = field(default_factory=dict)


TOMBSTONE: Mapping[str, int] = {"": 0}
"""Tombstone: a user deleted this link; do not recreate it. No edge has this name."""


class LinkRegistry:
    """Recorded pairs of one capture. Every change is stored before the call returns."""

    def __init__(self, read: Callable[[], Mapping[str, Any] | None], save: Callable[[Mapping[str, Any]], None]) -> None:
        self._save = save
        self._pairs = {
            LinkKey(item["asset"], item["image"]): LinkRecord(item["digest"], item["edges"])
            for item in (read() or {"pairs": []})["pairs"]
        }

    @classmethod
    def empty(cls) -> LinkRegistry:
        """Build a registry without records that stores nothing, for read-only use."""
        return cls(lambda: None, lambda _: None)

    def get(self, pair: LinkKey) -> LinkRecord | None:
        """Return the record of a pair; None if capture360 did not link it."""
        return self._pairs.get(pair)

    def of(self, images: Iterable[str]) -> list[LinkKey]:
        """Return the recorded pairs on these images."""
        wanted = set(images)
        return sorted(pair for pair in self._pairs if pair.image in wanted)

    def put(self, made: Mapping[LinkKey, LinkRecord]) -> None:
        """Record pairs."""
        self._store({**self._pairs, **made})

    def forget(self, pairs: Iterable[LinkKey]) -> None:
        """Delete the records of pairs whose links were removed."""
        forgotten = set(pairs)
        self._store({pair: made for pair, made in self._pairs.items() if pair not in forgotten})

    def _store(self, pairs: dict[LinkKey, LinkRecord]) -> None:
        if pairs == self._pairs:
            return
        items = [{**asdict(pair), "digest": made.digest, "edges": dict(made.edges)} for pair, made in pairs.items()]
        self._save({"pairs": sorted(items, key=lambda item: (item["image"], item["asset"]))})
        self._pairs = pairs
