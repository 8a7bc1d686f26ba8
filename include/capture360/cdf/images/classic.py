"""360° images in the system space `cdf_360_image_schema`, for asset-centric and hybrid projects.

Property names and kinds as the public viewer reads them (cognitedata/reveal, `system-space/get360CollectionQuery.ts`):
flat, faces as external ids of classic files, `collection360` and `station` as direct relations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from typing_extensions import override

from capture360 import names
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject
from capture360.cdf.images.files import ClassicFiles, face_metadata, face_name, side_by_side
from capture360.cdf.images.instances import ImageInstances
from capture360.cdf.images.scenes import with_scene
from capture360.cdf.images.stored_sizes import stored_sizes
from capture360.cdf.images.viewer_conditions import ImageModel
from capture360.cdf.instances import (
    POSITION,
    ROTATION,
    Node,
    View,
    pose_of,
    pose_properties,
    relation,
    timestamp,
)
from capture360.cdf.ports import StationFaces
from capture360.cdf.preflight import Required, ensure_space, missing_parts, space_exists
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


class ClassicImages(ImageInstances):
    """Image360Store of asset-centric and hybrid projects."""

    image_view = IMAGE
    station_relation = "station"
    image_model = ImageModel(IMAGE, STATION, "station", CUBE_MAP)
    viewer_source = "classic"

    def __init__(self, cdf: CdfProject, site: Site) -> None:
        super().__init__(cdf, site)
        self._files = ClassicFiles(cdf.client, site.files)

    @override
    def missing(self, key: CaptureKey, panoramas: int) -> Sequence[Finding]:
        return missing_parts(self._cdf, self._site, self._required(key, panoramas))

    @override
    def _required(self, key: CaptureKey, panoramas: int) -> Required:
        required = Required(
            views=(COLLECTION, STATION, IMAGE),
            spaces=(self._space,),
            needs=(Need("filesAcl", "READ"), Need("filesAcl", "WRITE")),
            panoramas=panoramas,
            instances_each=_INSTANCES_EACH,
            published=lambda: sum(1 for _ in self.images(key)),
            classic_files=True,
        )
        return with_scene(required, self._site)

    @override
    def face_ref(self, key: CaptureKey, station: str, face: FaceName, sha256: str) -> FaceRef:
        return FaceRef(face, names.face_id(key, station, face, sha256))

    @override
    def stored(self, refs: Mapping[FaceRef, str]) -> set[FaceRef]:
        uploaded = self._files.uploaded({ref.external_id: sha256 for ref, sha256 in refs.items()})
        return {ref for ref in refs if ref.external_id in uploaded}

    @override
    def put_faces(self, capture: Capture, faces: Sequence[tuple[Station, EncodedFace]]) -> Sequence[FaceRef]:
        return side_by_side(lambda pair: self._put_face(capture, *pair), faces)

    def _put_face(self, capture: Capture, station: Station, face: EncodedFace) -> FaceRef:
        ref = self.face_ref(capture.key, station.id, face.face, face.sha256)
        self._files.put(ref.external_id, face_name(station, face), face, face_metadata(capture, station, face))
        return ref

    @override
    def file_ids(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        by_external_id = self._files.ids([ref.external_id for ref in refs])
        return {ref: by_external_id[ref.external_id] for ref in refs if ref.external_id in by_external_id}

    @override
    def faces_of(self, key: CaptureKey, stations: AbstractSet[str]) -> Sequence[FaceRef]:
        there = self._files.of_capture(key) if stations else ()
        return [FaceRef(face, name) for name, face in names.faces_among(there, key, stations).items()]

    @override
    def face_content(self, ref: FaceRef) -> bytes:
        return self._files.content(ref.external_id)

    @override
    def stored_sizes(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        sizes = stored_sizes(self._files.links([ref.external_id for ref in refs]))
        return {ref: sizes[ref.external_id] for ref in refs}

    @override
    def publish(self, capture: Capture, faces: StationFaces) -> int:
        ensure_space(self._cdf, self._space, create=self._site.create_space)
        return sum(self._instances.write(nodes) for nodes in self._nodes(capture, faces))

    @override
    def changes(self, capture: Capture, faces: StationFaces) -> Sequence[str]:
        stale = self._instances.stale if space_exists(self._cdf, self._space) else list
        return [node.external_id for nodes in self._nodes(capture, faces) for node in stale(nodes)]

    @override
    def remove_faces(self, refs: Sequence[FaceRef]) -> int:
        return self._files.remove([ref.external_id for ref in refs])

    @override
    def _without_content(self, refs: Sequence[FaceRef]) -> Sequence[str]:
        return self._files.without_content([ref.external_id for ref in refs])

    @override
    def _published_image(self, node: Any) -> PublishedImage:
        return published_image(node)

    def _nodes(self, capture: Capture, faces: StationFaces) -> tuple[Sequence[Node], Sequence[Node]]:
        """Return stations and collections, then the images that refer to them; to be written in this order."""
        space = self._space
        stations = [
            Node(space, names.station_node(capture, station.id), STATION, {"label": station.name})
            for station in capture.stations
        ]
        collections = [
            Node(space, each, COLLECTION, {"label": label}) for each, label in names.collections(capture).items()
        ]
        return [*self._to_write(capture, stations), *collections], [
            self._image(capture, station, faces[station.id]) for station in capture.stations
        ]

    def _image(self, capture: Capture, station: Station, faces: Mapping[FaceName, FaceRef]) -> Node:
        space, key = self._space, capture.key
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
    """Convert the SDK's Image360 node; a number that is not set counts as 0."""
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
