"""What a user of the viewer sees in a direction is what stood there: the whole chain, with tilted poses.

A panorama whose pixels say the direction they look in goes through projection; the pose goes through manifest, table,
checks, writer, CDF and back; the viewer's own mathematics then looks around.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import viewer
from capture360.geometry.projection import cube_faces
from capture360.model import CaptureKey
from capture360.steps.ingest import ingest
from cdf_sandbox.core.options import ProjectMode
from delivery import Delivery
from ingest_world import IMAGE_VIEW, World
from local_cdf import fast_options, run_sandbox

Array = NDArray[np.float64]
WIDTH = 2048
PIXEL = 2 * np.pi / WIDTH
"""Radians of one panorama pixel."""
POSES = [
    Rotation.identity(),
    Rotation.from_euler("ZYX", (45, -5, 2), degrees=True),
    Rotation.from_euler("ZYX", (90, 12, -7), degrees=True),
    Rotation.from_euler("ZYX", (-133, -31, 64), degrees=True),
    Rotation.from_quat((0.3, -0.5, 0.7, 0.4)),
]


def panorama_directions() -> Array:
    """Unit vectors of the panorama's own frame: the centre along +X, left +Y, up +Z (ASTM E2807 8.4.14)."""
    azimuth = (0.5 - (np.arange(WIDTH) + 0.5) / WIDTH) * 2 * np.pi
    elevation = (0.5 - (np.arange(WIDTH // 2) + 0.5) / (WIDTH // 2)) * np.pi
    level = np.cos(elevation)[:, None]
    up = np.broadcast_to(np.sin(elevation)[:, None], (WIDTH // 2, WIDTH))
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), up], axis=-1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("orientation")
    options = fast_options(home / "cdf", ProjectMode.ASSET_CENTRIC)
    with run_sandbox(options) as running:
        yield World(running, home)


@pytest.fixture(scope="module")
def images(world: World) -> list[dict[str, float]]:
    """The instances that CDF holds of one panorama a pose, in their order."""
    capture = Delivery(world.landing / "turned")
    capture.manifest["capture_id"] = "turned"
    capture.manifest["image"] = {"resolution": 512}
    for row, pose in zip(capture.stations, POSES, strict=False):
        x, y, z, w = pose.as_quat(canonical=True)
        row.update({name: f"{value:.17g}" for name, value in zip(("qw", "qx", "qy", "qz"), (w, x, y, z), strict=True)})
    del capture.stations[len(POSES) :]
    capture.put_panoramas()
    capture.write()
    (capture.path / "_READY").touch()
    done = ingest(world.ctx(), CaptureKey("hall-7", "turned"))
    assert done.published is not None
    found = world.nodes(IMAGE_VIEW, "turned")
    return [found[name] for name in sorted(found)]


@pytest.fixture(scope="module")
def faces() -> dict[str, Array]:
    coded = panorama_directions().astype(np.float32)
    return {face: pixels.astype(np.float64) for face, pixels in cube_faces(coded, 512)}


@pytest.mark.parametrize("number", range(len(POSES)))
def test_every_direction_shows_what_stood_there(
    images: list[dict[str, float]], faces: dict[str, Array], number: int
) -> None:
    random = np.random.default_rng(number)
    directions = random.normal(size=(500, 3))
    worst = 0.0
    for direction in directions / np.linalg.norm(directions, axis=1, keepdims=True):
        face, u, v = viewer.look(images[number], direction)
        seen = viewer.sample(faces[face], u, v)
        expected = POSES[number].inv().apply(direction)
        angle = np.arctan2(np.linalg.norm(np.cross(seen, expected)), seen @ expected)
        worst = max(worst, float(angle))
    print(f"worst: {worst / PIXEL:.3f} panorama pixels")
    assert worst < 0.1 * PIXEL


def test_the_place_is_where_the_table_says(images: list[dict[str, float]]) -> None:
    for number, image in enumerate(images, 1):
        where = [image[f"translation{axis}"] for axis in "XYZ"]
        np.testing.assert_allclose(where, [4.0 * number, 2.0 + number % 3, 1.5], atol=1e-9)
