"""The GPano block that 360° cameras write into a picture's XMP.

Names as in developers.google.com/streetview/spherical-metadata.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture360.pictures.jpeg import MAX_MEGAPIXELS, ImageError, ImageHeader
from capture360.pictures.xmp import values_in
from capture360.text import printable

EQUIRECTANGULAR = "equirectangular"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"

_PROJECTION = "ProjectionType"
_SIZES = {
    "full_width": "FullPanoWidthPixels",
    "full_height": "FullPanoHeightPixels",
    "cropped_width": "CroppedAreaImageWidthPixels",
    "cropped_height": "CroppedAreaImageHeightPixels",
    "cropped_left": "CroppedAreaLeftPixels",
    "cropped_top": "CroppedAreaTopPixels",
}
_ANGLES = {"heading": "PoseHeadingDegrees", "pitch": "PosePitchDegrees", "roll": "PoseRollDegrees"}


@dataclass(frozen=True, slots=True)
class GPano:
    """Values of a GPano block: sizes in pixels, angles in degrees. None if not stated, nan if not a number.

    `heading` is clockwise from north to the centre of the picture, `pitch` upwards, `roll` clockwise.
    """

    projection: str | None = None
    full_width: int | None = None
    full_height: int | None = None
    cropped_width: int | None = None
    cropped_height: int | None = None
    cropped_left: int | None = None
    cropped_top: int | None = None
    heading: float | None = None
    """Also nan where it is stated as nothing, or twice and otherwise, see `faults`."""
    pitch: float | None = None
    roll: float | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with a value, by its name: "an empty", "no number as", "two different values of"."""

    @property
    def cropped(self) -> bool:
        """Whether the block describes the picture as a part of the sphere."""
        full = (self.full_width, self.full_height)
        part = (self.cropped_width, self.cropped_height)
        return None not in full and None not in part and full != part


def read_gpano(header: ImageHeader, where: str = "The picture") -> GPano | None:
    """Read the GPano values of a picture's header, written as attributes or elements; None if there are none.

    An angle that is no number becomes nan, such a size None. ImageError with `where` if damage may hide an angle.
    Document types are refused.
    """
    block, damage = _legible_values(header)
    if damage and (block is None or None in (block.heading, block.pitch, block.roll)):
        raise ImageError(f"{where} has {damage}. Export it again.")
    return block


def _legible_values(header: ImageHeader) -> tuple[GPano | None, str]:
    """Return what the blocks state that can be read, and what keeps others from it."""
    found: dict[str, str] = {}
    faults: dict[str, str] = {}
    damage = header.xmp_fault
    for block in header.xmp:
        try:
            stated = [*values_in(block, NAMESPACE, (_PROJECTION, *_SIZES.values(), *_ANGLES.values()))]
        except ValueError:
            damage = damage or "XMP metadata that is no valid XML"
            continue
        for key, text in stated:
            if _differ(found.setdefault(key, text), text):
                faults[key] = "two different values of"
    if not found:
        return None, damage

    def number(name: str) -> float | None:
        text = found.get(name)
        if text is None:
            return None
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            faults.setdefault(name, "no number as" if text else "an empty")
        return math.nan if name in faults else value

    def pixels(name: str) -> int | None:
        value = number(name)
        return None if value is None or math.isnan(value) else int(value)

    values: dict[str, Any] = {
        "projection": found.get(_PROJECTION),
        **{name: pixels(key) for name, key in _SIZES.items()},
        **{name: number(key) for name, key in _ANGLES.items()},
        "faults": faults,
    }
    return GPano(**values), damage


def _differ(one: str, other: str) -> bool:
    """Return whether two texts of a value mean different ones: 90 and 90.0 are the same."""
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        return float(one) != float(other)
    return one.casefold() != other.casefold()


@dataclass(frozen=True, slots=True)
class Placement:
    """Size of the full sphere, and the upper left corner on it of a picture of a part; all in pixels."""

    width: int
    height: int
    left: int
    top: int


def placement(
    header: ImageHeader, where: str = "The picture", max_megapixels: float = MAX_MEGAPIXELS
) -> Placement | None:
    """Return where on the sphere the upright picture lies by its GPano block; None if it is not a part of one.

    ImageError if the block states another projection, a size that is no number or two different ones, or does not fit
    the pixels, or the full sphere is above `max_megapixels`.
    """
    # A damaged block says nothing about the pixels, and voids none that does.
    block, _ = _legible_values(header)
    if block is not None and _PROJECTION in block.faults:
        raise ImageError(
            f"{where} gives {block.faults[_PROJECTION]} {_PROJECTION} in its GPano block. Export it again."
        )
    if block is not None and (block.projection or EQUIRECTANGULAR).casefold() != EQUIRECTANGULAR:
        raise ImageError(
            f'{where} has the projection "{printable(block.projection or "", 40)}" by its GPano block. '
            f"Export it as {EQUIRECTANGULAR}."
        )
    for size in _SIZES.values():
        if block is not None and size in block.faults:
            # Taken as missing, it would place the picture elsewhere on the sphere.
            raise ImageError(f"{where} gives {block.faults[size]} {size} in its GPano block. Export it again.")
    if block is None or not block.cropped or block.full_width is None or block.full_height is None:
        return None
    width, height = header.upright_size
    for name, offset, part, full in (
        (_SIZES["cropped_left"], block.cropped_left, block.cropped_width, block.full_width),
        (_SIZES["cropped_top"], block.cropped_top, block.cropped_height, block.full_height),
    ):
        if offset is None and part != full:
            raise ImageError(f"{where} is a part of a sphere and gives no {name} in its GPano block. Export it again.")
    left, top = block.cropped_left or 0, block.cropped_top or 0
    if (
        (block.cropped_width, block.cropped_height) != (width, height)
        or not 0 <= left <= block.full_width - width
        or not 0 <= top <= block.full_height - height
    ):
        raise ImageError(
            f"{where} has {width} x {height} pixels, which its GPano block does not place on a sphere of "
            f"{block.full_width} x {block.full_height}. Export it again."
        )
    if block.full_width * block.full_height > max_megapixels * 1e6:
        raise ImageError(f"{where} is a part of more than {max_megapixels:,.0f} megapixels. Export it smaller.")
    return Placement(block.full_width, block.full_height, left, top)


def on_full_sphere(pixels: NDArray[np.uint8], place: Placement) -> NDArray[np.uint8]:
    """Return the full sphere with upright pixels of a part in their place, and black elsewhere."""
    height, width = pixels.shape[:2]
    sphere = np.zeros((place.height, place.width, 3), dtype=np.uint8)
    sphere[place.top : place.top + height, place.left : place.left + width] = pixels
    return sphere
