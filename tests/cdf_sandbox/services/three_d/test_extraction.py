"""CDF's extraction of photospheres, in each of the forms that its result may have."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

import numpy as np
import pytest
import simplejpeg
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import SpaceApply, ViewId
from scipy.spatial.transform import Rotation

from capture360.e57.images import ScannerPose
from e57_writer import E57Writer
from local_cdf import RunningSandbox
from waiting import eventually, when_it_waits

IMAGE = ViewId("cdf_360_image_schema", "Image360", "v1")
STATION = ViewId("cdf_360_image_schema", "Station360", "v1")
COLLECTION = ViewId("cdf_360_image_schema", "Image360Collection", "v1")
Start = Callable[..., AbstractContextManager[RunningSandbox]]


def scan(spheres: int = 3) -> tuple[bytes, list[Rotation]]:
    """An E57 file of small panoramas with tilted poses, and the rotations of their scanner."""
    picture = np.zeros((256, 512, 3), np.uint8)
    picture[:, 192:320] = (200, 40, 40)
    turns = [Rotation.from_euler("ZYX", (40 * n, -5 + n, 3 * n), degrees=True) for n in range(spheres)]
    stream = io.BytesIO()
    with closing(E57Writer(stream)) as writer:
        for number, turn in enumerate(turns):
            x, y, z, w = turn.as_quat(canonical=True)
            pose = ScannerPose((w, x, y, z), (2.0 * number, 1.0, 1.5))
            writer.add_spherical(simplejpeg.encode_jpeg(picture), name=f"Stop {number}", pose=pose)
    return stream.getvalue(), turns


def extracted(client: CogniteClient, content: bytes, space: str = "scans") -> dict[str, Any]:
    """The revision of an uploaded file, once it has ended."""
    file = client.files.upload_bytes(content, name="scan.e57", external_id="scan", overwrite=True)
    model = client.three_d.models.create(name="scan")
    nonce = client.iam.sessions.create().nonce
    options = {"extractPhotosphereImages": "true", "dmsInstancesSpaceId": space}
    url = f"/api/v1/projects/{client.config.project}/3d/models/{model.id}/revisions"
    body = {"fileId": file.id, "nonce": nonce, "pipelineConfiguration": {"indexingOptions": options}}
    revision = client.post(url, {"items": [body]}).json()["items"][0]
    assert revision["status"] in ("Queued", "Processing")

    def ended() -> dict[str, Any] | None:
        now: dict[str, Any] = client.get(f"{url}/{revision['id']}").json()
        return now if now["status"] in ("Done", "Failed") else None

    done = eventually(ended)
    logs = client.get(f"{url}/{revision['id']}/logs", params={"severity": 3}).json()["items"]
    return done | {"logs": logs}


@pytest.fixture(params=["tidy", "random_ids", "no_stations", "two_collections"])
def result(request: pytest.FixtureRequest, start_sandbox: Start) -> Iterator[tuple[str, CogniteClient, list[Rotation]]]:
    content, turns = scan()
    with start_sandbox(extraction_names=request.param, revision_queue=0, revision_processing=0) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("scans"))
        assert extracted(client, content)["status"] == "Done"
        yield request.param, client, turns


def test_the_result_is_found_by_query(result: tuple[str, CogniteClient, list[Rotation]]) -> None:
    names, client, turns = result
    instances = client.data_modeling.instances
    images = [dict(node.properties[IMAGE]) for node in instances.list("node", sources=IMAGE, space="scans", limit=None)]
    stations = instances.list("node", sources=STATION, space="scans", limit=None)
    collections = instances.list("node", sources=COLLECTION, space="scans", limit=None)
    assert len(images) == len(turns)
    assert len(stations) == (0 if names == "no_stations" else len(turns))
    assert len(collections) == (2 if names == "two_collections" else 1)
    assert {image["collection360"]["externalId"] for image in images} == {node.external_id for node in collections}
    for image in images:
        number = round(image["translationX"] / 2)
        angles = [image[f"eulerRotation{axis}"] for axis in "XZY"]
        cube = Rotation.from_euler("XZY", angles)
        # The panorama's centre, +X of the scanner, is the front of the cube, -Y.
        assert np.allclose(cube.apply([0, -1, 0]), turns[number].apply([1, 0, 0]), atol=1e-9)
        front = client.files.download_bytes(external_id=image["cubeMapFront"])
        pixels = simplejpeg.decode_jpeg(front)
        assert pixels[pixels.shape[0] // 2, pixels.shape[1] // 2, 0] > 150


def test_a_file_that_is_no_e57_fails_with_the_reason(start_sandbox: Start) -> None:
    with start_sandbox(revision_queue=0, revision_processing=0) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("scans"))
        ended = extracted(client, b"no scan at all" * 100)
        assert ended["status"] == "Failed"
        assert "Not a readable E57 file" in ended["logs"][-1]["info"]
        assert len(client.data_modeling.instances.list("node", space="scans", limit=None)) == 0


def test_a_space_that_is_not_there_fails(start_sandbox: Start) -> None:
    with start_sandbox(revision_queue=0, revision_processing=0) as running:
        ended = extracted(running.client(), scan(1)[0], "nowhere")
        assert ended["status"] == "Failed"
        assert "nowhere" in ended["logs"][-1]["info"]


def test_a_file_without_spheres_ends_with_nothing(start_sandbox: Start) -> None:
    with start_sandbox(revision_queue=0, revision_processing=0) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("scans"))
        assert extracted(client, scan(0)[0])["status"] == "Done"
        assert len(client.data_modeling.instances.list("node", space="scans", limit=None)) == 0


def test_it_is_not_done_before_its_time(start_sandbox: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_sandbox(revision_queue=60, revision_processing=60) as running:
        running.hold_clock()
        ready = when_it_waits(running, monkeypatch)
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("scans"))
        file = client.files.upload_bytes(scan(1)[0], name="scan.e57")
        model = client.three_d.models.create(name="scan")
        url = f"/api/v1/projects/{client.config.project}/3d/models/{model.id}/revisions"
        options = {"extractPhotosphereImages": True, "dmsInstancesSpaceId": "scans"}
        body = {"fileId": file.id, "pipelineConfiguration": {"indexingOptions": options}}
        body["nonce"] = client.iam.sessions.create().nonce
        revision = client.post(url, {"items": [body]}).json()["items"][0]
        assert ready.wait(60)
        seen = []
        for seconds in (1, 60):
            running.advance(seconds)
            seen.append(client.get(f"{url}/{revision['id']}").json()["status"])
            assert not client.data_modeling.instances.list("node", space="scans", limit=None)
            assert not client.files.list(external_id_prefix="e57_")
        assert seen == ["Queued", "Processing"]
        running.advance(60)
        eventually(lambda: client.get(f"{url}/{revision['id']}").json()["status"] == "Done")
        assert client.data_modeling.instances.list("node", space="scans", limit=None)
