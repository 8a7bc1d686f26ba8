"""A painted sphere at infinity, and scanners that photograph it by the formulas of the E57 standard."""

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from capture360.e57 import PagedFile, find_photospheres, read_contents
from capture360.e57.images import ScannerPose
from e57_writer import E57Writer
from pictures import encode_png

TAKEN = datetime(2026, 5, 1, 7, 30, tzinfo=UTC)
# What turns a pinhole camera (looks along -Z, up +Y) from the sensor's axes towards each face; the sensor looks at +X.
TOWARDS = {
    "front": Rotation.from_matrix([[0, 0, -1], [-1, 0, 0], [0, 1, 0]]),
    "left": Rotation.from_matrix([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "back": Rotation.from_matrix([[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "right": Rotation.from_matrix([[-1, 0, 0], [0, 0, 1], [0, 1, 0]]),
    "top": Rotation.from_matrix([[0, -1, 0], [-1, 0, 0], [0, 0, -1]]),
    "bottom": Rotation.from_matrix([[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
}


def pose(sensor: Rotation, position=(1.0, 2.0, 3.0)) -> ScannerPose:
    x, y, z, w = sensor.as_quat()
    sign = -1 if w < 0 else 1
    return ScannerPose((sign * w, sign * x, sign * y, sign * z), position)


class World:
    """Smooth colours by direction, so that an error of a pixel shows as a few grey levels."""

    waves = np.array([[3.0, -1.0, 2.0], [0.5, 2.5, -2.0], [-2.0, 1.0, 3.0]])

    def colour(self, rays: np.ndarray) -> np.ndarray:
        unit = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        return np.round(127.5 + 120 * np.sin(unit @ self.waves)).astype(np.uint8)

    def spherical(self, sensor: Rotation, width: int = 512) -> bytes:
        y, x = np.mgrid[0 : width // 2, 0:width] + 0.5
        azimuth, elevation = (width / 2 - x) * 2 * np.pi / width, (width / 4 - y) * 2 * np.pi / width
        rays = np.stack(
            [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], axis=-1
        )
        return encode_png(self.colour(rays @ sensor.as_matrix().T))

    def pinhole(self, camera: Rotation, size: int = 64, field_of_view: float = 90.0) -> np.ndarray:
        c = (2 * (np.arange(size) + 0.5) / size - 1) * np.tan(np.radians(field_of_view) / 2)
        x, y = np.meshgrid(c, -c)
        rays = np.stack([x, y, -np.ones_like(x)], axis=-1)
        return self.colour(rays @ camera.as_matrix().T)

    def face(self, name: str, cube: np.ndarray, size: int) -> np.ndarray:
        """What the viewer must show on a face of a cube turned by `cube`."""
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
        }[name]
        return self.colour(np.stack(rays, axis=-1) @ cube.T)


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def tilted() -> Rotation:
    return Rotation.from_euler("ZYX", [40, -20, 13], degrees=True)


def e57_of(*adds, **options) -> bytes:
    """A file of what `adds` do to a writer."""
    stream = io.BytesIO()
    with E57Writer(stream, **options) as writer:
        for add in adds:
            add(writer)
    return stream.getvalue()


def spheres_of(content: bytes):
    file = PagedFile(io.BytesIO(content), "scan.e57")
    return file, find_photospheres(read_contents(file))


@pytest.fixture(scope="session")
def make_e57():
    return e57_of


@pytest.fixture(scope="session")
def open_spheres():
    return spheres_of


@pytest.fixture(scope="session")
def pose_of():
    return pose


@pytest.fixture(scope="session")
def towards():
    return TOWARDS


@pytest.fixture(scope="session")
def taken():
    return TAKEN


@pytest.fixture(scope="session")
def spherical_e57(world, tilted) -> bytes:
    """Two panoramas with tilted poses."""

    def add(number: int):
        sensor = Rotation.from_euler("Z", 100 * number, degrees=True) * tilted
        return lambda writer: writer.add_spherical(
            world.spherical(sensor),
            name=f"Scan {number}",
            pose=pose(sensor, (number, 2.0, 3.0)),
            acquired_at=TAKEN,
        )

    return e57_of(add(0), add(1), name="spherical", created_at=TAKEN)


@pytest.fixture(scope="session")
def add_cube(world):
    """Adds the six faces of one place: in any order, under any names, each turned by quarter turns, at any angle."""

    def added(
        sensor: Rotation,
        position=(1.0, 2.0, 3.0),
        *,
        order=tuple(TOWARDS),
        names=None,
        turns=None,
        field_of_view=90.0,
        encode=encode_png,
        size=64,
    ):
        def add(writer: E57Writer) -> None:
            for number, face in enumerate(order):
                turn = (turns or {}).get(face, 0)
                camera = sensor * TOWARDS[face] * Rotation.from_euler("Z", 90 * turn, degrees=True)
                writer.add_pinhole(
                    encode(world.pinhole(camera, size, field_of_view)),
                    name=names[face] if names else f"Setup7_CubeFace{number + 1}",
                    pose=pose(camera, position),
                    field_of_view=np.radians(field_of_view),
                    acquired_at=TAKEN,
                )

        return add

    return added
