"""GeoJSON locations of files and assets."""

from typing import Any, Literal, Self

from pydantic import model_validator

from cdf_sandbox.core.http import StrictModel

_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""Depth of the nested lists around the positions of a geometry."""
_LEAST = {"LineString": 2, "Polygon": 4, "MultiLineString": 2, "MultiPolygon": 4}
"""Least number of positions in the innermost list of a geometry."""


def _positions(given: Any, depth: int, least: int) -> bool:
    """Return whether `given` is a position of two numbers within `depth` lists."""
    if not isinstance(given, list):
        return False
    if depth == 0:
        return len(given) == 2 and all(type(number) in (int, float) for number in given)
    return len(given) >= (least if depth == 1 else 1) and all(_positions(each, depth - 1, least) for each in given)


class Geometry(StrictModel):
    """A geometry of GeoJSON; its coordinates are kept as they came."""

    type: Literal["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]
    coordinates: list[Any]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not _positions(self.coordinates, _DEPTHS[self.type], _LEAST.get(self.type, 1)):
            raise ValueError(f"the coordinates are not those of a {self.type}")
        return self


class GeoLocation(StrictModel):
    """A GeoJSON feature."""

    type: Literal["Feature"]
    geometry: Geometry
    properties: dict[str, Any] | None = None


class Shape(Geometry):
    """A geometry that others are compared with."""

    type: Literal["Point", "LineString", "Polygon", "MultiLineString", "MultiPolygon"]


class GeoLocationFilter(StrictModel):
    """Where a resource must lie; one without a `geoLocation` lies nowhere, and is not disjoint either."""

    relation: Literal["INTERSECTS", "DISJOINT", "WITHIN"]
    shape: Shape
