"""The viewer's requests about files and annotations, of both generations, in the shape that it reads."""

import io
import json
import os
from pathlib import Path

import pytest
from cognite.client.data_classes import AnnotationWrite, AssetWrite
from cognite.client.data_classes.data_modeling import SpaceApply
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteFileApply
from PIL import Image

from local_cdf import PLAIN

HEADERS = {"origin": "http://localhost:3000", "cdf-version": "V20210406", "x-cdp-app": "viewer"}


@pytest.fixture(scope="module")
def recorded():
    shared = os.environ.get("CAPTURE360_SHARED")
    folder = Path(shared or "", "reference", "reveal-requests")
    if not shared or not folder.exists():
        pytest.skip("CAPTURE360_SHARED does not lead to the recorded requests")
    return lambda name: json.loads((folder / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def filled(running, recorded):
    client = running.client()
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), (10, 200, 10)).save(picture, "JPEG", progressive=True)
    client.data_modeling.spaces.apply(SpaceApply("sp"))
    asset = client.assets.create(AssetWrite(name="PUMP-0"))
    for item in recorded("core_files_byids")["request"]["items"]:
        node = item["instanceId"]
        client.data_modeling.instances.apply(
            CogniteFileApply(node["space"], node["externalId"], name="face.jpg", mime_type="image/jpeg")
        )
        client.files.upload_content_bytes(picture.getvalue(), instance_id=(node["space"], node["externalId"]))
    for item in recorded("legacy_files_byids")["request"]["items"]:
        face = client.files.upload_bytes(
            picture.getvalue(), name="face.jpg", external_id=item["externalId"], mime_type="image/jpeg"
        )
        region = {"xMin": 0.1, "xMax": 0.35, "yMin": 0.12, "yMax": 0.25}
        client.annotations.create(
            AnnotationWrite(
                annotation_type="images.AssetLink",
                data={"assetRef": {"id": asset.id}, "text": "PUMP-0", "textRegion": region},
                status="approved",
                creating_app="a",
                creating_app_version="1.0.0",
                creating_user=None,
                annotated_resource_type="file",
                annotated_resource_id=face.id,
            )
        )
    return asset, picture.getvalue()


@pytest.mark.shared
@pytest.mark.parametrize("generation", ["legacy", "core"])
def test_faces_by_position(http, filled, recorded, generation):
    request = recorded(f"{generation}_files_byids")["request"]
    answer = http.post("/files/byids", json=request, headers=HEADERS)
    assert answer.headers["access-control-allow-origin"] == "*"
    found = answer.json()["items"]
    key = "externalId" if generation == "legacy" else "instanceId"
    assert [{key: file[key]} for file in found] == request["items"]
    assert all(file["id"] and file["mimeType"] == "image/jpeg" for file in found)


@pytest.mark.shared
@pytest.mark.parametrize("generation", ["legacy", "core"])
def test_downloads_by_every_identifier(http, filled, recorded, generation):
    request = {"items": recorded(f"{generation}_files_byids")["request"]["items"][:6]}
    ids = {"items": [{"id": file["id"]} for file in http.post("/files/byids", json=request).json()["items"]]}
    for body in (request, ids):
        links = http.post("/files/downloadlink", json=body, headers=HEADERS).json()["items"]
        asked = [{key: link[key] for key in item} for link, item in zip(links, body["items"], strict=True)]
        assert asked == body["items"]
        for link in links:
            face = PLAIN.get(link["downloadUrl"], headers={"origin": HEADERS["origin"]})
            assert face.content == filled[1]
            assert face.headers["content-type"] == "image/jpeg"
            assert face.headers["access-control-allow-origin"] == "*"
    assert http.get("/files/icon", params=ids["items"][0]).headers["content-type"] == "image/jpeg"


@pytest.mark.shared
def test_annotations_of_an_image_and_images_of_an_asset(http, filled, recorded):
    faces = http.post("/files/byids", json=recorded("legacy_files_byids")["request"]).json()["items"][:6]
    request = recorded("legacy_annotations_list")["request"]
    request["filter"]["annotatedResourceIds"] = [{"id": face["id"]} for face in faces]
    found = http.post("/annotations/list", json=request, headers=HEADERS).json()["items"]
    needed = set(recorded("legacy_annotations_list")["response"]["items"][0])
    assert all(needed <= set(annotation) for annotation in found)
    assert {annotation["annotatedResourceId"] for annotation in found} == {face["id"] for face in faces}
    request = recorded("annotations_reverselookup")["request"]
    request["filter"]["data"]["assetRef"]["id"] = filled[0].id
    images = http.post("/annotations/reverselookup", json=request, headers=HEADERS).json()["items"]
    assert {face["id"] for face in faces} <= {image["id"] for image in images}


def test_the_browser_may_send_what_it_sends(running):
    answer = PLAIN.options(
        f"{running.project_url}/files/byids",
        headers={
            "origin": HEADERS["origin"],
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,cdf-version,content-type,x-cdp-app,x-cdp-sdk",
        },
    )
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "cdf-version", "x-cdp-app", "x-cdp-sdk"))
