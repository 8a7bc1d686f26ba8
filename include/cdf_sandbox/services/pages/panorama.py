"""The panorama viewer's document of a collection: stations with their rotations, faces, and linked plates.

The viewer's files belong to `panorama_viewer`, which has no code. This module is written from published facts,
independent of the product, so that either shows faults of the other: rotations are intrinsic X-Z-Y, spherical polygons
hold the angle from +Y and the one about Y from +Z, and the cube's faces are front -Y, back +Y, left +X, right -X, top
+Z, bottom -Z.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from sqlite3 import Connection, Row
from typing import Any
from urllib.parse import urlencode

from cdf_sandbox.services.pages import store

Vector = tuple[float, float, float]
_AXES: dict[str, tuple[Vector, Vector, Vector]] = {
    "front": ((0, -1, 0), (-1, 0, 0), (0, 0, -1)),
    "back": ((0, 1, 0), (1, 0, 0), (0, 0, -1)),
    "left": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "right": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "top": ((0, 0, 1), (-1, 0, 0), (0, -1, 0)),
    "bottom": ((0, 0, -1), (-1, 0, 0), (0, 1, 0)),
}
"""Centre, right and down of each face as a viewer inside the cube sees it."""
_LINKS = ("images.AssetLink", "images.InstanceLink")
_POLYGON = "cdf_cdm_3d:Cognite360ImageAnnotation"
_STATES = ("approved", "suggested", "rejected")


def view(db: Connection, kind: str, space: str, external_id: str) -> dict[str, Any]:
    """The viewer's document of a collection; images without a whole pose are left out, as in other viewers."""
    images = [image for image in store.collection(db, kind, space, external_id) if _is_placed(image)]
    plates = [
        plate for image in images for plate in (_annotated(db, image) if kind == "legacy" else _linked(db, image))
    ]
    return {
        "capture": f"{space}/{external_id}",
        "title": store.label_of(db, kind, space, external_id),
        "page": _address("/sandbox/pages/collection", kind=kind, space=space, externalId=external_id),
        "link": "",  # It is CDF itself that shows this.
        "stations": [_station(image) for image in images],
        "plates": plates,
    }


def _address(page: str, **query: str) -> str:
    return f"{page}?{urlencode(query)}"


def _is_placed(image: dict[str, Any]) -> bool:
    return all(isinstance(value, int | float) for value in (*image["translation"], *image["rotation"]))


def _station(image: dict[str, Any]) -> dict[str, Any]:
    faces = {side: f"/sandbox/panorama/faces/{file_id}" for side, file_id in image["faces"].items() if file_id}
    return {
        "id": image["externalId"],
        "name": image["station"] or image["externalId"],
        "position": image["translation"],
        "rotation": quaternion(*image["rotation"]),
        "faces": faces,
    }


def quaternion(x: float, y: float, z: float) -> list[float]:
    """The unit quaternion (w, x, y, z) of `Rx(x) Rz(z) Ry(y)`, angles in radians."""
    (cx, sx), (cy, sy), (cz, sz) = ((math.cos(angle / 2), math.sin(angle / 2)) for angle in (x, y, z))
    # (cx + sx i)(cz + sz k)(cy + sy j)
    return [
        cx * cz * cy + sx * sz * sy,
        sx * cz * cy - cx * sz * sy,
        cx * cz * sy - sx * sz * cy,
        cx * sz * cy + sx * cz * sy,
    ]


