"""A number of any size in an E57 file ends in a remark or an ordinary sphere, never in an exception."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from scipy.spatial.transform import Rotation

from capture360.e57 import find_photospheres
from capture360.e57.contents import Contents
from capture360.e57.images import Blob, Image2D, Representation, RepresentationKind, ScannerPose
from capture360.model import FARTHEST_M

SIZES = (1.7976931348623157e308, -1.7e308, 1e160, 5e-324, -1e20, 0.0)
TOWARDS = [Rotation.from_euler("Z", 90 * quarter, degrees=True) * Rotation.from_euler("X", 90, degrees=True)
           for quarter in range(4)] + [Rotation.identity(), Rotation.from_euler("X", 180, degrees=True)]  # fmt: skip


def image(index: int, kind: RepresentationKind, turn: Rotation) -> Image2D:
    width, height, pixel, focal = (64, 64, 2 / 64, 1.0) if kind == "pinhole" else (128, 64, math.pi / 64, 0.0)
    picture = Representation(
        kind, Blob(1, 1, "image/png"), None, width, height, pixel, pixel, focal, (width / 2, height / 2)
    )
    x, y, z, w = turn.as_quat().tolist()
    pose = ScannerPose((w, x, y, z), (1.0, 2.0, 3.0))
    return Image2D(index, f"{index}", f"image {index}", None, pose, "", (picture,))


def cubes() -> list[Image2D]:
    return [image(index, "pinhole", turn) for index, turn in enumerate(TOWARDS)]


def changed(one: Image2D) -> Iterator[Image2D]:
    """The image with each of its numbers replaced by each size."""
    assert one.pose is not None
    (picture,) = one.representations
    for size in SIZES:
        for at in range(3):
            moved = tuple(size if at == axis else value for axis, value in enumerate(one.pose.translation))
            yield replace(one, pose=replace(one.pose, translation=moved))
        for at in range(4):
            turned = tuple(size if at == axis else value for axis, value in enumerate(one.pose.rotation))
            yield replace(one, pose=replace(one.pose, rotation=turned))
        yield replace(one, pose=ScannerPose((size,) * 4, (size,) * 3))
        numbers: list[dict[str, Any]] = [
            {"pixel_width": size}, {"pixel_height": size}, {"focal_length": size}, {"principal": (size, 1.0)},
            {"principal": (size, size)}, {"pixel_width": size, "pixel_height": size, "focal_length": size},
        ]  # fmt: skip
        for fields in numbers:
            yield replace(one, representations=(replace(picture, **fields),))
    for width in (0, 1, (1 << 62) - 1):
        yield replace(one, representations=(replace(picture, width=width, height=width),))


def contents(images: list[Image2D]) -> Contents:
    return Contents(None, 0, tuple(images), {})


def test_the_images_are_spheres_as_they_are() -> None:
    assert len(find_photospheres(contents(cubes())).usable) == 1
    assert len(find_photospheres(contents([image(0, "spherical", Rotation.identity())])).usable) == 1


@pytest.mark.parametrize(("side", "words"), [("pixel_width", "300 degrees wide"), ("pixel_height", "150 degrees high")])
def test_a_panorama_that_says_it_is_no_sphere_is_remarked(side: str, words: str) -> None:
    one = image(0, "spherical", Rotation.identity())
    (picture,) = one.representations
    narrow = replace(picture, **{side: getattr(picture, side) * 5 / 6})
    found = find_photospheres(contents([replace(one, representations=(narrow,))]))
    assert [remark.message for remark in found.remarks if not remark.message.startswith("has no acq")] == [
        f"says it is {words}; taken as a full {360 if 'wide' in words else 180}"
    ]


@pytest.mark.parametrize("side", ["pixel_width", "pixel_height"])
def test_a_panorama_without_the_size_of_its_pixels_is_not_said_to_be_0_degrees_wide(side: str) -> None:
    one = image(0, "spherical", Rotation.identity())
    (picture,) = one.representations
    found = find_photospheres(contents([replace(one, representations=(replace(picture, **{side: 0.0}),))]))
    assert any(remark.message.startswith("gives no size of its pixels; taken as a full") for remark in found.remarks)
    assert not any("0 degrees" in remark.message for remark in found.remarks)


@pytest.mark.parametrize(("share", "usable"), [(0.5, 0), (0.995, 1), (1.0, 1), (1e-3, 1), (57.3, 1)])
def test_pixel_sizes_that_agree_on_a_part_of_the_sphere_refuse_it(share: float, usable: int) -> None:
    """Sizes in degrees, or of a sensor, are known slips."""
    one = image(0, "spherical", Rotation.identity())
    (picture,) = one.representations
    part = replace(picture, pixel_width=picture.pixel_width * share, pixel_height=picture.pixel_height * share)
    found = find_photospheres(contents([replace(one, representations=(part,))]))
    assert len(found.usable) == usable
    assert usable or "is 180 x 90 degrees by its pixel sizes, a part of the sphere" in found.remarks[0].message


@pytest.mark.parametrize("kind", ["pinhole", "spherical"])
def test_no_number_raises(kind: RepresentationKind) -> None:
    rest = cubes()[1:] if kind == "pinhole" else []
    for one in changed(image(0, kind, TOWARDS[0])):
        found = find_photospheres(contents([one, *rest]))
        for sphere in found.usable:
            assert all(abs(value) <= FARTHEST_M for value in sphere.pose.position)
            assert all(math.isfinite(value) for value in sphere.pose.rotation)


def test_a_cube_far_away_is_a_remark() -> None:
    for size, at in itertools.product((1.7e308, -1e9, 1e160), range(3)):
        moved = [
            replace(one, pose=ScannerPose(one.pose.rotation, tuple(size if at == axis else 0.0 for axis in range(3))))
            for one in cubes()
            if one.pose is not None
        ]
        found = find_photospheres(contents(moved))
        assert not found.usable
        assert "too far away to be one" in found.remarks[0].message
