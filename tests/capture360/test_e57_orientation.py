"""What stood in a direction is what a viewer shows there, for scans that CDF extracts and that are extracted here.

The plant's truth has a picture of each of the world's six directions at every station. The viewer's own mathematics
looks around in what CDF holds; turned by a degree about any axis it must fit the truth worse.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial.transform import Rotation

import viewer
from capture360.model import FACES, CaptureKey
from capture360.names import image_id
from capture360.steps.ingest import ingest
from capture360_local.plant.sample import Truth, write_sample
from ingest_world import IMAGE_VIEW, World
from local_cdf import fast_options, run_sandbox

Array = NDArray[np.float64]
SIZE = 192
LEVEL = {f"eulerRotation{axis}": 0.0 for axis in "XYZ"}
DIRECTIONS = np.random.default_rng(1).normal(size=(500, 3))
OFF = [np.eye(3)[axis] * np.radians(sign) for axis in range(3) for sign in (-1, 1)]


@dataclass
class Shown:
    """A station as CDF has it: the instance's numbers and its six pictures."""

    numbers: dict[str, Any]
    faces: dict[str, Array]


@pytest.fixture(scope="module", params=["revision", "extract"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("orientation")
    options = fast_options(home / "cdf", revision_queue=0, revision_processing=0, extraction_names="random_ids")
    extraction = "local" if request.param == "extract" else "cdf"
    with run_sandbox(options) as running:
        yield World(running, home, e57={"extraction": extraction}, files={"face_size": SIZE})


@pytest.fixture(scope="session", params=["e57", "e57-pinhole"])
def truth(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    folder = tmp_path_factory.mktemp("plant") / request.param
    return write_sample(
        folder, kind=request.param, site="hall-7", capture=request.param, stations=2, face_size=SIZE, tilt_deg=25
    )


def pixels(content: bytes) -> Array:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), dtype=np.float64)


def shown(world: World, truth: Truth) -> dict[str, Shown]:
    """What CDF holds of each station after an ingest."""
    key = CaptureKey("hall-7", truth.capture)
    ctx = world.ctx()
    shutil.copytree(truth.folder, world.landing / truth.capture, dirs_exist_ok=True)
    ingest(ctx, key)
    state = world.records.load(key)
    assert state is not None
    record = state.body("publish")
    assert record is not None
    extracted = record.get("shown", {})
    nodes = world.nodes(IMAGE_VIEW, "")
    found = {}
    for stop in truth.stations:
        numbers = nodes[extracted.get(stop.id) or image_id(key, stop.id)]
        download = world.cdf.client.files.download_bytes
        names = {face: numbers[f"cubeMap{face.capitalize()}"] for face in FACES}
        found[stop.id] = Shown(numbers, {face: pixels(download(external_id=name)) for face, name in names.items()})
    assert bool(extracted) == (world.site.e57.extraction == "cdf")
    return found


def difference(there: Shown, views: dict[str, Array], turn: Array) -> float:
    """Mean difference, in grey levels, of what a user sees and what stood there; `turn` (3,) is a rotation vector."""
    total = 0.0
    for direction, looked in zip(DIRECTIONS, Rotation.from_rotvec(turn).apply(DIRECTIONS), strict=True):
        seen = viewer.sample(there.faces[(at := viewer.look(there.numbers, looked))[0]], at[1], at[2])
        stood = viewer.sample(views[(at := viewer.look(LEVEL, direction))[0]], at[1], at[2])
        total += float(np.abs(seen - stood).mean())
    return total / len(DIRECTIONS)


def test_every_direction_shows_what_stood_there(world: World, truth: Truth) -> None:
    tilts = [pose["tilt_deg"] for pose in json.loads((truth.truth_folder / "poses.json").read_text())["stations"]]
    assert min(tilts) > 12
    for station, there in shown(world, truth).items():
        views = {face: pixels((truth.truth_folder / station / f"{face}.png").read_bytes()) for face in FACES}
        true = difference(there, views, np.zeros(3))
        turned = [difference(there, views, turn) for turn in OFF]
        print(f"{station}: {true:.2f} grey levels, turned by a degree {min(turned):.2f} to {max(turned):.2f}")
        assert true < 5
        assert min(turned) > 1.3 * true


def test_the_place_is_where_the_camera_stood(world: World, truth: Truth) -> None:
    found = shown(world, truth)
    for stop in truth.stations:
        where = [found[stop.id].numbers[f"translation{axis}"] for axis in "XYZ"]
        np.testing.assert_allclose(where, stop.position, atol=1e-9)


@pytest.mark.parametrize("truth", ["e57-pinhole"], indirect=True)
def test_pinhole_faces_pass_through_untouched(world: World, truth: Truth) -> None:
    """At least the four walls; ceiling and floor lie on their sides in the file."""
    key = CaptureKey("hall-7", truth.capture)
    delivered = Path(truth.folder, "scan.e57").read_bytes()
    shown(world, truth)
    payload = b"".join(delivered[start : start + 1020] for start in range(0, len(delivered), 1024))
    state = world.records.load(key)
    assert state is not None
    numbers = world.nodes(IMAGE_VIEW, "")
    extracted = (state.body("publish") or {}).get("shown", {})
    kept = 0
    for stop in truth.stations:
        image = numbers[extracted.get(stop.id) or image_id(key, stop.id)]
        for face in FACES:
            content = world.cdf.client.files.download_bytes(external_id=image[f"cubeMap{face.capitalize()}"])
            kept += content in payload
    assert kept >= 4 * len(truth.stations)
