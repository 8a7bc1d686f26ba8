"""Places of files and assets."""

from typing import Any, Literal

from cdf_sandbox.core.http import StrictModel


class GeoLocation(StrictModel):
    """A GeoJSON feature; its coordinates are kept as they came."""

    class Geometry(StrictModel):
        """The geometry of a feature."""

        type: Literal["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]
        coordinates: list[Any]

    type: Literal["Feature"]
    geometry: Geometry
    properties: dict[str, Any] | None = None