def _annotated(db: Connection, image: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the plates of annotations on the face files."""
    for side, file_id in image["faces"].items():
        for row in db.execute("SELECT doc FROM annotations WHERE file_id = ? ORDER BY id", (file_id,)):
            document = json.loads(row["doc"])
            data = document.get("data", {})
            polygon = _outline(data)
            if document.get("annotationType") in _LINKS and polygon and document.get("status") in _STATES:
                asset, reference = _asset_of(db, data)
                text = str(data.get("text") or asset)
                yield _plate(image, side, polygon, text, document["status"], asset, reference, "An annotation")


def _outline(data: dict[str, Any]) -> list[list[float]]:
    region = data.get("objectRegion") or {}
    if polygon := region.get("polygon"):
        return [[point["x"], point["y"]] for point in polygon["vertices"]]
    box = region.get("boundingBox") or data.get("textRegion")
    if not box:
        return []
    x0, x1, y0, y1 = (float(box[name]) for name in ("xMin", "xMax", "yMin", "yMax"))
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


def _asset_of(db: Connection, data: dict[str, Any]) -> tuple[str, str]:
    """Return name and reference of an annotation's asset."""
    if instance := data.get("instanceRef"):
        return _name_of(db, instance["space"], instance["externalId"])
    wanted = data.get("assetRef") or {}
    column, value = ("id", wanted["id"]) if wanted.get("id") else ("external_id", wanted.get("externalId"))
    row = db.execute(f"SELECT id, doc FROM assets WHERE {column} = ?", (value,)).fetchone()  # noqa: S608 - names are constants of the code
    return (str(json.loads(row["doc"]).get("name") or row["id"]), str(row["id"])) if row else (str(value), str(value))


def _name_of(db: Connection, space: str, external_id: str) -> tuple[str, str]:
    row = _instance(db, space, external_id)
    described = store.documents(db, [row["id"]]).get(row["id"], {}) if row else {}
    name = described.get("cdf_cdm:CogniteDescribable", {}).get("name")
    return str(name or external_id), f"{space}/{external_id}"


def _instance(db: Connection, space: str, external_id: str) -> Row | None:
    row: Row | None = db.execute(
        "SELECT * FROM dms_instance WHERE space = ? AND external_id = ? AND deleted_time IS NULL", (space, external_id)
    ).fetchone()
    return row


def _linked(db: Connection, image: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the plates of edges from objects to the image; all are approved, the only status of the data model."""
    edges = db.execute(
        "SELECT start_space, start_xid, doc FROM dms_instance JOIN dms_data ON instance = dms_instance.id"
        " WHERE kind = 'edge' AND deleted_time IS NULL AND end_space = ? AND end_xid = ? AND container = ?"
        " ORDER BY dms_instance.id",
        (image["space"], image["externalId"], _POLYGON),
    ).fetchall()
    for edge in edges:
        owner = db.execute(
            "SELECT space, external_id FROM dms_relation JOIN dms_instance ON dms_instance.id = instance"
            " WHERE container = 'cdf_cdm:CogniteVisualizable' AND property = 'object3D' AND target_space = ?"
            " AND target_xid = ? AND deleted_time IS NULL",
            (edge["start_space"], edge["start_xid"]),
        ).fetchone()
        asset, reference = _name_of(db, owner["space"], owner["external_id"]) if owner else ("no asset", "")
        for polygon in _polygons(json.loads(edge["doc"]).get("polygon") or []):
            side, outline = on_face(polygon)
            yield _plate(image, side, outline, asset, "approved", asset, reference, "An edge of the data model")


def _polygons(numbers: Sequence[float]) -> Iterator[list[Vector]]:
    """Yield the directions of each polygon in format 2.0.0; nothing for any other format."""
    at = 0
    while at < len(numbers):
        count = int(numbers[at])
        angles = numbers[at + 1 : at + 1 + 2 * count]
        if count < 3 or len(angles) != 2 * count:
            return
        yield [
            (math.sin(phi) * math.sin(theta), math.cos(phi), math.sin(phi) * math.cos(theta))
            for phi, theta in zip(angles[::2], angles[1::2], strict=True)
        ]
        at += 1 + 2 * count


def on_face(directions: Sequence[Vector]) -> tuple[str, list[list[float]]]:
    """Return the face at the middle of a polygon, and the polygon in the plane of that face, in 0..1 on the face."""
    x, y, z = (sum(each[axis] for each in directions) for axis in range(3))
    middle = (x, y, z)
    side = max(_AXES, key=lambda name: _dot(_AXES[name][0], middle))
    centre, right, down = _AXES[side]
    ahead = [(each, _dot(centre, each)) for each in directions if _dot(centre, each) > 0]
    return side, [[(_dot(right, each) / depth + 1) / 2, (_dot(down, each) / depth + 1) / 2] for each, depth in ahead]


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _plate(
    image: dict[str, Any],
    side: str,
    polygon: list[list[float]],
    text: str,
    state: str,
    asset: str,
    reference: str,
    reason: str,
) -> dict[str, Any]:
    address = _address("/", asset=reference) if reference else ""
    link = {"asset": asset, "state": state, "reason": reason, "confidence": None, "link": address}
    return {
        "station": image["externalId"],
        "face": side,
        "polygon": polygon,
        "text": text,
        "state": state,
        "links": [link],
    }
