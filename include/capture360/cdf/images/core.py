"""360° images in CDF's core data model, for data modeling projects.

Views and values as Cognite's own migration writes them (cognitedata/toolkit, `_migrate/image_360_mappings.py`) and the
public viewer reads them (cognitedata/reveal, `descriptor-providers/datamodels/cdm`). A collection is written and read
through `Cognite3DRevision` and `CogniteDescribable`: the filter of the view `Cognite360ImageCollection` tests a
container in which a collection has no data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capture360 import names
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject
from capture360.cdf.images.core_files import FILE, CoreFiles
from capture360.cdf.images.core_model import MODEL, CoreModels
from capture360.cdf.images.scenes import with_scene
from capture360.cdf.images.shared_stations import of_these_images_alone
from capture360.cdf.instances import (
    PAGE,
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
from capture360.cdf.preflight import Required, ensure_space, missing_parts, space_exists, stop
from capture360.cdf.stored_sizes import stored_sizes
from capture360.model import FACES, Capture, CaptureKey, EncodedFace, FaceName, FaceRef, PublishedImage, Station
from capture360.rules.finding import Finding
from capture360.settings.site import Site

_CORE = "cdf_cdm"
DESCRIBABLE = View(_CORE, "CogniteDescribable")
REVISION = View(_CORE, "Cognite3DRevision")
STATION = View(_CORE, "Cognite360ImageStation")
IMAGE = View(_CORE, "Cognite360Image")
_TYPE = "Image360"
_GROUP_TYPE = "Station360"
_INSTANCES_EACH = 8
"""Six faces, station and image."""
_BEGUN = {"type": _TYPE, "status": "Processing", "published": False}
_DONE = {"type": _TYPE, "status": "Done", "published": True}


class CoreImages:
    """Image360Store of data modeling projects."""

    def __init__(self, cdf: CdfProject, site: Site) -> None:
        self._cdf = cdf
        self._site = site
        self._space = site.space
        self._files_space = site.data_modeling.files_space or site.space
        self._files = CoreFiles(cdf.client, site.files)
        self._models = CoreModels(cdf, site.space)
        self._instances = Instances(cdf.client)

    def missing(self, key: CaptureKey, panoramas: int) -> Sequence[Finding]:
        actions = ("READ", "CREATE") if self._site.data_modeling.model is None else ()
        own_model = [Need("threedAcl", action) for action in actions]
        required = Required(
            views=(FILE, DESCRIBABLE, REVISION, STATION, IMAGE, MODEL),
            spaces=(self._space, self._files_space),
            needs=(Need("filesAcl", "READ"), Need("filesAcl", "WRITE"), *own_model),
            panoramas=panoramas,
            instances_each=_INSTANCES_EACH,
            published=lambda: sum(1 for _ in self.images(key)),
            classic_files=False,
        )
        found = missing_parts(self._cdf, self._site, with_scene(required, self._site))
        return [*found, *(() if found else self._misconfigured())]

    def _misconfigured(self) -> Iterator[Finding]:
        """Settings that cannot hold in this project; asked once all that reading takes is there."""
        files, model = self._site.files, self._site.data_modeling.model
        if files.data_set is not None:
            yield stop(
                "data_set",
                files.data_set,
                f'files.data_set is "{files.data_set}", but instances are in no data set. Remove it: who may read them '
                "is decided by their space.",
            )
        if model is not None and not (
            space_exists(self._cdf, self._space) and self._instances.read(self._space, [model], MODEL)
        ):
            yield stop(
                "model",
                model,
                f'data_modeling.model is "{model}", but space "{self._space}" holds no such Cognite360ImageModel. '
                "Correct it, or remove it to have one made.",
            )

    def collections(self, key: CaptureKey) -> Sequence[Collection]:
        found = self._instances.found(self._space, names.collection_id(key))
        return [Collection(self._space, external_id) for external_id in found]

    def face_ref(self, key: CaptureKey, station: str, face: FaceName, sha256: str) -> FaceRef:
        return FaceRef(face, names.face_id(key, station, face, sha256), self._files_space)

    def stored(self, refs: Mapping[FaceRef, str]) -> set[FaceRef]:
        return self._files.uploaded(refs)

    def put_faces(self, capture: Capture, faces: Sequence[tuple[Station, EncodedFace]]) -> Sequence[FaceRef]:
        ensure_space(self._cdf, self._files_space, create=self._site.create_space)
        refs = [self.face_ref(capture.key, station.id, face.face, face.sha256) for station, face in faces]
        self._files.put([(ref, *pair) for ref, pair in zip(refs, faces, strict=True)])
        return refs

    def file_ids(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        return self._files.ids(refs)

    def face_content(self, ref: FaceRef) -> bytes:
        return self._files.content(ref)

    def stored_sizes(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        return stored_sizes(self._files.links(refs))

    def publish(self, capture: Capture, faces: StationFaces) -> int:
        """The model is created only once everything else is there: a run that fails before leaves none behind."""
        ensure_space(self._cdf, self._space, create=self._site.create_space)
        written = sum(self._instances.write(nodes) for nodes in self._before_the_model(capture, faces))
        model, created = self._model(capture.key)
        return written + created + self._instances.write(self._collections(capture, model))

    def changes(self, capture: Capture, faces: StationFaces) -> Sequence[str]:
        if not space_exists(self._cdf, self._space):
            nodes = [node for group in self._before_the_model(capture, faces) for node in group]
            return [*dict.fromkeys(node.external_id for node in nodes), *self._new_model(capture.key, None)]
        stale = [n for group in self._before_the_model(capture, faces) for n in self._instances.stale(group)]
        model = self._site.data_modeling.model or self._models.find(capture.key)
        if model is not None:
            stale += self._instances.stale(self._collections(capture, model))
        return [*dict.fromkeys(node.external_id for node in stale), *self._new_model(capture.key, model)]

    def images(self, key: CaptureKey) -> Iterator[PublishedImage]:
        return self._images(with_prefix(self._space, names.collection_id(key)))

    def images_in(self, collection: Collection) -> Iterator[PublishedImage]:
        return self._images({"instanceReferences": [relation(collection.space, collection.external_id)]})

    def _images(self, collections: Mapping[str, Any]) -> Iterator[PublishedImage]:
        """The images of the collections that a filter finds."""
        for page in self._instances.pages(_images_query(collections), "images"):
            for node in page["images"]:
                properties = IMAGE.properties_of(node)
                yield PublishedImage(
                    external_id=node.external_id,
                    space=node.space,
                    station=(properties.get("station360") or {}).get("externalId", ""),
                    pose=pose_of(properties),
                    faces={face: _face(face, properties[face]) for face in FACES if properties.get(face)},
                )

    def remove_images(self, images: Sequence[PublishedImage]) -> int:
        return self._instances.remove(self._space, [image.external_id for image in images])

    def remove_stations(self, external_ids: Sequence[str]) -> int:
        unused = of_these_images_alone(self._instances, self._space, external_ids, IMAGE, "station360", ())
        return self._instances.remove(self._space, unused)

    def remove_collections(self, collections: Sequence[Collection]) -> int:
        return sum(self._instances.remove(each.space, [each.external_id]) for each in collections)

    def remove_faces(self, refs: Sequence[FaceRef]) -> int:
        return self._files.remove(refs)

    def remove(self, key: CaptureKey, *, dry_run: bool) -> Sequence[str]:
        images = list(self.images(key))
        space = self._space
        image_ids = [image.external_id for image in images]
        stations = {image.station for image in images if image.station}
        station_ids = of_these_images_alone(self._instances, space, stations, IMAGE, "station360", image_ids)
        files = [ref for image in images for ref in image.faces.values()]
        there = self._instances.found(space, names.collection_id(key))
        models = self._models.all(key)
        if not dry_run:
            self._instances.remove(space, image_ids)
            self._instances.remove(space, there)
            self._models.remove(models)
            self._instances.remove(space, station_ids)
            self.remove_faces(files)
        return [*image_ids, *there, *models, *station_ids, *(ref.external_id for ref in files)]

    def _before_the_model(self, capture: Capture, faces: StationFaces) -> Iterator[Sequence[Node]]:
        """What each group points at is in one before it, so that CDF's constraints find every target."""
        space, collections = self._space, names.collections(capture)
        yield [Node(space, each, DESCRIBABLE, {"name": label}) for each, label in collections.items()]
        begun = self._instances.read(space, list(collections), REVISION)
        yield [
            *(Node(space, each, REVISION, _BEGUN) for each in collections if not begun.get(each)),
            *(
                Node(space, names.station_node(capture, s.id), STATION, {"name": s.name, "groupType": _GROUP_TYPE})
                for s in capture.stations
            ),
        ]
        yield [self._image(capture, station, faces[station.id]) for station in capture.stations]

    def _collections(self, capture: Capture, model: str) -> list[Node]:
        """The collections as they are in the end; `published` comes with this last write."""
        done = {**_DONE, "model3D": relation(self._space, model)}
        return [Node(self._space, each, REVISION, done) for each in names.collections(capture)]

    def _image(self, capture: Capture, station: Station, faces: Mapping[FaceName, FaceRef]) -> Node:
        space, key = self._space, capture.key
        properties: dict[str, Any] = {
            **pose_properties(station.pose),
            **{face: relation(faces[face].space or space, faces[face].external_id) for face in FACES},
            "collection360": relation(space, names.collection_id(key, station.collection)),
            "station360": relation(space, names.station_node(capture, station.id)),
            "takenAt": timestamp(station.taken_at),
        }
        return Node(space, names.image_id(key, station.id), IMAGE, properties)

    def _model(self, key: CaptureKey) -> tuple[str, int]:
        configured = self._site.data_modeling.model
        return (configured, 0) if configured else self._models.ensure(key)

    def _new_model(self, key: CaptureKey, found: str | None) -> list[str]:
        return [] if found else [f"360° model {key}"]


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


def _face(face: FaceName, value: Mapping[str, str]) -> FaceRef:
    return FaceRef(face, value["externalId"], value["space"])
