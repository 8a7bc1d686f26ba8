"""Delivered conventions end in one frame: metres, Z up, the cube's axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from capture360.checks.validation import Validation
from capture360.geometry import rotation
from capture360.model import Capture, Pose, Verdict
from delivery import Delivery

TILTED = rotation.matrix_from_heading(np.radians(70), np.radians(6), np.radians(-4))
PLACE = np.array([12.5, -3.25, 1.6])


def accepted(delivery: Delivery) -> Pose:
    validation = delivery.check()
    assert isinstance(validation.capture, Capture), validation.headline
    return next(station.pose for station in validation.capture.stations if station.id == "s-01")


def deliver(delivery: Delivery, matrix: Any, place: Any) -> None:
    """Give all stations this rotation, and places a few metres from this one."""
    w, x, y, z = rotation.quaternion_from_matrix(matrix)
    for number, row in enumerate(delivery.stations):
        shifted = np.add(place, (0, 3 * number, 0))
        row.update({axis: repr(float(value)) for axis, value in zip("xyz", shifted, strict=True)})
        row.update({f"q{part}": repr(value) for part, value in zip("wxyz", (w, x, y, z), strict=True)})


def same(pose: Pose, matrix: Any, place: Any) -> None:
    assert rotation.angle_between(rotation.matrix_from_quaternion(pose.rotation), matrix) < 1e-7
    assert np.abs(np.array(pose.position) - place).max() < 1e-6


def test_a_cube_is_taken_as_it_is_stated(delivery: Delivery) -> None:
    deliver(delivery, TILTED, PLACE)
    same(accepted(delivery), TILTED, PLACE)


def test_the_centre_of_a_panorama_is_the_front(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    delivery.manifest["rotation"]["image_yaw_offset_deg"] = 30
    deliver(delivery, TILTED, PLACE)
    same(accepted(delivery), rotation.cube_from_panorama(TILTED, np.radians(30)), PLACE)


def test_world_to_camera_is_inverted(delivery: Delivery) -> None:
    delivery.manifest["rotation"]["direction"] = "world_to_camera"
    deliver(delivery, TILTED.T, PLACE)
    same(accepted(delivery), TILTED, -TILTED @ PLACE)


def test_y_up_becomes_z_up(delivery: Delivery) -> None:
    delivery.manifest["frame"]["up"] = "y"
    lying = rotation.axis_rotation("Y", np.radians(40))
    deliver(delivery, lying, [1, 2, 3])
    standing = rotation.axis_rotation("Z", np.radians(40))
    same(accepted(delivery), standing, [1, -3, 2])


def test_headings_are_about_the_vertical_whichever_axis_is_up(delivery: Delivery) -> None:
    deliver(delivery, TILTED, [1, 2, 3])
    for row in delivery.stations:
        row.update(heading="70", pitch="6", roll="-4")
    delivery.manifest["rotation"] = {"kind": "heading_pitch_roll_deg", "direction": "camera_to_world"}
    delivery.manifest["frame"]["up"] = "y"
    same(accepted(delivery), rotation.cube_from_panorama(TILTED), [1, -3, 2])


@pytest.mark.parametrize("matrix", [False, True])
def test_unit_offset_yaw_and_scale_lead_to_the_site_frame(delivery: Delivery, matrix: bool) -> None:
    """p_site = scale Rz(yaw) (p - origin_offset), in metres, whichever way it is written."""
    yaw, offset = np.radians(25), np.array([400.0, 200.0, 10.0])
    turn = rotation.axis_rotation("Z", yaw)
    delivered = turn.T @ PLACE + offset
    delivery.manifest["frame"] |= {"unit": "ft"}
    if matrix:
        rows = np.eye(4)
        rows[:3, :3], rows[:3, 3] = turn, -turn @ offset
        delivery.manifest["frame"]["transform"] = rows.tolist()
    else:
        delivery.manifest["frame"]["transform"] = {"origin_offset": offset.tolist(), "yaw_deg": 25}
    deliver(delivery, turn.T @ TILTED, delivered / 0.3048)
    same(accepted(delivery), TILTED, PLACE)


def test_a_heading_from_minus_180_is_that_of_the_whole_turn(delivery: Delivery) -> None:
    delivery.manifest["rotation"] = {"kind": "heading_pitch_roll_deg", "direction": "camera_to_world"}
    rotations = []
    for turn in (0, 360):
        for number, row in enumerate(delivery.stations):
            heading = 5 - 20 * number
            row.update(heading=str(heading + turn if heading < 0 else heading), pitch="6", roll="-4")
        validation = delivery.check()
        assert validation.capture is not None
        assert not [finding for finding in validation.findings if finding.rule == "P07"]
        rotations.append([station.pose.rotation for station in validation.capture.stations])
    np.testing.assert_allclose(*rotations, atol=1e-9)


def test_euler_angles_of_cdf_and_headings(delivery: Delivery) -> None:
    deliver(delivery, TILTED, PLACE)
    ex, ey, ez = rotation.cdf_euler(TILTED)
    for row in delivery.stations:
        row.update(ex=str(np.degrees(ex)), ey=str(np.degrees(ey)), ez=str(np.degrees(ez)))
    delivery.manifest["rotation"] = {"kind": "euler_deg", "euler_order": "XZY", "direction": "camera_to_world"}
    same(accepted(delivery), TILTED, PLACE)
    for row in delivery.stations:
        row.update(heading="70", pitch="6", roll="-4")
    delivery.manifest["rotation"] = {"kind": "heading_pitch_roll_deg", "direction": "camera_to_world"}
    same(accepted(delivery), rotation.cube_from_panorama(TILTED), PLACE)


@pytest.mark.parametrize("stations", [4, 8])
@pytest.mark.parametrize(
    ("order", "words"),
    [("xyzw", "in the order x, y, z, w."), ("zwxy", "in the order w, x, y, z under qx, qy, qz, qw.")],
)
def test_an_order_in_which_every_image_stands_is_named(
    delivery: Delivery, said: Callable[[Validation, str], list[str]], order: str, words: str, stations: int
) -> None:
    """Some stations stand in both orders, since they are hardly turned."""
    delivery.stations = delivery.stations[:stations]
    for number, row in enumerate(delivery.stations):
        half = np.radians(5 if number % 4 == 0 else 30) / 2
        true = {"w": f"{np.cos(half):.9f}", "x": "0", "y": "0", "z": f"{np.sin(half):.9f}"}
        if order == "zwxy":
            half += np.pi / 2
            true = {"w": f"{np.cos(half):.9f}", "x": "0", "y": "0", "z": f"{np.sin(half):.9f}"}
        row.update({f"q{part}": true[held] for part, held in zip("wxyz", order, strict=True)})
    (sentence,) = said(delivery.check(), "P05")
    assert words in sentence


@pytest.mark.parametrize("headings", [[0] * 4 + [180] * 4, [0] * 5 + [180] * 3, [0, 2, 358, 4, 1, 90, 91, 270]])
def test_images_that_lie_are_a_swap_although_most_stand(
    delivery: Delivery, said: Callable[[Validation, str], list[str]], headings: list[int]
) -> None:
    """The order x, y, z, w tilts an image by its heading: a walk out and back stands half on its head."""
    for heading, row in zip(headings, delivery.stations, strict=True):
        half = np.radians(heading) / 2
        true = {"w": f"{np.cos(half):.9f}", "x": "0", "y": "0", "z": f"{np.sin(half):.9f}"}
        row.update({f"q{part}": true[held] for part, held in zip("wxyz", "xyzw", strict=True)})
    (sentence,) = said(delivery.check(), "P05")
    assert "in the order x, y, z, w" in sentence


@pytest.mark.parametrize(("stations", "leaning"), [(1, 1), (2, 2), (8, 2), (8, 4)])
@pytest.mark.parametrize("facing", ["ahead", "back"])
def test_stations_on_a_ramp_are_no_swap(
    delivery: Delivery, said: Callable[[Validation, str], list[str]], stations: int, leaning: int, facing: str
) -> None:
    """All face one way, so that the others stand upright in another order too."""
    delivery.stations = delivery.stations[:stations]
    for number, row in enumerate(delivery.stations):
        half = np.radians(20 if number < leaning else 0) / 2
        long, short = f"{np.cos(half):.9f}", f"{np.sin(half):.9f}"
        row.update(dict.fromkeys(("qw", "qx", "qy", "qz"), "0"))
        row.update({"qw": long, "qx": short} if facing == "ahead" else {"qz": long, "qy": short})
    validation = delivery.check()
    assert validation.verdict is Verdict.ACCEPTED, validation.headline
    assert said(validation, "P13")
    assert not said(validation, "P05")


@pytest.mark.parametrize("facing", ["ahead", "back"])
@pytest.mark.parametrize("climbs", [True, False])
def test_most_stations_on_a_ramp_are_no_swap_where_they_climb_it(
    delivery: Delivery, said: Callable[[Validation, str], list[str]], facing: str, climbs: bool
) -> None:
    for number, row in enumerate(delivery.stations):
        half = np.radians(18 if number < 6 else 0) / 2
        long, short = f"{np.cos(half):.9f}", f"{np.sin(half):.9f}"
        row.update(dict.fromkeys(("qw", "qx", "qy", "qz"), "0"))
        row.update({"qw": long, "qx": short} if facing == "ahead" else {"qz": long, "qy": short})
        height = 3 * min(number, 6) * np.tan(np.radians(18)) if climbs else 0
        height = -height if facing == "back" else height
        row.update(y=f"{3 * number}.0", z=f"{1.5 + height:.3f}")
    assert bool(said(delivery.check(), "P05")) is not climbs


def test_a_row_without_a_pose_is_one_fault_of_it(delivery: Delivery) -> None:
    delivery.stations[2] |= dict.fromkeys(("x", "y", "z", "qw", "qx", "qy", "qz"), "")
    delivery.stations[4] |= {"x": "", "y": ""}
    found = [
        (each.station, each.message.partition(": ")[2]) for each in delivery.check().findings if each.rule == "P01"
    ]
    fix = "Export the pose of this station, or remove the row."
    assert found == [
        ("s-03", f"x, y, z, qw, qx, qy, qz are all empty. {fix}"),
        ("s-05", f"x is empty. {fix}"),
        ("s-05", f"y is empty. {fix}"),
    ]


def test_a_number_that_no_rotation_holds_breaks_one_rule(delivery: Delivery) -> None:
    delivery.stations[2]["qw"] = "1e308"
    rules = [each.rule for each in delivery.check().findings if each.station == "s-03" and each.rule.startswith("P")]
    assert rules == ["P01"]


@pytest.mark.parametrize("scale", [1e160, 1e-300])
def test_a_matrix_that_scales_beyond_any_unit_is_named_so(delivery: Delivery, scale: float) -> None:
    rows = [[scale, 0, 0, 0], [0, scale, 0, 0], [0, 0, scale, 0], [0, 0, 0, 1]]
    delivery.manifest["frame"]["transform"] = {"matrix": rows}
    assert f"the matrix scales lengths by about {scale:g}" in delivery.check().headline
