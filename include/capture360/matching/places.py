"""Positions of plates: the points where lines of sight of stations meet, with their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capture360.matching.consensus import Consensus


@dataclass(frozen=True, slots=True)
class Place:
    """A point in metres in the site frame. `error_m` is its standard deviation along its worst direction, if known.

    `residual_deg` is the largest angle by which a line of sight misses it.
    """

    position: tuple[float, float, float]
    residual_deg: float
    error_m: float | None

    def document(self) -> dict[str, Any]:
        """Return the place as JSON values."""
        return {"position": list(self.position), "residual_deg": self.residual_deg, "error_m": self.error_m}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Place:
        """Build a place from its `document`."""
        x, y, z = document["position"]
        return cls((x, y, z), document["residual_deg"], document["error_m"])


def places_of(consensus: Consensus) -> dict[str, Place]:
    """Return the places of the plates that several stations see, by name of the plate."""
    return {
        consensus.scored[sighting.members[0]].match.plate: Place(
            sighting.point, sighting.residual_deg, sighting.error_m
        )
        for sighting in consensus.sightings
    }
