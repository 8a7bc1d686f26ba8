"""Places of plates, found by where they are: those that may be of one plate, in a k-d tree."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import dist
from typing import Any

from capture360.matching.places import Place
from capture360.matching.plates import one_place_m

_UNKNOWN_ERROR_M = 0.1
"""Standard deviation of a place whose rays give none: the usual error of a mobile scanner at 6 m."""
_SLACK = 1 + 1e-9


def error_of(place: Place) -> float:
    """Return the standard deviation of a place in metres."""
    return _UNKNOWN_ERROR_M if place.error_m is None else place.error_m


def allowed_m(one: Place, other: Place) -> float:
    """Return the distance in metres up to which two places may be of one plate."""
    return one_place_m(error_of(one), error_of(other))


def are_one(one: Place, other: Place) -> bool:
    """Return whether two places may be of one plate."""
    return dist(one.position, other.position) <= allowed_m(one, other)


class Nearby:
    """Places of plates. To find those near a point does not take longer where there are more elsewhere."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._largest_error = max(map(error_of, places), default=0.0)

    def of_one(self, place: Place) -> list[int]:
        """Return the indices of the places that may be of one plate with a place, ascending."""
        if not self._places:
            return []
        reach = one_place_m(error_of(place), self._largest_error) * _SLACK
        near = self._tree.query_ball_point(place.position, reach)
        return [number for number in sorted(near) if are_one(self._places[number], place)]

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree([place.position for place in self._places])
