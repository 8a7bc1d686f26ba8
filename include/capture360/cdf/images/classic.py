"""360° images in the system space `cdf_360_image_schema`, for asset-centric and hybrid projects.

Property names and kinds as the public viewer reads them (cognitedata/reveal, `system-space/get360CollectionQuery.ts`):
flat, faces as external ids of classic files, `collection360` and `station` as direct relations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capture360 import names
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject
from capture360.cdf.images.files import ClassicFiles, face_metadata, face_name, side_by_side
from capture360.cdf.images.scenes import with_scene
from capture360.cdf.images.shared_stations import of_these_images_alone
from capture360.cdf.instances import (
    PAGE,
    POSITION,
    ROTATION,
    Instances,
    Node,
    View,
    pose_of,
    pose_properties,
    relation,
    timestamp,
    with_prefix,
)
from capture360.cdf.ports import Collection, StationFaces
from capture360.cdf.preflight import Required, ensure_space, missing_parts, space_exists
from capture360.cdf.stored_sizes import stored_sizes
from capture360.model import FACES, Capture, CaptureKey, EncodedFace, FaceName, FaceRef, PublishedImage, Station
from capture360.rules.finding import Finding
from capture360.settings.site import Site

SCHEMA = "cdf_360_image_schema"
COLLECTION = View(SCHEMA, "Image360Collection")
STATION = View(SCHEMA, "Station360")
IMAGE = View(SCHEMA, "Image360")
_INSTANCES_EACH = 2
"""Station and image."""
CUBE_MAP: Mapping[FaceName, str] = {face: f"cubeMap{face.capitalize()}" for face in FACES}


class ClassicImages:
    """Image360Store of asset-centric and hybrid projects."""

    def __init__(self, cdf: CdfProject, site: Site) -> None:
        self._cdf = cdf
        self._site = site
        self._files = ClassicFiles(cdf.client, site.files)
        self._instances = Instances(cdf.client)

    def missing(self, key: CaptureKey, panoramas: int) -> Sequence[Finding]:
        required = Required(
            views=(COLLECTION, STATION, IMAGE),
            spaces=(self._site.space,),
            needs=(Need("filesAcl", "READ"), Need("filesAcl", "WRITE")),
            panoramas=panoramas,
            instances_each=_INSTANCES_EACH,
            published=lambda: sum(1 for _ in self.images(key)),
            classic_files=True,
        )
        return missing_parts(self._cdf, self._site, with_scene(required, self._site))

    def collections(self, key: CaptureKey) -> Sequence[Collection]:
        space = self._site.space
        return [Collection(space, each) for each in self._instances.found(space, names.collection_id(key))]

    def face_ref(self, key: CaptureKey, station: str, face: FaceName, sha256: str) -> FaceRef:
        return FaceRef(face, names.face_id(key, station, face, sha256))

    def stored(self, refs: Mapping[FaceRef, str]) -> set[FaceRef]:
        uploaded = self._files.uploaded({ref.external_id: sha256 for ref, sha256 in refs.items()})
        return {ref for ref in refs if ref.external_id in uploaded}

    def put_faces(self, capture: Capture, faces: Sequence[tuple[Station, EncodedFace]]) -> Sequence[FaceRef]:
        return side_by_side(lambda pair: self._put_face(capture, *pair), faces)

    def _put_face(self, capture: Capture, station: Station, face: EncodedFace) -> FaceRef:
        ref = self.face_ref(capture.key, station.id, face.face, face.sha256)
        self._files.put(ref.external_id, face_name(station, face), face, face_metadata(capture, station, face))
        return ref

    def file_ids(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        by_external_id = self._files.ids([ref.external_id for ref in refs])
        return {ref: by_external_id[ref.external_id] for ref in refs if ref.external_id in by_external_id}

    def face_content(self, ref: FaceRef) -> bytes:
        return self._files.content(ref.external_id)

    def stored_sizes(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        sizes = stored_sizes(self._files.links([ref.external_id for ref in refs]))
        return {ref: sizes[ref.external_id] for ref in refs}

    def publish(self, capture: Capture, faces: StationFaces) -> int:
        ensure_space(self._cdf, self._site.space, create=self._site.create_space)
        return sum(self._instances.write(nodes) for nodes in self._nodes(capture, faces))

    def changes(self, capture: Capture, faces: StationFaces) -> Sequence[str]:
        stale = self._instances.stale if space_exists(self._cdf, self._site.space) else list
        return [node.external_id for nodes in self._nodes(capture, faces) for node in stale(nodes)]

    def images(self, key: CaptureKey) -> Iterator[PublishedImage]:
        return self._images(with_prefix(self._site.space, names.collection_id(key)))

    def images_in(self, collection: Collection) -> Iterator[PublishedImage]:
        return self._images({"instanceReferences": [relation(collection.space, collection.external_id)]})

    def _images(self, collections: Mapping[str, Any]) -> Iterator[PublishedImage]:
        """The images of the collections that a filter finds."""
        for page in self._instances.pages(_images_query(collections), "images"):
            yield from (published_image(node) for node in page["images"])

    def remove_images(self, images: Sequence[PublishedImage]) -> int:
        return self._instances.remove(self._site.space, [image.external_id for image in images])

    def remove_stations(self, external_ids: Sequence[str]) -> int:
        unused = of_these_images_alone(self._instances, self._site.space, external_ids, IMAGE, "station", ())
        return self._instances.remove(self._site.space, unused)

    def remove_collections(self, collections: Sequence[Collection]) -> int:
        return sum(self._instances.remove(each.space, [each.external_id]) for each in collections)

    def remove_faces(self, refs: Sequence[FaceRef]) -> int:
        return self._files.remove([ref.external_id for ref in refs])

    def remove(self, key: CaptureKey, *, dry_run: bool) -> Sequence[str]:
        space = self._site.space
        if not space_exists(self._cdf, space):
            return []
        images = list(self.images(key))
        image_ids = [image.external_id for image in images]
        stations = {image.station for image in images if image.station}
        station_ids = of_these_images_alone(self._instances, space, stations, IMAGE, "station", image_ids)
        files = [ref for image in images for ref in image.faces.values()]
        there = self._instances.found(space, names.collection_id(key))
        if not dry_run:
            self._instances.remove(space, image_ids)
            self._instances.remove(space, there)
            self._instances.remove(space, station_ids)
            self.remove_faces(files)
        return [*image_ids, *there, *station_ids, *(ref.external_id for ref in files)]

    def _nodes(self, capture: Capture, faces: StationFaces) -> tuple[Sequence[Node], Sequence[Node]]:
        """What images point at, and the images: written in this order, no image ever points at nothing."""
        space = self._site.space
        stations = [
            Node(space, names.station_node(capture, station.id), STATION, {"label": station.name})
            for station in capture.stations
        ]
        collections = [
            Node(space, each, COLLECTION, {"label": label}) for each, label in names.collections(capture).items()
        ]
        return [*stations, *collections], [
            self._image(capture, station, faces[station.id]) for station in capture.stations
        ]

    def _image(self, capture: Capture, station: Station, faces: Mapping[FaceName, FaceRef]) -> Node:
        space, key = self._site.space, capture.key
        properties: dict[str, Any] = {
            "label": station.name,
            **pose_properties(station.pose),
            **{CUBE_MAP[face]: faces[face].external_id for face in FACES},
            "collection360": relation(space, names.collection_id(key, station.collection)),
            "station": relation(space, names.station_node(capture, station.id)),
            "timeTaken": timestamp(station.taken_at),
        }
        return Node(space, names.image_id(key, station.id), IMAGE, properties)


def published_image(node: Any) -> PublishedImage:
    """An Image360 node of the SDK as what it shows; a number that nobody wrote is nought."""
    properties = IMAGE.properties_of(node)
    station = properties.get("station") or {}
    return PublishedImage(
        external_id=node.external_id,
        space=node.space,
        station=station.get("externalId", ""),
        pose=pose_of({**dict.fromkeys(POSITION + ROTATION, 0.0), **properties}),
        faces={face: FaceRef(face, properties[name]) for face, name in CUBE_MAP.items() if properties.get(name)},
        label=str(properties.get("label") or ""),
    )


def _images_query(collections: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "with": {
            "collections": {"nodes": {"filter": collections}, "limit": PAGE},
            "images": {
                "nodes": {
                    "from": "collections",
                    "through": {"source": IMAGE.ref, "identifier": "collection360"},
                    "direction": "inwards",
                },
                "limit": PAGE,
            },
        },
        "select": {"images": {"sources": [{"source": IMAGE.ref, "properties": ["*"]}]}},
    }
