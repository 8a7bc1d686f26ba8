"""Cases of the public viewer's requests for a collection, in both generations (Reveal 4.29 and 4.35).

The requests follow cognitedata/reveal, `viewer/packages/data-providers/src/image-360-data-providers`.
"""

from __future__ import annotations

from typing import Any

from capture360_local.conformance.case import CLASSIC, SPACE, Case, Kept, Own

_QUERY = "/models/instances/query"
_FACES = ("front", "back", "left", "right", "top", "bottom")
_TRANSFORM = [f"{part}{axis}" for part in ("translation", "eulerRotation", "scale") for axis in "XYZ"]
_POSE = {name: float(place) for place, name in enumerate(_TRANSFORM)}
_TAKEN = "2026-01-01T00:00:00Z"
_PAGE = 10_000


def _view(name: str, space: str = "cdf_cdm") -> dict[str, str]:
    return {"type": "view", "space": space, "externalId": name, "version": "v1"}


def _container(name: str) -> dict[str, str]:
    return {"type": "container", "space": "cdf_cdm_3d", "externalId": name}


def _own(suffix: str) -> dict[str, Any]:
    return {"space": SPACE, "externalId": Own(suffix)}


def _node(suffix: str, *data: tuple[dict[str, str], dict[str, Any]]) -> dict[str, Any]:
    sources = [{"source": view, "properties": properties} for view, properties in data]
    return {"instanceType": "node", **_own(suffix), "sources": sources}


def _node_is(field: str, value: Any) -> dict[str, Any]:
    return {"equals": {"property": ["node", field], "value": value}}


def _selected(view: dict[str, str], *properties: str) -> dict[str, Any]:
    return {"sources": [{"source": view, "properties": list(properties)}]}


_LEGACY = "cdf_360_image_schema"
_LEGACY_IMAGE = _view("Image360", _LEGACY)
_CUBE_MAP = [f"cubeMap{face.capitalize()}" for face in _FACES]
_LEGACY_NODES = [
    _node("collection", (_view("Image360Collection", _LEGACY), {"label": "Hall"})),
    _node("station", (_view("Station360", _LEGACY), {"label": "Station 1"})),
    _node(
        "image",
        (
            _LEGACY_IMAGE,
            {
                **_POSE,
                **{face: Own(face) for face in _CUBE_MAP},
                "collection360": _own("collection"),
                "station": _own("station"),
                "timeTaken": _TAKEN,
                "label": "Image 1",
            },
        ),
    ),
]

_IMAGE = _view("Cognite360Image")
_COLLECTION = _view("Cognite360ImageCollection")
_ANNOTATION = _view("Cognite360ImageAnnotation")
_STATION = _view("Cognite360ImageStation")
_CORE_NODES = [
    _node(
        "core_collection",
        (_view("Cognite3DRevision"), {"type": "Image360", "status": "Done", "published": True}),
        (_view("CogniteDescribable"), {"name": "Hall"}),
    ),
    _node("core_station", (_STATION, {"name": "Station 1", "groupType": "Station360"})),
    *(_node(f"core_{face}", (_view("CogniteFile"), {"name": f"{face}.png"})) for face in _FACES),
    _node(
        "core_image",
        (
            _IMAGE,
            {
                **_POSE,
                **{face: _own(f"core_{face}") for face in _FACES},
                "collection360": _own("core_collection"),
                "station360": _own("core_station"),
                "takenAt": _TAKEN,
            },
        ),
    ),
    _node("object3d", (_view("Cognite3DObject"), {"name": "Pump"})),
    _node("core_asset", (_view("CogniteAsset"), {"name": "P-101", "object3D": _own("object3d")})),
    {
        "instanceType": "edge",
        **_own("core_annotation"),
        "type": {"space": "cdf_cdm", "externalId": "image-360-annotation"},
        "startNode": _own("object3d"),
        "endNode": _own("core_image"),
        "sources": [
            {
                "source": _ANNOTATION,
                "properties": {"polygon": [3.0, 1.0, 1.0, 1.1, 1.0, 1.1, 1.1], "formatVersion": "2.0.0"},
            }
        ],
    },
]


def _around(collections: str, image: dict[str, str], station: str, newer: bool) -> dict[str, Any]:
    """Return the result sets of a collection; newer viewers demand data in containers."""

    def demanding(nodes: dict[str, Any], container: str) -> dict[str, Any]:
        return nodes | ({"filter": {"hasData": [_container(container)]}} if newer else {})

    return {
        "images": {
            "nodes": demanding(
                {"from": collections, "through": {"view": image, "identifier": "collection360"}}, "Cognite360Image"
            ),
            "limit": _PAGE,
        },
        "stations": {
            "nodes": demanding(
                {"from": "images", "through": {"view": image, "identifier": station}, "direction": "outwards"},
                "Cognite3DGroup",
            ),
            "limit": _PAGE,
        },
    }


