"""Real photographs as captures: a cubemap of somebody's camera, and the panorama of a mobile scanner with its pose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from scipy.spatial.transform import Rotation

import viewer
from capture360.cdf.images.classic import ClassicImages
from capture360.model import FACES, CaptureKey, PublishedImage, Verdict
from capture360.steps.ingest import ingest
from cdf_sandbox.core.options import ProjectMode
from delivery import Delivery
from ingest_world import IMAGE_VIEW, World
from local_cdf import fast_options, run_sandbox

CUBE_ORDER = ("front", "right", "back", "left", "top", "bottom")
# Faces whose right edge meets the other's left edge: what a user sees who turns right.
TURNING_RIGHT = (("front", "right"), ("right", "back"), ("back", "left"), ("left", "front"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("real")
    options = fast_options(home / "cdf", ProjectMode.ASSET_CENTRIC)
    with run_sandbox(options) as running:
        yield World(running, home)


def ingested(world: World, capture: Delivery) -> PublishedImage:
    capture.manifest["capture_id"] = capture.path.name
    del capture.stations[1:]
    capture.write()
    key = CaptureKey("hall-7", capture.path.name)
    done = ingest(world.ctx(), key)
    assert done.validated.verdict is Verdict.ACCEPTED, done.validated.headline
    (image,) = ClassicImages(world.cdf, world.site).images(key)
    return image


def contents(world: World, image: PublishedImage) -> dict[str, bytes]:
    model = ClassicImages(world.cdf, world.site)
    return {face: model.face_content(image.faces[face]) for face in FACES}


def seam(one: bytes, other: bytes) -> float:
    """Mean grey-level step over the edge between two faces, in steps inside them."""
    left, right = (simplejpeg.decode_jpeg(content, colorspace="GRAY")[..., 0].astype(float) for content in (one, other))
    across = np.abs(left[:, -1] - right[:, 0]).mean()
    within = np.abs(np.diff(left[:, -8:], axis=1)).mean() + np.abs(np.diff(right[:, :8], axis=1)).mean()
    return float(across / (within / 2))


def test_a_photographers_cubemap_arrives_untouched(world: World, shared: Path) -> None:
    capture = Delivery(world.landing / "photo-cube")
    for number, face in enumerate(CUBE_ORDER):
        capture.files[f"images/s-01/{face}.jpg"] = (shared / f"data/real/examplepanocube{number}.jpg").read_bytes()
    image = ingested(world, capture)
    arrived = contents(world, image)
    for face in FACES:
        sent = capture.files[f"images/s-01/{face}.jpg"]
        assert hashlib.sha256(arrived[face]).digest() == hashlib.sha256(sent).digest()
    assert all(seam(arrived[one], arrived[other]) < 4 for one, other in TURNING_RIGHT)


def test_a_scanners_panorama_becomes_six_faces_that_meet(world: World, shared: Path) -> None:
    pose = json.loads((shared / "data/real/image_atis_poses.json").read_text())[1]
    capture = Delivery(world.landing / "scanner-pano")
    capture.manifest["kind"] = "panorama"
    names = {"x": "pos_x", "y": "pos_y", "z": "pos_z", "qw": "rot_w", "qx": "rot_x", "qy": "rot_y", "qz": "rot_z"}
    capture.stations[0].update({column: repr(pose[name]) for column, name in names.items()}, pano_file="panos/rcn.jpg")
    capture.files["panos/rcn.jpg"] = (shared / "data/real/image_atis_rcn_1.jpg").read_bytes()
    image = ingested(world, capture)
    arrived = contents(world, image)
    assert {simplejpeg.decode_jpeg_header(content)[:2] for content in arrived.values()} == {(2048, 2048)}
    assert all(seam(arrived[one], arrived[other]) < 2 for one, other in TURNING_RIGHT)
    (written,) = world.nodes(IMAGE_VIEW, "scanner-pano").values()
    scanner = Rotation.from_quat([pose["rot_x"], pose["rot_y"], pose["rot_z"], pose["rot_w"]])
    # The centre of the panorama is what the scanner's forward axis looks at, and the middle of the front face.
    face, u, v = viewer.look(written, scanner.apply([1, 0, 0]))
    assert (face, u, v) == ("front", pytest.approx(0.5, abs=1e-6), pytest.approx(0.5, abs=1e-6))


def test_a_thumbnail_that_calls_itself_a_panorama_is_refused_in_words(world: World, shared: Path) -> None:
    capture = Delivery(world.landing / "samsung-gear")
    capture.manifest.update(kind="panorama", capture_id="samsung-gear")
    del capture.stations[1:]
    capture.stations[0]["pano_file"] = "panos/gear.jpg"
    capture.files["panos/gear.jpg"] = (shared / "data/real/gpano_samsung_gear.jpg").read_bytes()
    capture.write()
    before = world.running.mutating()
    done = ingest(world.ctx(), CaptureKey("hall-7", "samsung-gear"))
    assert done.validated.verdict is Verdict.REJECTED
    assert "32 x 28" in done.validated.headline
    assert world.running.mutating() == before
