"""Panorama to faces: every pixel must show what lies in its direction, whatever the pose."""

import math

import numpy as np
import py360convert
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from capture360.geometry import projection as pr
from capture360.geometry import rotation as rot
from capture360.model import FACES

TILTED = Rotation.from_euler("ZYX", [40, -20, 13], degrees=True).as_matrix()


def direction_coded(width: int, height: int, sensor: np.ndarray) -> np.ndarray:
    """A float32 panorama whose colour is the world direction it shows, by the E57 formulas."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    azimuth, elevation = (width / 2 - x) * 2 * np.pi / width, (height / 2 - y) * np.pi / height
    rays = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], axis=-1
    )
    return (rays @ sensor.T).astype(np.float32)


def viewer_directions(face: str, size: int) -> np.ndarray:
    """Where the viewer draws each pixel, in the image's CDF frame: written out once more, face by face."""
    c = 2 * (np.arange(size) + 0.5) / size - 1
    a, b = np.meshgrid(c, c)
    one = np.ones_like(a)
    rays = {
        "front": (-a, -one, -b),
        "back": (a, one, -b),
        "left": (one, -a, -b),
        "right": (-one, a, -b),
        "top": (-a, -b, one),
        "bottom": (-a, b, -one),
    }[face]
    stacked = np.stack(rays, axis=-1)
    return stacked / np.linalg.norm(stacked, axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(1024, 512, 256), (1022, 511, 256), (1023, 512, 250), (1024, 512, 64), (512, 256, 400)],
)
def test_a_direction_coded_panorama_comes_back_within_a_tenth_of_its_pixel(width, height, size):
    cube = rot.matrix_from_cdf_euler(*rot.cdf_euler(rot.cube_from_panorama(TILTED)))
    faces = dict(pr.cube_faces(direction_coded(width, height, TILTED), size))
    assert tuple(faces) == FACES
    for face, pixels in faces.items():
        seen = pixels / np.linalg.norm(pixels, axis=-1, keepdims=True)
        drawn = viewer_directions(face, size) @ cube.T
        error = 2 * np.arcsin(np.linalg.norm(seen - drawn, axis=-1) / 2)
        assert error.max() < 0.1 * 2 * math.pi / width, face


def smooth_noise(width: int, seed: int) -> np.ndarray:
    """A smooth uint8 picture on the sphere, without seam at the edge or the poles."""
    rays = direction_coded(width, width // 2, np.eye(3)).astype(np.float64)
    waves = np.random.default_rng(seed).normal(size=(3, 3)) * 6
    return np.round(127.5 + 120 * np.sin(rays @ waves)).astype(np.uint8)


def test_faces_agree_with_an_independent_converter():
    panorama = smooth_noise(2048, seed=1)
    theirs = py360convert.e2c(panorama, face_w=512, mode="bilinear", cube_format="dict")
    letters = {"front": "F", "right": "R", "back": "B", "left": "L", "top": "U", "bottom": "D"}
    for face, pixels in pr.cube_faces(panorama, 512):
        # py360convert samples half a pixel off at the edges, hence some grey levels on this smooth picture.
        difference = np.abs(pixels.astype(int) - theirs[letters[face]].astype(int))
        assert difference.mean() < 1.5, face
        assert difference.max() < 12, face


def test_faces_meet_without_a_seam():
    faces = dict(pr.cube_faces(smooth_noise(1024, seed=2), 256))
    for left, right in [("front", "right"), ("right", "back"), ("back", "left"), ("left", "front")]:
        step = np.abs(faces[left][:, -1].astype(int) - faces[right][:, 0].astype(int))
        inside = np.abs(faces[left][:, -1].astype(int) - faces[left][:, -2].astype(int))
        assert step.max() <= 2 * inside.max() + 2
    assert np.abs(faces["top"][-1].astype(int) - faces["front"][0].astype(int)).max() <= 8
    assert np.abs(faces["bottom"][0].astype(int) - faces["front"][-1].astype(int)).max() <= 8


def test_poles_are_averaged_over_the_columns_that_meet_there():
    panorama = np.zeros((1024, 2048), np.uint8)
    panorama[:, ::2] = 255
    faces = dict(pr.cube_faces(panorama, 512))
    for face in ("top", "bottom"):
        pole = faces[face][240:272, 240:272].astype(float)
        assert abs(pole.mean() - 127.5) < 8
        assert pole.std() < 40


def test_a_large_panorama_makes_small_faces_without_aliasing():
    fine = np.zeros((512, 1024), np.uint8)
    fine[:, ::2] = 255
    front = dict(pr.cube_faces(fine, 64))["front"].astype(float)
    assert front.std() < 20


def test_the_same_panorama_gives_the_same_bytes():
    panorama = smooth_noise(512, seed=3)
    first = {face: pixels.tobytes() for face, pixels in pr.cube_faces(panorama, 128)}
    pr.cube_faces(smooth_noise(256, seed=4), 64)
    assert first == {face: pixels.tobytes() for face, pixels in pr.cube_faces(panorama.copy(), 128)}


@given(st.sampled_from(FACES), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
@settings(max_examples=60)
def test_points_on_a_face_come_back_from_their_direction(face, u, v):
    ray = pr.face_directions(face, (u, v))
    assert np.linalg.norm(ray) == pytest.approx(1)
    back_face, point = pr.face_and_point(3 * ray)
    assert back_face == face
    assert point == pytest.approx((u, v), abs=1e-9)


def test_rays_behind_a_face_have_no_point_on_it():
    assert np.isnan(pr.project_to_face("front", (0, 1, 0))).all()
    beyond = pr.project_to_face("front", pr.face_directions("right", (0.1, 0.5)))
    assert beyond[0] > 1
    assert beyond[1] == pytest.approx(0.5)


@pytest.mark.parametrize("width", [2048, 5760, 7776, 8192, 16384, 30000])
def test_default_face_size_keeps_the_resolution(width):
    size = pr.default_face_size(width)
    assert size % 16 == 0
    assert size == 4096 or 0 <= size - width / 4 < 16


@pytest.mark.parametrize(
    ("panorama", "size", "words"),
    [
        (np.zeros((100, 100, 3), np.uint8), None, "no full panorama"),
        (np.zeros((64, 128, 3), np.uint8), 33, "even"),
        (np.zeros((64, 128, 3), np.float64), 32, "float64"),
    ],
)
def test_what_cannot_be_projected_is_refused_in_words(panorama, size, words):
    with pytest.raises(pr.ProjectionError, match=words):
        list(pr.cube_faces(panorama, size))
