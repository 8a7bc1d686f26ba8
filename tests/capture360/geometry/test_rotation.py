"""Rotations against scipy as an independent peer; rotations are compared, never angles."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from capture360.geometry import rotation as rot

components = st.floats(-1, 1).filter(lambda value: abs(value) > 1e-3)
quaternions = st.tuples(components, components, components, components)
angles = st.floats(-math.pi, math.pi)


def scipy_matrix(quaternion):
    w, x, y, z = quaternion
    return Rotation.from_quat([x, y, z, w]).as_matrix()


@given(quaternions)
def test_quaternions_and_matrices_agree_with_scipy(quaternion):
    matrix = rot.matrix_from_quaternion(quaternion)
    assert rot.angle_between(matrix, scipy_matrix(quaternion)) < 1e-12
    back = rot.quaternion_from_matrix(matrix)
    assert back == pytest.approx(rot.normalised(quaternion), abs=1e-12)
    assert back[0] >= 0


@pytest.mark.parametrize("quaternion", [(0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, -1), (0, 0.6, -0.8, 0), (1, 0, 0, 0)])
def test_half_turns_survive_the_way_through_a_matrix(quaternion):
    back = rot.quaternion_from_matrix(rot.matrix_from_quaternion(quaternion))
    assert rot.angle_between(rot.matrix_from_quaternion(back), scipy_matrix(quaternion)) < 1e-12


@given(quaternions)
def test_cdf_euler_angles_reproduce_the_rotation_by_scipys_reading(quaternion):
    matrix = scipy_matrix(quaternion)
    ex, ey, ez = rot.cdf_euler(matrix)
    assert rot.angle_between(Rotation.from_euler("XZY", [ex, ez, ey]).as_matrix(), matrix) < 1e-9
    assert rot.angle_between(rot.matrix_from_cdf_euler(ex, ey, ez), matrix) < 1e-9
    again = rot.cdf_euler(rot.matrix_from_cdf_euler(ex, ey, ez))
    assert again == pytest.approx((ex, ey, ez), abs=1e-6)


@pytest.mark.parametrize("off", [0, 1e-12, 1e-11, 3e-10, 1e-9, 1e-8, 1e-6, 1e-3])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("tilt", [0, 1e-9, 0.3, -1.2])
def test_the_lock_at_a_quarter_turn_loses_no_rotation(off, side, tilt):
    matrix = rot.matrix_from_cdf_euler(tilt, 0.2 * tilt, side * (math.pi / 2 - off))
    assert rot.angle_between(rot.matrix_from_cdf_euler(*rot.cdf_euler(matrix)), matrix) < 1e-9


@given(angles)
@settings(max_examples=50)
def test_pure_yaw_stays_pure(yaw):
    ex, ey, ez = rot.cdf_euler(rot.axis_rotation("Z", yaw))
    assert (ex, ey) == pytest.approx((0, 0), abs=1e-9)
    assert math.remainder(ez - yaw, 2 * math.pi) == pytest.approx(0, abs=1e-9)


def test_the_identity_pose_of_a_scanner_becomes_a_quarter_turn():
    cube = rot.cube_from_panorama(rot.matrix_from_quaternion((1, 0, 0, 0)))
    assert rot.cdf_euler(cube) == pytest.approx((0, 0, math.pi / 2), abs=1e-12)


def test_a_tilted_scanner_looks_where_it_was_measured_to_look():
    # yaw 45, pitch 5 up, roll 2 degrees, composed by scipy; faces' directions by hand from the axes.
    sensor = Rotation.from_euler("ZYX", [45, -5, 2], degrees=True).as_matrix()
    cube = rot.cube_from_panorama(sensor)
    forward, left, up = sensor.T
    assert cube @ (0, -1, 0) == pytest.approx(forward)
    assert cube @ (1, 0, 0) == pytest.approx(left)
    assert cube @ (0, 0, 1) == pytest.approx(up)
    assert forward[2] == pytest.approx(math.sin(math.radians(5)))
    assert rot.angle_between(rot.panorama_from_cube(cube), sensor) < 1e-12
    # XYZ and ZYX readings of the same angles would be degrees away.
    ex, ey, ez = rot.cdf_euler(cube)
    for wrong in ("XYZ", "ZYX"):
        by_name = {"X": ex, "Y": ey, "Z": ez}
        misread = Rotation.from_euler(wrong, [by_name[axis] for axis in wrong]).as_matrix()
        assert rot.angle_between(misread, cube) > math.radians(1)


def test_image_yaw_offset_turns_the_picture_about_its_own_vertical():
    sensor = Rotation.from_euler("ZYX", [30, -10, 5], degrees=True).as_matrix()
    cube = rot.cube_from_panorama(sensor, math.radians(90))
    assert cube @ (0, -1, 0) == pytest.approx(sensor @ (0, 1, 0))


@pytest.mark.parametrize(("heading", "looks"), [(0, (0, 1, 0)), (90, (1, 0, 0)), (225, (-(0.5**0.5), -(0.5**0.5), 0))])
def test_a_heading_counts_clockwise_from_north(heading, looks):
    matrix = rot.matrix_from_heading(math.radians(heading))
    assert matrix @ (1, 0, 0) == pytest.approx(looks, abs=1e-12)
    ex, ey, ez = rot.cdf_euler(rot.cube_from_panorama(matrix))
    assert (ex, ey) == pytest.approx((0, 0), abs=1e-12)
    assert math.remainder(ez - (math.pi - math.radians(heading)), 2 * math.pi) == pytest.approx(0, abs=1e-12)


def test_yaw_pitch_roll_are_what_a_person_expects():
    sensor = Rotation.from_euler("ZYX", [45, -5, 2], degrees=True).as_matrix()
    assert np.degrees(rot.yaw_pitch_roll(sensor)) == pytest.approx((45, 5, 2))
    north_up_roll = rot.matrix_from_heading(math.radians(10), math.radians(20), math.radians(30))
    assert np.degrees(rot.yaw_pitch_roll(north_up_roll)) == pytest.approx((80, 20, 30))


@given(st.tuples(angles, angles, angles), st.permutations("XYZ"), st.booleans())
@settings(max_examples=60)
def test_any_euler_order_reads_as_scipy_reads_it(triple, axes, intrinsic):
    order = "".join(axes) if intrinsic else "".join(axes).lower()
    expected = Rotation.from_euler(order, list(triple)).as_matrix()
    assert rot.angle_between(rot.matrix_from_euler(triple, order), expected) < 1e-9


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rot.normalised((0, 0, 0, 0)), "no rotation"),
        (lambda: rot.normalised((math.nan, 0, 0, 1)), "finite"),
        (lambda: rot.normalised((1, 0, 0)), "four"),
        (lambda: rot.checked_matrix(np.diag([1, 1, -1])), "mirrors"),
        (lambda: rot.checked_matrix(np.diag([1, 1, 2])), "differs"),
        (lambda: rot.checked_matrix(np.full((3, 3), 1.7e308)), "differs"),
        (lambda: rot.matrix_from_euler((0, 0, 0), "XzY"), "order"),
        (lambda: rot.matrix_from_euler((0, 0, math.inf), "XZY"), "finite"),
    ],
)
def test_numbers_that_are_no_rotation_are_refused_in_words(call, words):
    with pytest.raises(rot.RotationError, match=words):
        call()


def test_huge_and_tiny_quaternions_keep_their_direction():
    assert rot.normalised((1e200, 0, 0, 1e200)) == pytest.approx(rot.normalised((1, 0, 0, 1)))
    assert rot.normalised((1e-200, 0, 0, 1e-200)) == pytest.approx(rot.normalised((1, 0, 0, 1)))
    assert rot.normalised((-1, 0, 0, 0)) == (1, 0, 0, 0)


def test_quaternion_algebra_agrees_with_scipy():
    left, right = Rotation.random(20, random_state=1), Rotation.random(20, random_state=2)
    one, other = (each.as_quat(scalar_first=True) for each in (left, right))
    vectors = np.random.default_rng(3).normal(size=(20, 3))
    both = Rotation.from_quat(rot.products(one, other), scalar_first=True)
    assert (both * (left * right).inv()).magnitude() == pytest.approx(np.zeros(20), abs=1e-12)
    np.testing.assert_allclose(rot.rotated(one, vectors), left.apply(vectors), atol=1e-12)
    np.testing.assert_allclose(rot.rotated(rot.conjugates(one), vectors), left.inv().apply(vectors), atol=1e-12)
    upward = left.as_matrix()[:, 2, 2]
    np.testing.assert_allclose(np.cos(np.radians(rot.tilts(one))), upward, atol=1e-12)
