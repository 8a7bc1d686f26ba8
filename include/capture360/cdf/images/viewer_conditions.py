"""Conditions under which the public viewer silently leaves out or misplaces what was published.

Conditions as cognitedata/reveal has them: `descriptor-providers/datamodels/{cdm,system-space}` and
`sceneResponseTypeGuards.ts` (4.29 to 4.35). Nodes are read as they are: a value that is missing must not count as 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture360.cdf.instances import PAGE, POSITION, ROTATION, Instances, View, relation
from capture360.cdf.ports import Collection
from capture360.geometry.spherical_polygons import polygons
from capture360.model import FACES, FaceName, FaceRef

_OLDEST_FORMAT = (1, 0, 1)
"""Before it, a viewer turns polygons by X-Y-Z angles and draws them elsewhere."""
_FLAT_BEFORE = (2, 0, 0)
"""Before it, `polygon` is one polygon without vertex counts."""
_LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class ImageModel:
    """The names of one generation of 360° images: views, and the relations of an image."""

    image: View
    station: View
    station_relation: str
    faces: Mapping[FaceName, str]


@dataclass(slots=True)
class ReadCollection:
    """A collection's images and stations, with their properties by external id, as a viewer's one query finds them."""

    images: dict[str, Mapping[str, Any]]
    stations: dict[str, Mapping[str, Any]]


def read_collection(instances: Instances, model: ImageModel, collection: Collection) -> ReadCollection:
    """Read what a viewer reads when it opens a collection."""
    images = {"from": "collection", "through": {"source": model.image.ref, "identifier": "collection360"}}
    stations = {"from": "images", "through": {"source": model.image.ref, "identifier": model.station_relation}}
    query = {
        "with": {
            "collection": {
                "nodes": {"filter": {"instanceReferences": [relation(collection.space, collection.external_id)]}},
                "limit": 1,
            },
            "images": {"nodes": {**images, "direction": "inwards"}, "limit": PAGE},
            "stations": {"nodes": {**stations, "direction": "outwards"}, "limit": PAGE},
        },
        "select": {
            "images": {"sources": [{"source": model.image.ref, "properties": ["*"]}]},
            "stations": {"sources": [{"source": model.station.ref, "properties": ["*"]}]},
        },
    }
    found = ReadCollection({}, {})
    for page in instances.pages(query, "images"):
        found.images.update({node.external_id: model.image.properties_of(node) for node in page["images"]})
        found.stations.update({node.external_id: model.station.properties_of(node) for node in page["stations"]})
    return found


def incomplete_images(model: ImageModel, found: ReadCollection) -> Iterator[str]:
    """Yield a sentence for each image that lacks a number of its pose or a face."""
    for name, properties in found.images.items():
        numbers = [each for each in (*POSITION, *ROTATION) if properties.get(each) is None]
        if numbers:
            yield f"Image {name} has no {', '.join(numbers)}, and viewers cannot open a collection with such an image."
        faces = [face for face, prop in model.faces.items() if not properties.get(prop)]
        if faces:
            yield f"Image {name} has no face {', '.join(faces)}, and viewers leave such an image out."


def face_refs(model: ImageModel, found: ReadCollection) -> list[FaceRef]:
    """Return the faces that the images name, each once: images may share files."""
    refs = (
        _face_ref(face, properties[model.faces[face]])
        for properties in found.images.values()
        for face in FACES
        if properties.get(model.faces[face])
    )
    return list(dict.fromkeys(refs))


def _face_ref(face: FaceName, value: Any) -> FaceRef:
    if isinstance(value, str):
        return FaceRef(face, value)
    return FaceRef(face, value["externalId"], value["space"])


def polygon_problem(polygon: Sequence[float], version: str) -> str:
    """Return why a viewer does not draw a link's polygons, or draws them elsewhere; empty if it draws them."""
    parsed = _version(version)
    if parsed < _OLDEST_FORMAT:
        stated = f'formatVersion "{version}"' if version else "no formatVersion"
        return f"has {stated}, so viewers draw its polygon elsewhere; write 2.0.0"
    if parsed < _FLAT_BEFORE:
        if len(polygon) < 2 * _LEAST_POINTS or len(polygon) % 2:
            return "has a polygon of less than three points, which viewers do not draw; outline the plate again"
        return ""
    try:
        outlines = list(polygons(polygon))
    except ValueError:
        return (
            "has a polygon that is not in the format of its formatVersion, or has less than three points, so viewers "
            "do not draw it; outline the plate again"
        )
    return "" if outlines else "has no polygon, so viewers do not draw it; outline the plate"


def _version(text: str) -> tuple[int, ...]:
    """Return the numbers of a version; (1, 0, 0) if there is none, as viewers assume."""
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else (1, 0, 0)
