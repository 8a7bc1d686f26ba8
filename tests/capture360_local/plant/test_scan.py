"""The plant's E57 files, read by libE57, which knows neither the plant nor the product."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pye57
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from capture360_local.plant.camera import EYES
from capture360_local.plant.delivered import Delivered
from capture360_local.plant.sample import Truth

Spoil = Callable[..., Truth]
GPS = datetime(1980, 1, 6, tzinfo=UTC) - timedelta(seconds=18)


def images(truth: Truth) -> list[dict[str, Any]]:
    """Every picture with name, pose and time, all checksums on."""
    file = pye57.libe57.ImageFile(str(truth.folder / "scan.e57"), "r", pye57.libe57.CHECKSUM_POLICY_ALL)
    try:
        nodes = file.root()["images2D"]
        return [read(nodes[number]) for number in range(nodes.childCount())]
    finally:
        file.close()


def read(node: Any) -> dict[str, Any]:
    kind = next(k for k in ("spherical", "pinhole", "visualReference") if node.isDefined(f"{k}Representation"))
    representation = node[f"{kind}Representation"]
    blob = representation["jpegImage"]
    buffer = np.zeros(blob.byteCount(), np.uint8)
    blob.read(buffer, 0, blob.byteCount())
    found = {"kind": kind, "name": node["name"].value(), "picture": Image.open(io.BytesIO(buffer.tobytes()))}
    found["taken_at"] = GPS + timedelta(seconds=node["acquisitionDateTime"]["dateTimeValue"].value())
    if node.isDefined("pose"):
        rotation = node["pose"]["rotation"]
        found["rotation"] = Rotation.from_quat([rotation[axis].value() for axis in "xyzw"])
        found["position"] = [node["pose"]["translation"][axis].value() for axis in "xyz"]
    found["size"] = (representation["imageWidth"].value(), representation["imageHeight"].value())
    return found


def poses(truth: Truth) -> list[dict[str, Any]]:
    return list(json.loads((truth.truth_folder / "poses.json").read_text())["stations"])


def test_a_sphere_looks_along_x_of_its_pose(sound: dict[Delivered, Truth]) -> None:
    found = images(sound[Delivered.E57])
    for image, pose, stop in zip(found, poses(sound[Delivered.E57]), sound[Delivered.E57].stations, strict=True):
        assert (image["kind"], image["name"], image["size"]) == ("spherical", pose["station"], (64, 32))
        assert image["picture"].size == (64, 32)
        np.testing.assert_allclose(image["position"], pose["position"])
        # The panorama's centre is the front of the cube, -Y; its left is the cube's left, +X.
        cube = np.array(pose["rotation"])
        np.testing.assert_allclose(image["rotation"].apply([1, 0, 0]), -cube[:, 1], atol=1e-8)
        np.testing.assert_allclose(image["rotation"].apply([0, 1, 0]), cube[:, 0], atol=1e-8)
        assert abs(image["taken_at"] - stop.taken_at) < timedelta(milliseconds=1)


def test_six_pinholes_look_along_six_axes(sound: dict[Delivered, Truth]) -> None:
    truth = sound[Delivered.E57_PINHOLE]
    found = images(truth)
    assert len(found) == 6 * len(truth.stations)
    for number, pose in enumerate(poses(truth)):
        cube = np.array(pose["rotation"])
        six = found[6 * number : 6 * number + 6]
        looks = np.stack([image["rotation"].apply([0, 0, -1]) for image in six])
        wanted = np.stack([cube @ EYES[face].forward for face in EYES])
        # Each face's direction is looked along once.
        np.testing.assert_allclose(np.sort((looks @ wanted.T), axis=1)[:, -1], 1, atol=1e-8)
        assert len(set((looks @ wanted.T).argmax(axis=1))) == 6
        assert all(image["size"] == image["picture"].size == (16, 16) for image in six)
        assert all(np.allclose(image["position"], pose["position"]) for image in six)


def test_the_same_seed_gives_the_same_scan(sound: dict[Delivered, Truth], spoil: Spoil) -> None:
    first = sound[Delivered.E57].folder / "scan.e57"
    assert (spoil(Delivered.E57).folder / "scan.e57").read_bytes() == first.read_bytes()


@pytest.mark.parametrize("form", [Delivered.E57, Delivered.E57_PINHOLE])
def test_damage_is_seen_by_the_peer(spoil: Spoil, form: Delivered) -> None:
    with pytest.raises(pye57.libe57.E57Exception, match="BadFileLength"):
        images(spoil(form, "truncated-e57"))
    with pytest.raises(pye57.libe57.E57Exception, match="BadChecksum"):
        images(spoil(form, "corrupt-page"))
    (photo,) = images(spoil(form, "no-panoramas"))
    assert photo["kind"] == "visualReference"
    lengths = [np.linalg.norm(image["rotation"].as_quat()) for image in images(spoil(form, "wrong-count"))]
    assert np.allclose(lengths, 1)