def _core_query(newer: bool) -> dict[str, Any]:
    chosen: dict[str, Any] = {"instanceReferences": [_own("core_collection")]}
    if newer:
        is_360 = {"equals": {"property": ["cdf_cdm_3d", "Cognite3DRevision", "type"], "value": "Image360"}}
        chosen = {"and": [chosen, {"hasData": [_container("Cognite3DRevision")]}, is_360]}
    properties = [*_TRANSFORM, *_FACES, "collection360", "station360", "takenAt"]
    return {
        "with": {
            "image_collections": {"nodes": {"filter": chosen}, "limit": 50},
            **_around("image_collections", _IMAGE, "station360", newer),
        },
        "select": {
            "image_collections": _selected(_COLLECTION, "name"),
            "images": _selected(_IMAGE, *properties),
            "stations": _selected(_STATION, "name"),
        },
    }


def _annotations_query(newer: bool) -> dict[str, Any]:
    def has(name: str, view: dict[str, str]) -> dict[str, Any]:
        return {"hasData": [_container(name) if newer else view]}

    ours = [has("Cognite360Image", _IMAGE), _node_is("externalId", Own("core_image")), _node_is("space", SPACE)]
    return {
        "with": {
            "images": {"nodes": {"filter": {"and": ours}}, "limit": _PAGE},
            "annotations": {
                "edges": {
                    "from": "images",
                    "direction": "inwards",
                    "filter": {"and": [has("Cognite360ImageAnnotation", _ANNOTATION)]},
                },
                "limit": _PAGE,
            },
            "object3d": {"nodes": {"from": "annotations"}, "limit": _PAGE},
            "assets": {
                "nodes": {"from": "object3d", "through": {"view": _view("CogniteAsset"), "identifier": "object3D"}},
                "limit": _PAGE,
            },
        },
        "select": {
            "images": _selected(_IMAGE, *_TRANSFORM),
            "annotations": _selected(_ANNOTATION, "polygon", "formatVersion"),
            "object3d": {},
            "assets": _selected(_view("CogniteAsset"), "name", "object3D"),
        },
    }


_FROM_ASSET = {
    "with": {
        "asset": {"nodes": {"filter": {"instanceReferences": [_own("core_asset")]}}},
        "object3d": {
            "nodes": {
                "from": "asset",
                "direction": "outwards",
                "through": {"view": _view("CogniteVisualizable"), "identifier": "object3D"},
            },
        },
        "annotations": {
            "edges": {
                "from": "object3d",
                "direction": "outwards",
                "filter": {"hasData": [_container("Cognite360ImageAnnotation")]},
            },
            "limit": _PAGE,
        },
        "images": {"nodes": {"from": "annotations", "chainTo": "destination"}, "limit": _PAGE},
    },
    "select": {"annotations": {}, "images": {}},
}
_LEGACY_QUERY = {
    "with": {
        "image_collection": {
            "nodes": {
                "filter": {
                    "and": [
                        {
                            "equals": {
                                "property": ["node", "externalId"],
                                "value": {"parameter": "collectionExternalId"},
                            }
                        },
                        {"equals": {"property": ["node", "space"], "value": {"parameter": "collectionSpace"}}},
                    ]
                }
            },
            "limit": 1,
        },
        **_around("image_collection", _LEGACY_IMAGE, "station", newer=False),
    },
    "select": {
        "image_collection": _selected(_view("Image360Collection", _LEGACY), "label"),
        "images": _selected(_LEGACY_IMAGE, *_TRANSFORM, *_CUBE_MAP, "collection360", "station", "timeTaken", "label"),
        "stations": _selected(_view("Station360", _LEGACY), "label"),
    },
    "parameters": {"collectionExternalId": Own("collection"), "collectionSpace": SPACE},
}

VIEWERS = (
    Case(
        "viewer-legacy-write",
        "POST /models/instances",
        body={"items": _LEGACY_NODES},
        writes="a collection, a station and an image of cdf_360_image_schema",
        modes=CLASSIC,
    ),
    Case("viewer-legacy-collection", f"POST {_QUERY}", body=_LEGACY_QUERY, modes=CLASSIC),
    Case(
        "viewer-core-write",
        "POST /models/instances",
        body={"items": _CORE_NODES},
        writes="a core collection with an image, its faces, an asset and an annotation",
    ),
    Case("viewer-core-collection-4.29", f"POST {_QUERY}", body=_core_query(newer=False)),
    Case("viewer-core-collection-4.35", f"POST {_QUERY}", body=_core_query(newer=True)),
    Case("viewer-core-annotations-4.29", f"POST {_QUERY}", body=_annotations_query(newer=False)),
    Case("viewer-core-annotations-4.35", f"POST {_QUERY}", body=_annotations_query(newer=True)),
    Case("viewer-core-images-of-asset", f"POST {_QUERY}", body=_FROM_ASSET),
    Case("viewer-legacy-faces-4.29", "POST /files/byids", body={"items": [{"externalId": Own("face")}]}),
    Case("viewer-legacy-downloadlink-4.29", "POST /files/downloadlink", body={"items": [{"id": Kept("id")}]}),
)
