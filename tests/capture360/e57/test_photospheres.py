"""Spheres of a file: what they show must lie where the scanner saw it, whatever the exporter's habits."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from capture360.e57 import read_picture, sphere_faces, split_reference
from capture360.e57.images import ScannerPose
from capture360.e57.pages import E57Error
from capture360.geometry import rotation as rot
from capture360.model import FACES
from capture360.pictures import decoding, jpeg
from capture360.pictures.faces import FaceOptions
from pictures import encode_png


def worst_difference(world, file, sphere, face_size=None) -> float:
    """Largest grey-level difference between the faces and what the viewer must show under the sphere's pose."""
    cube = rot.matrix_from_cdf_euler(*rot.cdf_euler(rot.matrix_from_quaternion(sphere.pose.rotation)))
    worst = 0.0
    faces = list(sphere_faces(file, sphere, FaceOptions(face_size, jpeg_quality=100)))
    assert tuple(face.face for face in faces) == FACES
    for face in faces:
        pixels = decoding.decode(face.content).astype(int)
        assert face.resolution == len(pixels)
        worst = max(worst, float(np.abs(pixels - world.face(face.face, cube, len(pixels))).mean()))
    return worst


def test_a_spherical_image_shows_what_lies_where_its_pose_says(world, tilted, spherical_e57, open_spheres, taken):
    file, found = open_spheres(spherical_e57)
    assert [sphere.station for sphere in found.usable] == ["Scan-0", "Scan-1"]
    assert found.remarks == ()
    for sphere in found.usable:
        assert worst_difference(world, file, sphere) < 2.5
        assert sphere.taken_at == taken
    assert found.usable[1].pose.position == (1.0, 2.0, 3.0)
    sensor = rot.panorama_from_cube(rot.matrix_from_quaternion(found.usable[0].pose.rotation))
    assert rot.angle_between(sensor, tilted.as_matrix()) < 1e-9


@given(data=st.data())
@settings(max_examples=15)
def test_six_pinholes_make_a_cube_in_any_order_under_any_name_turned_any_way(
    data, world, add_cube, make_e57, open_spheres, towards
):
    angles = data.draw(st.tuples(st.floats(-180, 180), st.floats(-25, 25), st.floats(-25, 25)))
    sensor = Rotation.from_euler("ZYX", angles, degrees=True)
    order = data.draw(st.permutations(list(towards)))
    turns = {face: data.draw(st.integers(0, 3)) for face in order}
    names = {face: f"{random.Random(face).random()}" for face in order}
    file, found = open_spheres(make_e57(add_cube(sensor, order=order, turns=turns, names=names, size=32)))
    assert len(found.usable) == found.total == 1
    assert worst_difference(world, file, found.usable[0]) < 2.5


@pytest.mark.parametrize("yaw", [0, 45, 80, 135, 180, -100])
def test_matching_pictures_pass_through_untouched(yaw, tilted, world, add_cube, make_e57, open_spheres):
    sensor = Rotation.from_euler("Z", yaw, degrees=True) * tilted
    file, found = open_spheres(make_e57(add_cube(sensor, encode=jpeg.encode_jpeg)))
    (sphere,) = found.usable
    for face, made in zip(sphere.faces, sphere_faces(file, sphere), strict=True):
        assert made.content == read_picture(file, face.picture.blob)
        assert made.mime_type == "image/jpeg"
    assert worst_difference(world, file, sphere) < 2.5


@pytest.mark.parametrize(("field_of_view", "resampled"), [(90.05, False), (95.0, True), (110.0, True)])
def test_wider_pictures_are_resampled(field_of_view, resampled, world, tilted, add_cube, make_e57, open_spheres):
    file, found = open_spheres(make_e57(add_cube(tilted, field_of_view=field_of_view, size=128)))
    (sphere,) = found.usable
    assert any(not face.fits for face in sphere.faces) == resampled
    assert worst_difference(world, file, sphere) < 2.5
    if resampled:
        assert worst_difference(world, file, sphere, face_size=32) < 2.5


