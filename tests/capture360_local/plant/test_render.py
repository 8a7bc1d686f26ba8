"""Pictures against each other: what two projections or two poses see in one direction must be the same."""

from __future__ import annotations

import numpy as np
import pytest

from capture360_local.plant.camera import FACES, PANORAMA_IN_CUBE, CubeFace, Panorama
from capture360_local.plant.hall import Hall, build_hall
from capture360_local.plant.render import Camera, Pixels, Renderer
from capture360_local.plant.rotation import Floats, about, about_z

SEED = 7
POSITION = np.array([9.0, 3.6, 1.6])
TILTED = about_z(0.8) @ about(np.array([0.8, 0.5, 0.0]), 0.2)
SAME = 4.0  # grey levels, median over directions


@pytest.fixture(scope="module")
def hall() -> Hall:
    return build_hall(SEED)


@pytest.fixture(scope="module")
def renderer(hall: Hall) -> Renderer:
    return Renderer(hall)


def cube(renderer: Renderer, rotation: Floats, size: int) -> dict[str, Pixels]:
    camera = Camera(POSITION, rotation)
    return dict(zip(FACES, renderer.render(camera, [CubeFace(face, size) for face in FACES]), strict=True))


def seen(faces: dict[str, Pixels], directions: Floats) -> Floats:
    """Colours (n, 3) that a cube shows in directions (n, 3) of its frame, by the largest component of each."""
    x, y, z = directions.T
    size = faces["front"].shape[0]
    largest = np.abs(directions).argmax(axis=1)
    colours = np.zeros((len(directions), 3))
    for face, axis, sign, right, up in (
        ("front", 1, -1, -x, z),
        ("back", 1, 1, x, z),
        ("left", 0, 1, -y, z),
        ("right", 0, -1, y, z),
        ("top", 2, 1, -x, y),
        ("bottom", 2, -1, -x, -y),
    ):
        here = (largest == axis) & (np.sign(directions[:, axis]) == sign)
        depth = np.abs(directions[here, axis])
        column = ((0.5 + 0.5 * right[here] / depth) * size).astype(int).clip(0, size - 1)
        row = ((0.5 - 0.5 * up[here] / depth) * size).astype(int).clip(0, size - 1)
        colours[here] = faces[face][row, column]
    return colours


def somewhere(count: int = 4000) -> Floats:
    directions = np.random.default_rng(5).normal(size=(count, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def difference(one: Floats, other: Floats) -> float:
    return float(np.median(np.abs(one - other).mean(axis=1)))


def test_a_tilted_cube_agrees_with_a_level_one(renderer: Renderer) -> None:
    world = somewhere()
    level, tilted = cube(renderer, np.eye(3), 128), cube(renderer, TILTED, 128)
    assert difference(seen(level, world), seen(tilted, world @ TILTED)) < SAME
    assert difference(seen(level, world), seen(tilted, world @ TILTED.T)) > 3 * SAME
    assert difference(seen(level, world), seen(tilted, world)) > 3 * SAME


def test_a_panorama_agrees_with_the_cube_of_its_pose(renderer: Renderer) -> None:
    width, height = 512, 256
    panorama = renderer.render(Camera(POSITION, TILTED @ PANORAMA_IN_CUBE), [Panorama(width, height)])[0]
    faces = cube(renderer, TILTED, 128)
    x, y, z = somewhere().T  # of the panorama frame
    column = ((0.5 - np.arctan2(y, x) / (2 * np.pi)) * width).astype(int).clip(0, width - 1)
    row = ((0.5 - np.arcsin(z) / np.pi) * height).astype(int).clip(0, height - 1)
    shown = panorama[row, column].astype(float)
    assert difference(shown, seen(faces, np.stack([y, -x, z], axis=1))) < SAME
    assert difference(shown, seen(faces, np.stack([-y, x, z], axis=1))) > 3 * SAME


def test_each_wall_is_where_it_should_be(hall: Hall, renderer: Renderer) -> None:
    """Towards the upper part of each wall, over everything that stands in the hall, the first thing is that wall."""
    high = np.array([14.0, 8.0, 6.0])
    directions = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0.1, 0.9, -0.6], [0.02, 0, 1]], dtype=float)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    distance, solid = hall.caster.cast(high, directions.T[:, :, None])
    assert solid[:4, 0].tolist() == [0, 1, 2, 3]
    assert np.allclose(distance[:4, 0], [14, 14, 8, 8], atol=1e-5)


def test_neighbouring_surfaces_are_told_apart(renderer: Renderer) -> None:
    faces = cube(renderer, np.eye(3), 64)
    means = [face.reshape(-1, 3).mean(axis=0) for face in faces.values()]
    apart = [np.abs(a - b).max() for i, a in enumerate(means) for b in means[:i]]
    assert min(apart) > 3
    assert all(face.std() > 5 for face in faces.values())


def test_edges_are_smoothed(renderer: Renderer) -> None:
    """Half the size is the mean of the double size but for fine detail: no jagged edges, no shift by half a pixel."""
    small, large = cube(renderer, TILTED, 64), cube(renderer, TILTED, 128)
    for face in FACES:
        halved = large[face].reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
        error = np.abs(halved - small[face]).mean()
        shifted = np.abs(halved[:, 1:] - small[face][:, :-1]).mean()
        assert error < 5
        assert error < 0.7 * shifted
