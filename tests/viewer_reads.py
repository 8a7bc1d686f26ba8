"""A collection as each generation of the public viewer reads it over HTTP, written apart from the product.

Requests as recorded from Reveal 4.29 and as 4.35 has them in its source: collection, images and stations in one query;
then the files; then a download link for each face.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import numpy as np
from numpy.typing import NDArray

import viewer
from local_cdf import PLAIN

Generation = Literal["4.29", "4.35"]
FACES = ("front", "back", "left", "right", "top", "bottom")
TRANSFORM = [f"{part}{axis}" for part in ("translation", "eulerRotation", "scale") for axis in "XYZ"]
LEGACY = "cdf_360_image_schema"
_PAGE = 10_000


@dataclass(frozen=True)
class Shown:
    """One image: where the viewer puts its cube, how it turns it, its label, and the sha256 of each face."""

    position: NDArray[np.float64]
    rotation: NDArray[np.float64]
    label: str
    faces: Mapping[str, str]


@dataclass(frozen=True)
class Opened:
    """A collection with its images by external id."""

    label: str
    images: Mapping[str, Shown]


class Viewer:
    """One generation of the viewer, in front of one project."""

    def __init__(self, http: httpx.Client, generation: Generation) -> None:
        self._http = http
        self._generation = generation

    def open_legacy(self, space: str, external_id: str) -> Opened:
        """A collection of the legacy schema; both generations ask alike."""
        image = _view(LEGACY, "Image360")
        body = {
            "with": {
                "image_collection": {
                    "nodes": {"filter": {"and": [
                        _equals(["node", "externalId"], {"parameter": "collectionExternalId"}),
                        _equals(["node", "space"], {"parameter": "collectionSpace"}),
                    ]}},
                    "limit": 1,
                },
                "images": {
                    "nodes": {
                        "from": "image_collection", "through": {"view": image, "identifier": "collection360"},
                    },
                    "limit": _PAGE,
                },
                "stations": {
                    "nodes": {
                        "from": "images", "through": {"view": image, "identifier": "station"}, "direction": "outwards",
                    },
                    "limit": _PAGE,
                },
            },
            "select": {
                "image_collection": _select(_view(LEGACY, "Image360Collection"), ["label"]),
                "images": _select(image, [
                    *TRANSFORM, *(f"cubeMap{face.capitalize()}" for face in FACES), "collection360", "station",
                    "timeTaken", "label",
                ]),
                "stations": _select(_view(LEGACY, "Station360"), ["label"]),
            },
            "parameters": {"collectionExternalId": external_id, "collectionSpace": space},
        }  # fmt: skip
        collections, images = self._ask(body, "image_collection")
        shown = {}
        for node in images:
            properties = node["properties"][LEGACY]["Image360/v1"]
            ids = [{"externalId": properties[f"cubeMap{face.capitalize()}"]} for face in FACES]
            shown[node["externalId"]] = self._shown(properties, properties.get("label", ""), ids)
        return Opened(collections[0]["properties"][LEGACY]["Image360Collection/v1"]["label"], shown)

    def open_core(self, space: str, external_id: str) -> Opened:
        """A collection of the core data model; images without all six faces are dropped."""
        image = _view("cdf_cdm", "Cognite360Image")
        newer = self._generation == "4.35"
        reference = {"instanceReferences": [{"space": space, "externalId": external_id}]}
        typed = [
            _has("Cognite3DRevision"),
            _equals(["cdf_cdm_3d", "Cognite3DRevision", "type"], "Image360"),
        ]
        images: dict[str, Any] = {
            "from": "image_collections", "through": {"view": image, "identifier": "collection360"},
        }  # fmt: skip
        stations: dict[str, Any] = {
            "from": "images", "through": {"view": image, "identifier": "station360"}, "direction": "outwards",
        }  # fmt: skip
        if newer:
            images["filter"] = _has("Cognite360Image")
            stations["filter"] = _has("Cognite3DGroup")
        body = {
            "with": {
                "image_collections": {
                    "nodes": {"filter": {"and": [reference, *typed]} if newer else reference}, "limit": 50,
                },
                "images": {"nodes": images, "limit": _PAGE},
                "stations": {"nodes": stations, "limit": _PAGE},
            },
            "select": {
                "image_collections": _select(_view("cdf_cdm", "Cognite360ImageCollection"), ["name"]),
                "images": _select(image, [*TRANSFORM, *FACES, "collection360", "station360", "takenAt"]),
                "stations": _select(_view("cdf_cdm", "Cognite360ImageStation"), ["name"]),
            },
        }  # fmt: skip
        collections, found = self._ask(body, "image_collections")
        names = {node["externalId"]: _core(node, "Cognite360ImageStation")["name"] for node in self._stations}
        shown = {}
        for node in found:
            properties = _core(node, "Cognite360Image")
            if any(face not in properties for face in FACES):
                continue
            label = names.get(properties["station360"]["externalId"], "") if newer else ""
            shown[node["externalId"]] = self._shown(
                properties, label, [{"instanceId": properties[face]} for face in FACES]
            )
        return Opened(_core(collections[0], "Cognite360ImageCollection")["name"], shown)

    def _ask(self, body: dict[str, Any], collection: str) -> tuple[list[Any], list[Any]]:
        """Collections and images, page by page while a page is full; stations are kept aside."""
        images: list[Any] = []
        self._stations: list[Any] = []
        while True:
            answer = self._post("/models/instances/query", body)
            images += answer["items"]["images"]
            self._stations += answer["items"]["stations"]
            if len(answer["items"]["images"]) < _PAGE:
                return answer["items"][collection], images
            body["cursors"] = {name: answer["nextCursor"][name] for name in ("images", "stations")}

    def _shown(self, properties: Mapping[str, Any], label: str, ids: Sequence[Mapping[str, Any]]) -> Shown:
        position = viewer.to_viewer(np.array([properties[f"translation{axis}"] for axis in "XYZ"]))
        return Shown(position, viewer.rotation(properties), label, dict(zip(FACES, self._contents(ids), strict=True)))

    def _contents(self, ids: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Before 4.29.2 the files' internal ids are asked for first, and matched by position."""
        if self._generation == "4.29":
            files = self._post("/files/byids", {"items": list(ids)})["items"]
            ids = [{"id": file["id"]} for file in files]
        links = self._post("/files/downloadlink", {"items": list(ids)})["items"]
        for link in links:
            yield hashlib.sha256(PLAIN.get(link["downloadUrl"]).raise_for_status().content).hexdigest()

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = self._http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(frozen=True)
class InScene:
    """A collection of a scene: which one, how the viewer places it, and whether it is shown at once."""

    space: str
    external_id: str
    transform: NDArray[np.float64]
    visible: bool