def test_pinholes_and_panorama_of_one_place_give_the_same_faces(world, add_cube, make_e57, open_spheres, pose_of):
    # Yaw below 45 degrees: the front of the six is then that of the panorama.
    sensor = Rotation.from_euler("ZYX", [25, -12, 8], degrees=True)
    content = make_e57(
        add_cube(sensor, (0, 0, 0), size=128),
        lambda writer: writer.add_spherical(world.spherical(sensor), name="pano", pose=pose_of(sensor, (0, 0, 0))),
    )
    file, found = open_spheres(content)
    cube, panorama = found.usable
    turns = [rot.matrix_from_quaternion(one.pose.rotation) for one in (cube, panorama)]
    assert rot.angle_between(*turns) < 1e-6
    for one, other in zip(sphere_faces(file, cube), sphere_faces(file, panorama, FaceOptions(128, 100)), strict=True):
        error = ((decoding.decode(one.content).astype(float) - decoding.decode(other.content)) ** 2).mean()
        assert 10 * np.log10(255**2 / error) > 40, one.face


def test_two_exposures_of_one_place_are_two_spheres(tilted, add_cube, make_e57, open_spheres):
    _, found = open_spheres(make_e57(add_cube(tilted), add_cube(tilted)))
    assert [sphere.index for sphere in found.usable] == [0, 6]
    assert [sphere.station for sphere in found.usable] == ["Setup7-0001", "Setup7-0007"]


def test_many_places_stay_apart(tilted, add_cube, make_e57, open_spheres):
    adds = [
        add_cube(
            tilted,
            (0.5 * place, 0, 0),
            names=dict.fromkeys(("front", "back", "left", "right", "top", "bottom"), f"P{place}"),
            size=8,
        )
        for place in range(5)
    ]
    _, found = open_spheres(make_e57(*adds))
    assert [sphere.station for sphere in found.usable] == ["P0", "P1", "P2", "P3", "P4"]
    assert [sphere.pose.position[0] for sphere in found.usable] == [0, 0.5, 1, 1.5, 2]


def test_what_makes_no_sphere_is_said_and_counted(world, tilted, add_cube, make_e57, open_spheres, pose_of, towards):
    five = [face for face in towards if face != "left"]
    _, found = open_spheres(make_e57(add_cube(tilted, order=five)))
    assert (len(found.usable), found.total) == (0, 1)
    assert "5 of 6 pictures" in found.remarks[0].message
    _, found = open_spheres(make_e57(add_cube(tilted, order=five[:3])))
    assert (found.total, found.other_images) == (0, 3)
    skew = dict(towards)
    skew["left"] = Rotation.from_euler("Z", 20, degrees=True) * towards["left"]

    def add(writer):
        for face, turn in skew.items():
            camera = tilted * turn
            writer.add_pinhole(encode_png(world.pinhole(camera, 16)), name=face, pose=pose_of(camera))

    _, found = open_spheres(make_e57(add))
    assert len(found.usable) == 0
    assert "six axes" in found.remarks[0].message


@pytest.mark.parametrize(
    ("rotation", "fatal", "words"),
    [
        ((0.5, 1.0, 0.0, 0.0), True, "no unit quaternion: its length is 1.118"),
        ((0.0, 0.0, 0.0, 0.0), True, "its length is 0, not 1"),
        ((1.004, 0.0, 0.0, 0.0), False, "had a quaternion of length 1.0040; made 1"),
        (None, True, "has no pose"),
    ],
)
def test_poses_that_are_none_are_told(rotation, fatal, words, world, tilted, make_e57, open_spheres, taken):
    pose = None if rotation is None else ScannerPose(rotation, (0.0, 0.0, 0.0))
    picture = world.spherical(tilted, 64)
    _, found = open_spheres(
        make_e57(lambda writer: writer.add_spherical(picture, name="p", pose=pose, acquired_at=taken))
    )
    (remark,) = found.remarks
    assert remark.fatal == fatal
    assert words in remark.message
    assert len(found.usable) == (0 if fatal else 1)


def test_times_fall_back_and_say_so(world, tilted, make_e57, open_spheres, pose_of, taken):
    picture = world.spherical(tilted, 64)

    def add(writer):
        writer.add_spherical(picture, name="p", pose=pose_of(tilted))

    _, found = open_spheres(make_e57(add, created_at=taken))
    assert found.usable[0].taken_at == taken
    assert "that of the file is used" in found.remarks[0].message
    _, found = open_spheres(make_e57(add))
    assert found.usable[0].taken_at is None
    assert "has no acquisition time, nor has the file" in found.remarks[0].message


def test_references_name_a_sphere_of_a_file(spherical_e57, open_spheres):
    _, found = open_spheres(spherical_e57)
    assert split_reference(found.usable[1].reference("a#b/scan.e57")) == ("a#b/scan.e57", 1)
    for wrong in ("scan.e57", "scan.e57#", "#3", "scan.e57#x"):
        with pytest.raises(E57Error, match="names no sphere"):
            split_reference(wrong)
