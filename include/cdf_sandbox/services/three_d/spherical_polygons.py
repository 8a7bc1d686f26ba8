"""Polygons on the sphere round a 360 image, in format 2.0.0: `[n, phi, theta, ... n, phi, theta, ...]`.

`phi` is the angle from +Y in [0, pi], `theta` the one about Y from +Z in [0, 2 pi), both in the image's own frame
before its rotation, as the public viewer reads them (cognitedata/reveal,
`transformSphericalCoordinatesToVectors.ts`).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cdf_sandbox.core.http import StrictModel

_RAYS: Mapping[str, Callable[[float, float], tuple[float, float, float]]] = {
    "left": lambda a, b: (1, -a, -b),
    "right": lambda a, b: (-1, a, -b),
    "front": lambda a, b: (-a, -1, -b),
    "back": lambda a, b: (a, 1, -b),
    "top": lambda a, b: (-a, -b, 1),
    "bottom": lambda a, b: (-a, b, -1),
}


def angles(face: str, u: float, v: float) -> tuple[float, float]:
    """`phi` and `theta` of a point of a face, in fractions from its top left corner."""
    x, y, z = _RAYS[face](2 * u - 1, 2 * v - 1)
    theta = math.atan2(x, z) % (2 * math.pi)
    return math.acos(y / math.hypot(x, y, z)), 0.0 if theta >= 2 * math.pi else theta


def polygon_data(face: str, corners: Sequence[tuple[float, float]]) -> list[float]:
    """The data of one polygon on a face."""
    return [float(len(corners)), *(angle for u, v in corners for angle in angles(face, u, v))]


def _check(data: list[float]) -> list[float]:
    place = polygons = 0
    while place < len(data):
        count = data[place]
        if count < 3 or count != int(count):
            raise ValueError(f"number {place} must be the vertex count of a polygon, at least 3")
        end = place + 1 + 2 * int(count)
        if end > len(data):
            raise ValueError(f"polygon {polygons} says {int(count)} vertices, and the data end before")
        _check_angles(data[place + 1 : end], place + 1)
        place, polygons = end, polygons + 1
    return data


def _check_angles(values: Iterable[float], start: int) -> None:
    for place, value in enumerate(values, start):
        is_polar = (place - start) % 2 == 0
        if is_polar and not 0 <= value <= math.pi:
            raise ValueError(f"number {place} must be a polar angle in [0, pi]")
        if not is_polar and not 0 <= value < 2 * math.pi:
            raise ValueError(f"number {place} must be an azimuth in [0, 2 pi)")


class SphericalPolygons(StrictModel):
    """One or more polygons on the sphere."""

    version: Literal["2.0.0"]
    data: Annotated[list[float], Field(min_length=7, max_length=1000), AfterValidator(_check)]