def open_scene(http: httpx.Client, space: str, external_id: str) -> tuple[Mapping[str, Any], list[InScene]]:
    """The scene's own properties, and the collections that are loaded with it; incomplete edges are dropped."""
    body = {
        "with": {
            "myScene": {
                "nodes": {"filter": {"and": [
                    _equals(["node", "space"], {"parameter": "sceneSpaceId"}),
                    _equals(["node", "externalId"], {"parameter": "sceneExternalId"}),
                ]}},
                "limit": 1,
            },
            "image360CollectionsEdges": {
                "edges": {
                    "from": "myScene", "maxDistance": 1, "direction": "outwards",
                    "filter": _equals(
                        ["edge", "type"], {"space": "scene", "externalId": "SceneConfiguration.images360Collections"}
                    ),
                },
                "limit": 100,
            },
        },
        "select": {
            "myScene": _select(_view("scene", "SceneConfiguration"), ["*"]),
            "image360CollectionsEdges": _select(_view("scene", "Image360CollectionProperties"), ["*"]),
        },
        "parameters": {"sceneSpaceId": space, "sceneExternalId": external_id},
    }  # fmt: skip
    answer = http.post("/models/instances/query", json=body)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    edges = [
        edge["properties"]["scene"]["Image360CollectionProperties/v1"] for edge in items["image360CollectionsEdges"]
    ]
    return items["myScene"][0]["properties"]["scene"]["SceneConfiguration/v1"], [
        InScene(
            edge["image360CollectionSpace"],
            edge["image360CollectionExternalId"],
            viewer.scene_transform(edge),
            edge.get("defaultVisible", True),
        )
        for edge in edges
        if {*TRANSFORM, "image360CollectionSpace", "image360CollectionExternalId"} <= set(edge)
    ]


def _view(space: str, name: str) -> dict[str, str]:
    return {"type": "view", "space": space, "externalId": name, "version": "v1"}


def _equals(path: list[str], value: Any) -> dict[str, Any]:
    return {"equals": {"property": path, "value": value}}


def _has(name: str) -> dict[str, Any]:
    return {"hasData": [{"type": "container", "space": "cdf_cdm_3d", "externalId": name}]}


def _select(view: Mapping[str, str], properties: Sequence[str]) -> dict[str, Any]:
    return {"sources": [{"source": view, "properties": list(properties)}]}


def _core(node: Mapping[str, Any], view: str) -> Any:
    return node["properties"]["cdf_cdm"][f"{view}/v1"]
