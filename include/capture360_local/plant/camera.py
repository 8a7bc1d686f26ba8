"""Projections of the plant's cameras: cube faces and full panoramas, each in its own camera frame.

Cube frame (Cognite 360 images, as the Reveal viewer shows them): the front face looks along -Y with +Z up. The other
faces follow by turning right from there (right, back, left), or by tilting up (top) or down (bottom). Panorama frame
(ASTM E2807, spherical images): the centre column looks along +X, left of it is +Y, up is +Z. Image coordinates count
from the top left corner of the image, so that the middle of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from capture360_local.plant.rotation import Floats, about_z

FACES = ("front", "right", "back", "left", "top", "bottom")


@dataclass(frozen=True)
class Eye:
    """Axes of a view: forward, right of the image, top of the image; each (3,)."""

    forward: Floats
    right: Floats
    up: Floats

    def turned_right(self) -> Eye:
        """Return the view 90 degrees to the right."""
        return Eye(self.right, -self.forward, self.up)

    def tilted_back(self) -> Eye:
        """Return the view 90 degrees upwards."""
        return Eye(self.up, self.right, -self.forward)

    def tilted_down(self) -> Eye:
        """Return the view 90 degrees downwards."""
        return Eye(-self.up, self.right, self.forward)


def _head() -> dict[str, Eye]:
    forward, up = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    front = Eye(forward, np.cross(forward, up), up)
    right = front.turned_right()
    back = right.turned_right()
    return {
        "front": front,
        "right": right,
        "back": back,
        "left": back.turned_right(),
        "top": front.tilted_back(),
        "bottom": front.tilted_down(),
    }


EYES = _head()

PANORAMA_IN_CUBE = about_z(-np.pi / 2)
"""Turns panorama-frame coordinates into cube-frame coordinates: the centre of the panorama (+X) is the front (-Y)."""


class Projection(Protocol):
    """Mapping from image coordinates to directions."""

    @property
    def width(self) -> int:
        """Width in pixels."""
        ...

    @property
    def height(self) -> int:
        """Height in pixels."""
        ...

    @property
    def pixel_angle(self) -> float:
        """Angle in radians that a pixel spans in the middle of the image."""

    def directions(self, column: Floats, row: Floats) -> Floats:
        """Directions (3, n), not normalised, in the camera frame, of the image coordinates (n,), (n,)."""


@dataclass(frozen=True)
class CubeFace:
    """A face of 90 degrees: `size` x `size` pixels."""

    face: str
    size: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.size

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.size

    @property
    def pixel_angle(self) -> float:
        """Angle in radians of a pixel in the middle."""
        return 2.0 / self.size

    def directions(self, column: Floats, row: Floats) -> Floats:
        """Directions (3, n), as of a `Projection`."""
        eye = EYES[self.face]
        across = 2.0 * column / self.size - 1.0
        down = 2.0 * row / self.size - 1.0
        return eye.forward[:, None] + eye.right[:, None] * across - eye.up[:, None] * down


@dataclass(frozen=True)
class Panorama:
    """A full sphere: twice as wide as high, azimuth falling from left to right."""

    width: int
    height: int

    @property
    def pixel_angle(self) -> float:
        """Angle in radians of a pixel on the horizon."""
        return 2.0 * np.pi / self.width

    def directions(self, column: Floats, row: Floats) -> Floats:
        """Directions (3, n), as of a `Projection`."""
        azimuth = np.pi - 2.0 * np.pi * column / self.width
        elevation = np.pi / 2.0 - np.pi * row / self.height
        level = np.cos(elevation)
        return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


def on_face(face: str, points: Floats) -> Floats:
    """Project points (n, 3) of the cube frame onto a face: (n, 2) in 0..1, x right and y down, NaN if behind it."""
    eye = EYES[face]
    depth = points @ eye.forward
    depth = np.where(depth > 1e-9, depth, np.nan)
    return np.stack([0.5 + 0.5 * (points @ eye.right) / depth, 0.5 - 0.5 * (points @ eye.up) / depth], axis=1)
