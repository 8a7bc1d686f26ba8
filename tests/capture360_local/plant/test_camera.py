"""The plant's own projections against the published ones, written out here once more as formulas."""

from __future__ import annotations

import numpy as np
import pytest

from capture360_local.plant.camera import FACES, PANORAMA_IN_CUBE, CubeFace, Panorama, on_face

VIEWER = {  # a = 2u - 1, b = 2v - 1 of a face; the direction in the cube frame as the Reveal viewer draws it
    "front": lambda a, b: (-a, -1, -b),
    "back": lambda a, b: (a, 1, -b),
    "left": lambda a, b: (1, -a, -b),
    "right": lambda a, b: (-1, a, -b),
    "top": lambda a, b: (-a, -b, 1),
    "bottom": lambda a, b: (-a, b, -1),
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("u", "v"), [(0.5, 0.5), (0.1, 0.2), (0.9, 0.3), (0.4, 0.95)])
def test_faces_look_where_the_viewer_shows_them(face: str, u: float, v: float) -> None:
    direction = CubeFace(face, 100).directions(np.array([100 * u]), np.array([100 * v]))[:, 0]
    assert np.allclose(direction, VIEWER[face](2 * u - 1, 2 * v - 1))
    assert np.allclose(on_face(face, direction[None] * 3.7), [[u, v]])


def test_a_point_behind_a_face_is_not_on_it() -> None:
    assert np.isnan(on_face("front", np.array([[0.1, 1.0, 0.2]]))).all()


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (1.0, 0.3), (-2.5, -1.2), (3.1, 1.5)])
def test_panoramas_follow_the_e57_standard(azimuth: float, elevation: float) -> None:
    """ASTM E2807, 8.4.13.6: column = width / 2 - azimuth / pixel width, row = height / 2 - elevation / pixel height."""
    width, height = 400, 200
    column, row = width / 2 - azimuth * width / (2 * np.pi), height / 2 - elevation * height / np.pi
    direction = Panorama(width, height).directions(np.array([column]), np.array([row]))[:, 0]
    level = np.cos(elevation)
    assert np.allclose(direction, [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


def test_the_middle_of_a_panorama_is_the_front_face() -> None:
    assert np.allclose(PANORAMA_IN_CUBE @ [1, 0, 0], [0, -1, 0])
    assert np.allclose(PANORAMA_IN_CUBE @ [0, 1, 0], [1, 0, 0])  # left stays left: the left face lies at +X
