"""Pieces of a data modeling project by plain requests, apart from the product: assets, a collection, images, faces."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import (
    EdgeList,
    NodeApply,
    NodeId,
    NodeOrEdgeData,
    SpaceApply,
    ViewId,
)
from PIL import Image, ImageDraw, ImageFont

SPACE = "hall"
FACES = ("front", "back", "left", "right", "top", "bottom")
ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")
FILE = ViewId("cdf_cdm", "CogniteFile", "v1")
IMAGE = ViewId("cdf_cdm", "Cognite360Image", "v1")
OBJECT = ViewId("cdf_cdm", "Cognite3DObject", "v1")
REVISION = ViewId("cdf_cdm", "Cognite3DRevision", "v1")
ANNOTATION = ViewId("cdf_cdm", "Cognite360ImageAnnotation", "v1")
BETA = {"cdf-version": "20230101-beta"}


def picture(*texts: tuple[str, tuple[int, int]], size: int = 512) -> bytes:
    """A white face with black texts at pixel positions, as JPEG."""
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    for text, place in texts:
        draw.text(place, text, fill="black", font=ImageFont.load_default(size=size // 12))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=95)
    return content.getvalue()


def apply(client: CogniteClient, external_id: str, view: ViewId, properties: Mapping[str, Any]) -> None:
    node = NodeApply(SPACE, external_id, sources=[NodeOrEdgeData(view, properties)])
    client.data_modeling.instances.apply(node, auto_create_direct_relations=False)


def make_collection(client: CogniteClient, external_id: str = "collection") -> None:
    client.data_modeling.spaces.apply(SpaceApply(SPACE))
    apply(client, external_id, REVISION, {"type": "Image360", "status": "Done", "published": True})


def make_asset(client: CogniteClient, name: str) -> None:
    apply(client, name, ASSET, {"name": name})


def make_image(
    client: CogniteClient,
    external_id: str,
    faces: Mapping[str, bytes] | None = None,
    collection: str = "collection",
    angles: Sequence[float] = (0.0, 0.0, 0.0),
) -> dict[str, float]:
    """An image of a collection, with face files if their contents are given; its transformation."""
    turned = dict(zip(("eulerRotationX", "eulerRotationY", "eulerRotationZ"), map(float, angles), strict=True))
    properties: dict[str, Any] = {
        **turned, "translationX": 0.0, "translationY": 0.0, "translationZ": 0.0,
        "collection360": {"space": SPACE, "externalId": collection},
    }  # fmt: skip
    for face, content in (faces or {}).items():
        file = f"{external_id}_{face}"
        apply(client, file, FILE, {"name": f"{file}.jpg", "mimeType": "image/jpeg"})
        client.files.upload_content_bytes(content, instance_id=NodeId(SPACE, file))
        properties[face] = {"space": SPACE, "externalId": file}
    apply(client, external_id, IMAGE, properties)
    return turned


def ref(external_id: str) -> dict[str, Any]:
    return {"instanceId": {"space": SPACE, "externalId": external_id}}


def edges(client: CogniteClient) -> EdgeList[Any]:
    """All annotation edges of the space."""
    return client.data_modeling.instances.list("edge", sources=ANNOTATION, space=SPACE, limit=None)


def object_of(client: CogniteClient, asset: str) -> dict[str, str] | None:
    """The object of an asset."""
    node = client.data_modeling.instances.retrieve(nodes=NodeId(SPACE, asset), sources=ASSET).nodes[0]
    found: Any = node.properties[ASSET].get("object3D")
    return found
