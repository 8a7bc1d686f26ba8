"""How well views show a plate: sizes in pixels, distance, angle, and their order."""

from __future__ import annotations

from dataclasses import replace
from math import asin, degrees, hypot

import numpy as np
import pytest

from capture360.geometry.projection import project_to_face
from capture360.geometry.rotation import matrix_from_quaternion, normalised
from capture360.matching.viewpoints import viewpoints
from capture360.model import Detection, FaceName, Pose

PLATE = (0.0, -2.0, 1.5)
"""The middle of a plate that hangs on a wall along X and is read from +Y."""
POSES = {
    "square": Pose((0.0, 0.0, 1.5), (1, 0, 0, 0)),
    "aside": Pose((2.0, 0.0, 1.5), normalised((1, 0.02, -0.03, -0.2))),
    "far": Pose((0.3, 3.0, 1.6), (1, 0, 0, 0)),
}
WIDTH, HEIGHT = 0.3, 0.1


def seen(image: str, face: FaceName = "front", **changes: object) -> Detection:
    """The plate as an image shows it: its left end is at larger X for who looks along -Y."""
    pose = POSES[image]
    corners = np.array(PLATE) + [
        (x, 0, z) for x, z in ((WIDTH / 2, HEIGHT / 2), (-WIDTH / 2, HEIGHT / 2), (-WIDTH / 2, -HEIGHT / 2),
                               (WIDTH / 2, -HEIGHT / 2))
    ]  # fmt: skip
    places = project_to_face(face, (corners - pose.position) @ matrix_from_quaternion(pose.rotation))
    assert ((places >= 0) & (places <= 1)).all()
    return replace(Detection(image, face, "P-1", 0.99, tuple((float(x), float(y)) for x, y in places)), **changes)


def test_sizes_distances_and_angles_are_those_of_the_plate() -> None:
    near, aside, far = viewpoints([seen("far"), seen("aside"), seen("square")], POSES, 2048, PLATE)
    assert [each.detection.image for each in (near, aside, far)] == ["square", "aside", "far"]
    assert near.width_px == pytest.approx(2048 * WIDTH / 2 / 2, rel=1e-3)
    assert near.height_px == pytest.approx(2048 * HEIGHT / 2 / 2, rel=1e-3)
    assert [each.distance_m for each in (near, aside, far)] == pytest.approx(
        [2, hypot(2, 2), hypot(0.3, 5, 0.1)], abs=5e-3
    )
    assert near.angle_deg == pytest.approx(0, abs=0.2)
    assert aside.angle_deg == pytest.approx(45, abs=0.7)  # the text's middle is not the plate's, seen from aside
    assert far.angle_deg == pytest.approx(degrees(asin(0.3 / hypot(0.3, 5, 0.1))), abs=0.2)


def test_a_text_that_is_cut_comes_last_and_one_that_nobody_judged_does_not() -> None:
    cut, unknown = seen("square", whole=False), seen("far", whole=None)
    assert [each.detection for each in viewpoints([cut, unknown], POSES, 2048, PLATE)] == [unknown, cut]


def test_one_station_or_ends_that_do_not_meet_tell_no_angle() -> None:
    (alone,) = viewpoints([seen("square")], POSES, 2048, None)
    assert (alone.distance_m, alone.angle_deg) == (None, None)
    there = seen("aside")
    swapped = replace(there, polygon=(*there.polygon[2:], *there.polygon[:2]))
    assert {each.angle_deg for each in viewpoints([seen("square"), swapped], POSES, 2048, PLATE)} == {None}


def test_without_pose_or_resolution_the_views_are_still_in_order() -> None:
    found = viewpoints([seen("far"), seen("square", cap_px=20.0)], {}, 0, None)
    assert [(each.detection.image, each.width_px, each.height_px) for each in found] == [
        ("square", None, 20.0), ("far", None, None),
    ]  # fmt: skip
