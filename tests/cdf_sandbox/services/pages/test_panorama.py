"""The panorama viewer on a collection: what it is given agrees with the public viewer's mathematics."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import viewer
from cdf_sandbox.services.pages.panorama import on_face, quaternion


def test_quaternions_are_those_of_the_public_viewers_rotation():
    for rotation in Rotation.random(50, random_state=3):
        ex, ez, ey = rotation.as_euler("XZY")
        image = {"eulerRotationX": ex, "eulerRotationY": ey, "eulerRotationZ": ez}
        w, x, y, z = quaternion(ex, ey, ez)
        own = Rotation.from_quat((x, y, z, w)).as_matrix()
        shown = viewer.rotation(image) @ viewer.to_viewer(np.eye(3)).T
        np.testing.assert_allclose(viewer.to_viewer(own.T).T, shown, atol=1e-12)


def test_spherical_polygons_lie_on_the_face_where_the_public_viewer_shows_them():
    level = dict.fromkeys(("eulerRotationX", "eulerRotationY", "eulerRotationZ"), 0.0)
    for direction in np.random.default_rng(5).normal(size=(50, 3)):
        phi = np.arccos(direction[1] / np.linalg.norm(direction))
        theta = np.arctan2(direction[0], direction[2])
        ray = viewer.look_at_link(level, phi, theta)
        side, (point, *_) = on_face([tuple(ray)] * 3)
        face, u, v = viewer.look(level, direction)
        assert side == face
        assert point == pytest.approx([u, v])
