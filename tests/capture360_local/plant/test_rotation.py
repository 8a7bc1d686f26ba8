from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from capture360_local.plant.rotation import about, matrix_of, quaternion_of, tilt_of

components = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1)


@settings(max_examples=60, deadline=None)
@given(components)
def test_quaternions_mean_what_scipy_means(quaternion: list[float]) -> None:
    w, x, y, z = quaternion
    assert np.allclose(matrix_of(np.array(quaternion)), Rotation.from_quat([x, y, z, w]).as_matrix(), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(components)
def test_a_matrix_gives_its_quaternion_back(quaternion: list[float]) -> None:
    matrix = matrix_of(np.array(quaternion))
    back = quaternion_of(matrix)
    assert back[0] >= 0
    assert np.isclose(np.linalg.norm(back), 1)
    assert np.allclose(matrix_of(back), matrix, atol=1e-12)


def test_rotation_about_an_axis_is_counter_clockwise() -> None:
    axis = np.array([1.0, 2.0, -0.5])
    expected = Rotation.from_rotvec(axis / np.linalg.norm(axis) * 0.7).as_matrix()
    assert np.allclose(about(axis, 0.7), expected)
    assert np.isclose(tilt_of(about(np.array([0.0, 1.0, 0.0]), 0.2)), 0.2)
