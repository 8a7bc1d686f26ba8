"""Where the plates of a capture are: boxes in the site frame. Captures whose boxes are apart share no plate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from capture360.matching.nearby import allowed_m
from capture360.matching.places import Place
from capture360.matching.sights import Sight


class Bounds(NamedTuple):
    """Upright box in the site frame, in metres."""

    x_min: float
    y_min: float
    z_min: float
    x_max: float
    y_max: float
    z_max: float


@dataclass(frozen=True, slots=True)
class Extent:
    """A box around the places of plates, and one around the lines of sight of the others; None where there are none."""

    placed: Bounds | None = None
    lines: Bounds | None = None

    @classmethod
    def of(cls, places: Iterable[Place], sights: Iterable[Sight]) -> Extent:
        """Return the extent of these, as much wider as two that may be of one plate can be apart."""
        points = [(place.position, allowed_m(place, place) / 2) for place in places]
        ends = [(end, sight.miss_m) for sight in sights for end in sight.ends]
        return cls(_around(points), _around(ends))

    def shares_places(self, other: Extent) -> bool:
        """Return whether a plate with a place in both is possible."""
        return _meet(self.placed, other.placed)

    def may_share(self, other: Extent) -> bool:
        """Return whether a plate of both is possible, in a place or on a line of sight."""
        return any(_meet(one, another) for one in self._boxes() for another in other._boxes())

    def document(self) -> dict[str, Any]:
        """Return the extent as JSON values."""
        return {name: list(box) if box else None for name, box in (("placed", self.placed), ("lines", self.lines))}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Extent:
        """Build an extent from its `document`."""
        return cls(*(Bounds(*box) if (box := document[name]) else None for name in ("placed", "lines")))

    def _boxes(self) -> Iterator[Bounds | None]:
        yield from (self.placed, self.lines)


def _around(points: Iterable[tuple[tuple[float, float, float], float]]) -> Bounds | None:
    corners = [[*(value - by for value in point), *(value + by for value in point)] for point, by in points]
    if not corners:
        return None
    x_min, y_min, z_min, x_max, y_max, z_max = zip(*corners, strict=True)
    return Bounds(min(x_min), min(y_min), min(z_min), max(x_max), max(y_max), max(z_max))


def _meet(one: Bounds | None, other: Bounds | None) -> bool:
    return (
        one is not None
        and other is not None
        and all(one[axis] <= other[axis + 3] and other[axis] <= one[axis + 3] for axis in range(3))
    )
