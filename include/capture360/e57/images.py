"""The pictures that an E57 file describes: `images2D` of its XML as plain values (ASTM E2807 sections 8.4.11-14)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RepresentationKind = Literal["spherical", "pinhole", "cylindrical", "visual"]


@dataclass(frozen=True, slots=True)
class Blob:
    """Location of a picture: physical offset of its section, and logical length in bytes."""

    offset: int
    length: int
    mime_type: Literal["image/jpeg", "image/png"]


@dataclass(frozen=True, slots=True)
class Representation:
    """A picture and its projection. Pixel sizes are in radians if spherical, metres if pinhole; the rest in pixels."""

    kind: RepresentationKind
    blob: Blob | None
    mask: Blob | None
    width: int
    height: int
    pixel_width: float
    pixel_height: float
    focal_length: float
    principal: tuple[float, float]

    def field_of_view(self) -> tuple[float, float] | None:
        """Horizontal and vertical angle in radians of a pinhole picture; None if the file does not say."""
        across, down = self.width * self.pixel_width, self.height * self.pixel_height
        if self.focal_length <= 0 or across <= 0 or down <= 0:
            return None
        return 2 * math.atan(across / (2 * self.focal_length)), 2 * math.atan(down / (2 * self.focal_length))


@dataclass(frozen=True, slots=True)
class ScannerPose:
    """Pose as written: quaternion (w, x, y, z), not necessarily of unit length, and position in metres."""

    rotation: tuple[float, float, float, float]
    translation: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Image2D:
    """A child of `images2D`. `problems` lists what could not be read."""

    index: int
    guid: str
    name: str
    acquired_at: datetime | None
    pose: ScannerPose | None
    scan: str
    """guid of the scan it belongs to, empty if none."""
    representations: tuple[Representation, ...]
    problems: tuple[str, ...] = ()
    untimed: str = ""
    """Why its acquisition time could not be read; a file or a scan has one too, so that this spoils no image."""

    def representation(self, kind: RepresentationKind) -> Representation | None:
        """Return the picture of this projection; None if there is none."""
        return next((one for one in self.representations if one.kind == kind), None)

    @property
    def label(self) -> str:
        """What messages call the image: its name, guid or number."""
        return self.name or self.guid or f"image {self.index}"
