"""The scene: boxes, cylinders, spheres and pictures, and a builder of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

import numpy as np
from PIL import Image

from capture360_local.plant.rotation import Floats

Colour = tuple[float, float, float]
LONGEST_PIECE = 2.0  # metres; longer pipes are cut in pieces so that a ray meets few candidates


class Shape(IntEnum):
    """What a solid is; `caster` has an intersection of rays for each."""

    BOX = 0
    CYLINDER = 1
    SPHERE = 2
    PICTURE = 3


def vector(*values: float) -> Floats:
    """Array of the values, as points, directions and sizes of the scene are written."""
    return np.array(values, dtype=float)


@dataclass(frozen=True)
class Solid:
    """A solid that rays can hit. `low` and `high` (3,) are its bounds; boxes fill them, the others lie inside.

    `right`, `up` and `half` (2,) belong to pictures, which are seen from the side of `normal`; their back is grey.
    """

    shape: Shape
    low: Floats
    high: Floats
    centre: Floats
    colour: Colour
    gloss: float = 0.0
    glows: bool = False
    axis: int = 0
    radius: float = 0.0
    right: Floats = field(default_factory=lambda: vector(1, 0, 0))
    up: Floats = field(default_factory=lambda: vector(0, 0, 1))
    half: tuple[float, float] = (0.0, 0.0)
    texture: int = -1

    @cached_property
    def normal(self) -> Floats:
        """Direction (3,) that the front of a picture faces."""
        return np.cross(self.right, self.up)


class Scene:
    """Builder of a scene. Each method adds a solid and returns its number."""

    def __init__(self) -> None:
        self.solids: list[Solid] = []
        self.textures: list[Image.Image] = []

    def _add(self, solid: Solid) -> int:
        self.solids.append(solid)
        return len(self.solids) - 1

    def box(self, low: Floats, high: Floats, colour: Colour, *, gloss: float = 0.0) -> int:
        """Add a box between two corners (3,) in metres."""
        return self._add(Solid(Shape.BOX, low, high, (low + high) / 2, colour, gloss))

    def cylinder(
        self, axis: int, start: Floats, length: float, radius: float, colour: Colour, *, gloss: float = 0.35
    ) -> int:
        """A closed cylinder along the positive `axis` (0, 1, 2) from the middle of its first cap."""
        pieces = max(1, int(np.ceil(length / LONGEST_PIECE)))
        along = np.eye(3)[axis]
        for piece in range(pieces):
            begin = start + along * (length * piece / pieces)
            end = start + along * (length * (piece + 1) / pieces)
            wide = radius * (1.0 - along)
            self._add(
                Solid(Shape.CYLINDER, begin - wide, end + wide, (begin + end) / 2, colour, gloss, False, axis, radius)
            )
        return len(self.solids) - 1

    def sphere(self, centre: Floats, radius: float, colour: Colour, *, gloss: float = 0.35) -> int:
        """Add a sphere; `radius` in metres."""
        return self._add(Solid(Shape.SPHERE, centre - radius, centre + radius, centre, colour, gloss, False, 0, radius))

    def picture(
        self,
        centre: Floats,
        right: Floats,
        up: Floats,
        size: tuple[float, float],
        image: Image.Image,
        *,
        glows: bool = False,
    ) -> int:
        """A flat image of `size` (width, height) in metres; `right` and `up` are unit vectors as its viewer sees it."""
        self.textures.append(image)
        half = (size[0] / 2, size[1] / 2)
        reach = np.abs(right) * half[0] + np.abs(up) * half[1] + 1e-4
        return self._add(
            Solid(
                Shape.PICTURE,
                centre - reach,
                centre + reach,
                centre,
                (1.0, 1.0, 1.0),
                0.0,
                glows,
                right=right,
                up=up,
                half=half,
                texture=len(self.textures) - 1,
            )
        )
