"""Full spheres in an E57 file, and remarks about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from capture360.e57.images import Image2D, Representation
from capture360.e57.pages import E57Error
from capture360.geometry import rotation as rot
from capture360.model import FARTHEST_M, FaceName, Pose

UNIT_TOLERANCE = 1e-3
"""Deviation of a quaternion's length from 1 that counts as rounding."""
UNIT_REPAIRABLE = 1e-2
"""Deviation that is normalised with a note; above it the quaternion is refused."""


@dataclass(frozen=True, slots=True)
class PinholeFace:
    """A picture of a cube. `turn` quarter turns counter-clockwise make it upright; `fits` if it needs no resampling."""

    face: FaceName
    image: Image2D
    picture: Representation
    turn: int
    fits: bool
    camera_to_cube: tuple[tuple[float, float, float], ...]
    """Rows of the matrix from camera axes to cube axes."""


@dataclass(frozen=True, slots=True)
class Photosphere:
    """A full sphere. `pose` is that of CDF's cube. It has a `panorama`, or six `faces` from pinhole images."""

    station: str
    name: str
    pose: Pose
    taken_at: datetime | None
    images: tuple[Image2D, ...]
    panorama: Representation | None = None
    faces: tuple[PinholeFace, ...] = ()

    @property
    def index(self) -> int:
        """Number of its first image in the file, which references use."""
        return self.images[0].index

    @property
    def pictures(self) -> tuple[Representation, ...]:
        """Its panorama, or its six faces."""
        return (self.panorama,) if self.panorama else tuple(face.picture for face in self.faces)

    def reference(self, path: str) -> str:
        """Return the name of this sphere in a capture: `scan.e57#12`, the number being that of its first image."""
        return f"{path}#{self.index}"


@dataclass(frozen=True, slots=True)
class Remark:
    """Problem of a sphere. `fatal` if it makes the sphere unusable; `note` if it was corrected while reading."""

    label: str
    value: str
    message: str
    fatal: bool = False
    note: bool = False
    image: int | None = None
    """Number of an image of the sphere, by which the station is found."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Usable spheres, remarks about unusable ones, and the number of images that belong to no sphere."""

    usable: tuple[Photosphere, ...]
    remarks: tuple[Remark, ...]
    total: int
    other_images: int


def split_reference(reference: str) -> tuple[str, int]:
    """Split a reference into path and image number; E57Error if it is malformed."""
    path, _, index = reference.rpartition("#")
    if not path or not index.isdecimal():
        raise E57Error(f'"{reference}" names no sphere of an E57 file. Write scan.e57#<image number>.')
    return path, int(index)


def fault(image: Image2D, picture: Representation) -> Remark | None:
    """Return why an image is unusable, or None; only its own values are considered."""
    if image.problems:
        problem = image.problems[0]
        return Remark(image.label, problem, f"cannot be used: {problem}. Export it again", fatal=True)
    if picture.blob is None:
        return Remark(image.label, "", "holds no JPEG or PNG. Export it again", fatal=True)
    if image.pose is None:
        return Remark(image.label, "", "has no pose. Export the images with their poses", fatal=True)
    if max(abs(value) for value in image.pose.translation) > FARTHEST_M:
        numbers = ", ".join(f"{value:g}" for value in image.pose.translation)
        return Remark(
            image.label,
            numbers,
            f"has a position ({numbers}) that is too far away to be one. Export the poses again",
            fatal=True,
        )
    length = rot.quaternion_length(image.pose.rotation)
    if not abs(length - 1) <= UNIT_REPAIRABLE:
        numbers = ", ".join(f"{value:g}" for value in image.pose.rotation)
        return Remark(
            image.label,
            numbers,
            f"has a rotation ({numbers}) that is no unit quaternion: its length is {length:.4g}, not 1. "
            "Export the poses again",
            fatal=True,
        )
    return None


def remark_length(image: Image2D, remarks: list[Remark]) -> None:
    """Add a remark if the image's quaternion is not a unit quaternion; it is normalised when it is read."""
    assert image.pose is not None
    length = rot.quaternion_length(image.pose.rotation)
    if abs(length - 1) > UNIT_TOLERANCE:
        remarks.append(
            Remark(
                image.label,
                f"{length:.5f}",
                f"had a quaternion of length {length:.4f}; made 1",
                note=True,
                image=image.index,
            )
        )
